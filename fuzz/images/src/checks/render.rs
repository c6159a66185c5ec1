//! What holds whatever file comes: thumbnails of the sizes that were asked for, which can be opened again, or a reason for people.

use strongroom_render::{Format, Image, RenderError, RenderLimits, Rendered, sniff};

use super::MAX_PIXELS;

const WIDTHS: [u32; 3] = [10, 25, 50];
const LIMITS: RenderLimits = RenderLimits { max_pixels: MAX_PIXELS, max_side: 4096 };

/// Opens it, and makes small thumbnails.
pub fn check(input: &[u8]) -> u64 {
    let image = match Image::open(input, &LIMITS) {
        Ok(image) => image,
        Err(error) => {
            judge_reason(&error);
            return 0;
        }
    };
    let promised = image.memory(&WIDTHS);
    // What any image of this many pixels could need: 16 bytes for each, twice, and tables.
    assert!(promised <= 32 * MAX_PIXELS + (256 << 20), "{promised} bytes for {} of file", input.len());
    match image.render(&WIDTHS) {
        Ok(rendered) => judge(&rendered),
        Err(error) => judge_reason(&error),
    }
    promised
}

fn judge(rendered: &Rendered) {
    let (width, height) = (rendered.width, rendered.height);
    assert!(width > 0 && height > 0 && u64::from(width) * u64::from(height) <= MAX_PIXELS);
    assert!(!rendered.thumbhash.is_empty() && rendered.thumbhash.len() < 48);
    assert_eq!(rendered.thumbnails.len(), WIDTHS.len());
    for (thumbnail, most) in rendered.thumbnails.iter().zip(WIDTHS) {
        assert_eq!(thumbnail.width, width.min(most));
        // In proportion, to the nearest.
        let exact = u64::from(height) * u64::from(thumbnail.width);
        let off = (u64::from(thumbnail.height) * u64::from(width)).abs_diff(exact);
        assert!(thumbnail.height == 1 || 2 * off <= u64::from(width), "{width} x {height} became {thumbnail:?}");
        assert_eq!(sniff(&thumbnail.bytes), Some(thumbnail.format));
        assert!(matches!(thumbnail.format, Format::Jpeg | Format::WebP));
        assert!(Image::open(&thumbnail.bytes, &LIMITS).is_ok(), "a thumbnail cannot be opened");
    }
}

/// A sentence. What could not be done for no fault of the file is a fault of ours: there is memory enough here.
fn judge_reason(error: &RenderError) {
    let (RenderError::Damaged(reason) | RenderError::TooLarge(reason)) = error else { panic!("{error:?}") };
    assert!(reason.ends_with('.') && (20..160).contains(&reason.len()), "{reason}");
    assert!(
        reason.chars().all(|character| character.is_ascii_alphanumeric() || " .,:;".contains(character)),
        "{reason}"
    );
}
