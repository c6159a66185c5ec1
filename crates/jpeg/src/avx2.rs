//! Code that is compiled twice: for all processors, and for those with AVX2 (x86-64-v3), as most made since 2015.

/// Does the work with AVX2, BMI and the other instructions of x86-64-v3 if the processor has them, and without if not. Only code that is
/// inlined into the closure gains, and the closure itself has to be inlined: `#[inline(always)] || ...`.
#[inline(always)]
pub fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        use fearless_simd::{Level, Simd};
        if let Some(avx2) = Level::new().as_avx2() {
            return avx2.vectorize(work);
        }
    }
    work()
}
