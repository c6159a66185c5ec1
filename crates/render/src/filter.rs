//! What pictures are made smaller with: a Lanczos filter of three lobes.

use std::f64::consts::PI;

use fast_image_resize::{Filter, FilterType, ResizeAlg, ResizeOptions};

/// How many lobes it has to each side, and so how many pixels of the larger grid it reaches.
const LOBES: f64 = 3.0;

/// The weights of large pictures are a part of the work: this has one sine for each, where sinc x · sinc x/3 has two.
///
/// sin 3a = 3 sin a − 4 sin³ a
fn lanczos3(x: f64) -> f64 {
    let share = x.abs() / LOBES;
    if share == 0.0 {
        return 1.0;
    }
    if share >= 1.0 {
        return 0.0;
    }
    let sine = sine(share.min(1.0 - share) * PI);
    let ratio = sine / (share * PI);
    // (3 sin a − 4 sin³ a) / 3a · (sin a) / a
    ratio * ratio * (1.0 - sine * sine * (4.0 / 3.0))
}

/// The sine of an angle of 0 to π/2, to nine digits: weights are rounded to fewer. Its series.
fn sine(a: f64) -> f64 {
    let square = a * a;
    let terms = [1.0 / 156.0, 1.0 / 110.0, 1.0 / 72.0, 1.0 / 42.0, 1.0 / 20.0, 1.0 / 6.0];
    a * terms.iter().fold(1.0, |rest, term| 1.0 - square * term * rest)
}

/// To resize with it; the rest is as the library has it.
pub(crate) fn lanczos() -> ResizeOptions {
    let filter = Filter::new("Lanczos3", lanczos3, LOBES).map_or(FilterType::Lanczos3, FilterType::Custom);
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_the_definition() {
        let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        for step in -3500..=3500 {
            let x = f64::from(step) / 1000.0;
            let defined = if x.abs() < LOBES { sinc(x) * sinc(x / LOBES) } else { 0.0 };
            assert!((lanczos3(x) - defined).abs() < 1e-9, "{x}: {} is not {defined}", lanczos3(x));
        }
    }

    #[test]
    fn the_library_takes_the_filter() {
        let ResizeAlg::Convolution(FilterType::Custom(filter)) = lanczos().algorithm else { panic!("not ours") };
        assert!((filter.support() - LOBES).abs() < f64::EPSILON);
    }
}
