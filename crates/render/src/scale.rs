//! Sizes: which one fits.

/// The size of an image of this width and height at no more than `max_width`: in proportion, never larger, no side 0.
pub(crate) fn fit(width: u32, height: u32, max_width: u32) -> (u32, u32) {
    if width <= max_width {
        return (width, height);
    }
    (max_width, in_proportion(height, max_width, width))
}

/// `length * part / whole`, rounded, at least 1. `part` is at most `whole`.
pub(crate) fn in_proportion(length: u32, part: u32, whole: u32) -> u32 {
    let (length, part, whole) = (u64::from(length), u64::from(part), u64::from(whole).max(1));
    u32::try_from((2 * length * part + whole) / (2 * whole)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_their_proportions_and_never_reach_zero() {
        assert_eq!(fit(4_000, 3_000, 500), (500, 375));
        assert_eq!(fit(3_000, 4_000, 100), (100, 133));
        assert_eq!(fit(501, 333, 500), (500, 332));
        assert_eq!(fit(16_384, 1, 100), (100, 1));
        assert_eq!(fit(1, 16_384, 100), (1, 16_384));
        assert_eq!(fit(100, 7, 100), (100, 7));
    }
}
