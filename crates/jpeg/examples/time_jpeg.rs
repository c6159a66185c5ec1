//! Prints how long a file takes to decode, the least of some runs: `time FILE [RUNS] [SCALE...]`, scales as 8, 4, 2 or 1, one per component.

use std::time::{Duration, Instant};

use strongroom_jpeg::{Decoder, Scale};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("time FILE [RUNS] [SCALE...]");
    let runs: u32 = arguments.next().map_or(20, |runs| runs.parse().expect("a number of runs"));
    let scales: Vec<Scale> = arguments
        .map(|scale| match &*scale {
            "8" => Scale::Eighth,
            "4" => Scale::Quarter,
            "2" => Scale::Half,
            "1" => Scale::Full,
            _ => panic!("scales are 8, 4, 2 or 1"),
        })
        .collect();
    let bytes = std::fs::read(&path).expect("a file that can be read");
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let start = Instant::now();
        let picture = Decoder::new(&bytes).and_then(|decoder| decoder.decode(&scales)).expect("a JPEG");
        best = best.min(start.elapsed());
        std::hint::black_box(picture);
    }
    println!("{:8.2} ms  {path}", best.as_secs_f64() * 1e3);
}
