//! Code that is compiled twice: for every processor, and for those with AVX2 (x86-64-v3), which most have.

/// Does the work with AVX2, BMI and what comes with them where there are, and without elsewhere. What the closure calls gains only if it
/// is inlined, and so has to be the closure: `#[inline(always)] || ...`.
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
