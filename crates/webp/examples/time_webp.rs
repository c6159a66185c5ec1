//! Prints how long decoding takes: `cargo run --release -p strongroom-webp --example time_webp -- FILE [LUMA [CHROMA [RUNS]]]`.

use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(path) = arguments.next() else {
        eprintln!("usage: time FILE [LUMA [CHROMA [RUNS]]]");
        return;
    };
    let mut number = |default: u32| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let luma = number(1);
    let (chroma, runs) = (number(luma), number(20));
    let bytes = std::fs::read(&path).expect("the file can be read");
    let mut best = f64::INFINITY;
    let mut described = String::new();
    for _ in 0..runs {
        let start = Instant::now();
        let decoder = strongroom_webp::Decoder::new(&bytes).expect("the headers are those of lossy WebP");
        let memory = decoder.memory(luma, chroma);
        let picture = decoder.decode(luma, chroma).expect("the frame can be decoded");
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
        let plane = &picture.planes[0];
        described = format!("{} x {}, complete: {}, {memory} bytes", plane.width, plane.height, picture.complete);
    }
    println!("{best:.1} ms for 1/{luma} of luma, 1/{chroma} of chroma ({described}; the best of {runs} runs)");
}
