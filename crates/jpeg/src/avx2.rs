//! Code that is compiled twice: for all processors, and for those with AVX2 (x86-64-v3), as most made since 2015.

/// `with_avx2!(simd => work)`: does the work with AVX2, BMI and the other instructions of x86-64-v3 if the processor has them, and with
/// what all processors have if not. `simd` is the token for vectors (`fearless_simd::Simd`) of the one or the other. Only code that is
/// inlined into the work gains.
macro_rules! with_avx2 {
    ($simd:ident => $work:expr) => {{
        use fearless_simd::{Level, Simd as _};
        #[cfg(target_arch = "x86_64")]
        let avx2 = Level::new().as_avx2();
        #[cfg(not(target_arch = "x86_64"))]
        let avx2 = None::<fearless_simd::Fallback>;
        match avx2 {
            Some($simd) => $simd.vectorize(
                #[inline(always)]
                || $work,
            ),
            None => fearless_simd::dispatch!(Level::baseline(), $simd => $work),
        }
    }};
}

pub(crate) use with_avx2;
