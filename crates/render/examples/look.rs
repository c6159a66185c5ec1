//! Thumbnails of files: reads their names from standard input, one a line, and writes into the folder that is the argument.
//!
//! For each it prints a line, with tabs between: the name; then `ready`, the width and height of the image, milliseconds, the
//! promised memory in bytes, and the file of each thumbnail (100, 250 and 500 wide); or else `damaged`, `large`, `failed` or
//! `panicked`, and the reason.

use std::{
    env, fs,
    io::{self, BufRead as _, Write as _},
    panic::catch_unwind,
    path::{Path, PathBuf},
    time::Instant,
};

use strongroom_render::{Image, RenderError, RenderLimits};

const WIDTHS: [u32; 3] = [100, 250, 500];

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or(io::ErrorKind::InvalidInput)?);
    fs::create_dir_all(&folder)?;
    let mut output = io::stdout().lock();
    for (index, name) in io::stdin().lock().lines().enumerate() {
        let name = name?;
        let bytes = fs::read(&name)?;
        let begun = Instant::now();
        let outcome = catch_unwind(|| {
            let image = Image::open(&bytes, &RenderLimits::default())?;
            let memory = image.memory(&WIDTHS);
            Ok((image.render(&WIDTHS)?, memory))
        });
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        let line = match outcome {
            Ok(Ok((rendered, memory))) => {
                let mut line = format!("ready\t{}\t{}\t{took:.1}\t{memory}", rendered.width, rendered.height);
                for (width, thumbnail) in WIDTHS.iter().zip(&rendered.thumbnails) {
                    let file = format!("{index}-{width}.{}", thumbnail.format.name().to_lowercase());
                    fs::write(Path::new(&folder).join(&file), &thumbnail.bytes)?;
                    line.push('\t');
                    line.push_str(&file);
                }
                line
            }
            Ok(Err(RenderError::Damaged(reason))) => format!("damaged\t{reason}"),
            Ok(Err(RenderError::TooLarge(reason))) => format!("large\t{reason}"),
            Ok(Err(RenderError::Failed(reason))) => format!("failed\t{reason}"),
            Err(_) => "panicked\tsee above".to_owned(),
        };
        writeln!(output, "{name}\t{line}")?;
    }
    Ok(())
}
