//! Makes the thumbnails of images outside of the server: `thumbnails [--repeat N] FILE... FOLDER`.
//!
//! Each thumbnail is written to the folder, under the name of its image and its width. `--repeat` renders each image so
//! many times and tells the shortest time.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use strongroom_render::{Format, Image, RenderLimits, render};

/// The widths of the thumbnails, in pixels.
const WIDTHS: [u32; 3] = [100, 250, 500];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let mut repeat = 1;
    if arguments.first().is_some_and(|argument| argument == "--repeat") {
        repeat = arguments.get(1).ok_or("--repeat needs a number")?.parse()?;
        arguments.drain(..2);
    }
    let (folder, files) = arguments.split_last().ok_or("usage: thumbnails [--repeat N] FILE... FOLDER")?;
    fs::create_dir_all(folder)?;
    for file in files {
        let path = Path::new(file);
        let bytes = fs::read(path)?;
        let mut shortest = Duration::MAX;
        let mut rendered = Err("not rendered".to_owned());
        for _ in 0..repeat.max(1) {
            let begun = Instant::now();
            rendered = render(&bytes, &RenderLimits::default(), &WIDTHS).map_err(|error| error.to_string());
            shortest = shortest.min(begun.elapsed());
        }
        let memory = Image::open(&bytes, &RenderLimits::default()).map_or(0, |image| image.memory(&WIDTHS));
        match rendered {
            Ok(rendered) => {
                println!(
                    "{file}: {} x {}, {:.1} ms, at most {} KiB",
                    rendered.width,
                    rendered.height,
                    shortest.as_secs_f64() * 1e3,
                    memory >> 10
                );
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                for (width, thumbnail) in WIDTHS.iter().zip(&rendered.thumbnails) {
                    let extension = if thumbnail.format == Format::Jpeg { "jpg" } else { "webp" };
                    let to = PathBuf::from(folder).join(format!("{name}-{width}.{extension}"));
                    fs::write(to, &thumbnail.bytes)?;
                }
            }
            Err(reason) => println!("{file}: {reason}"),
        }
    }
    Ok(())
}
