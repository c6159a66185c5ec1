//! A contender of the benchmark in `tests/load/thumbnails`: renders with this crate, or with `image` alone, and measures quality.
//!
//! `thumbnails ours|image` takes requests as lines on standard input, with tabs between their parts, and answers each
//! with a line on standard output:
//!
//! - `time PATH COUNT CONCURRENT`: how many nanoseconds it took to render so often, and how many of the processor;
//!   one picture after the other, whatever `CONCURRENT` says;
//! - `write PATH FOLDER`: writes the thumbnails to files that are called by their widths;
//! - `memory PATH`: the most bytes that this process has had in memory after rendering once, and those before;
//! - `compare PATH FOLDER`: what such files are worth, see [`quality`].

mod quality;

use std::{error::Error, fs, io, path::Path, time::Instant};

use image::{codecs::jpeg::JpegEncoder, imageops::FilterType};
use strongroom_render::RenderLimits;

/// Of the thumbnails, in pixels.
const WIDTHS: [u32; 3] = [100, 250, 500];

type Answer<T> = Result<T, Box<dyn Error>>;

/// Makes the thumbnails of an image, in the order of [`WIDTHS`].
type Render = fn(&[u8]) -> Answer<Vec<Vec<u8>>>;

/// As the server does it.
fn ours(bytes: &[u8]) -> Answer<Vec<Vec<u8>>> {
    let rendered = strongroom_render::render(bytes, &RenderLimits::default(), &WIDTHS)?;
    Ok(rendered.thumbnails.into_iter().map(|thumbnail| thumbnail.bytes).collect())
}

/// The obvious first version: everything from the whole picture, with `image` and nothing else.
fn image_alone(bytes: &[u8]) -> Answer<Vec<Vec<u8>>> {
    let picture = image::load_from_memory(bytes)?;
    let thumbnail = |width| {
        let mut file = Vec::new();
        let small = picture.resize(width, u32::MAX, FilterType::Lanczos3).into_rgb8();
        small.write_with_encoder(JpegEncoder::new_with_quality(&mut file, 80))?;
        Ok(file)
    };
    WIDTHS.into_iter().map(thumbnail).collect()
}

fn main() -> Answer<()> {
    let render: Render = match std::env::args().nth(1).as_deref() {
        Some("ours") => ours,
        Some("image") => image_alone,
        _ => return Err("usage: thumbnails ours|image; requests come on standard input".into()),
    };
    let mut file = (String::new(), Vec::new());
    for line in io::stdin().lines() {
        let line = line?;
        let parts: Vec<_> = line.split('\t').collect();
        match parts[..] {
            ["time", path, count, _] => {
                if file.0 != path {
                    file = (path.to_owned(), fs::read(path)?);
                }
                let (took, used) = time(render, &file.1, count.parse()?)?;
                println!("{took}\t{used}");
            }
            ["write", path, folder] => {
                for (bytes, width) in render(&fs::read(path)?)?.iter().zip(WIDTHS) {
                    fs::write(Path::new(folder).join(width.to_string()), bytes)?;
                }
                println!();
            }
            ["memory", path] => {
                let idle = memory("VmRSS:")?;
                render(&fs::read(path)?)?;
                println!("{}\t{idle}", memory("VmHWM:")?);
            }
            ["compare", path, folder] => {
                let reference = quality::Reference::open(&fs::read(path)?)?;
                let compare = |width: u32| {
                    let file = fs::read(Path::new(folder).join(width.to_string()))?;
                    let likeness = reference.compare(&file)?;
                    Ok(format!("{:.3} {:.3} {:.5} {}", likeness.psnr, likeness.luma, likeness.ssim, file.len()))
                };
                println!("{}", WIDTHS.into_iter().map(compare).collect::<Answer<Vec<_>>>()?.join("\t"));
            }
            _ => return Err(format!("no such request: {line}").into()),
        }
    }
    Ok(())
}

/// How many nanoseconds go by, and how many of the processor.
fn time(render: Render, bytes: &[u8], count: u32) -> Answer<(u128, u128)> {
    let (begun, used) = (Instant::now(), processor_time()?);
    for _ in 0..count {
        std::hint::black_box(render(bytes)?);
    }
    Ok((begun.elapsed().as_nanos(), processor_time()? - used))
}

/// What all threads of this process have used, in nanoseconds.
fn processor_time() -> Answer<u128> {
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let line = fs::read_to_string(thread?.path().join("schedstat"))?;
        sum += line.split(' ').next().unwrap_or_default().parse::<u128>()?;
    }
    Ok(sum)
}

/// A line of `/proc/self/status`, in bytes.
fn memory(name: &str) -> Answer<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("the kernel does not say")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
