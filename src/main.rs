//! The `strongroom` binary.

use std::{env, io};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some("render") {
        let memory = arguments.next().and_then(|memory| memory.parse().ok()).unwrap_or(1 << 30);
        return strongroom::thumbnails::child::run(memory);
    }
    Ok(())
}
