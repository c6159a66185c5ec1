//! Code that is compiled twice: for all processors, and for those with AVX2 (x86-64-v3), as most made since 2015.

/// `with_avx2!(simd => work)`: does the work with AVX2, BMI and the other instructions of x86-64-v3 if the processor has them, and with
/// what all processors have if not. `simd` is the token for vectors (`fearless_simd::Simd`) of the one or the other. Only code that is
/// inlined into the work gains.
#[cfg(target_arch = "x86_64")]
macro_rules! with_avx2 {
    ($simd:ident => $work:expr) => {{
        use fearless_simd::{Level, Simd as _, dispatch};
        match Level::new().as_avx2() {
            Some($simd) => $simd.vectorize(
                #[inline(always)]
                || $work,
            ),
            None => dispatch!(Level::baseline(), $simd => $work),
        }
    }};
}

/// Elsewhere there is one kind.
#[cfg(not(target_arch = "x86_64"))]
macro_rules! with_avx2 {
    ($simd:ident => $work:expr) => {
        fearless_simd::dispatch!(fearless_simd::Level::baseline(), $simd => $work)
    };
}

pub(crate) use with_avx2;
