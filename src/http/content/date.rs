//! HTTP dates (RFC 9110 section 5.6.7), in whole seconds since the epoch.

use jiff::{
    Timestamp,
    fmt::{rfc2822::DateTimePrinter, strtime::BrokenDownTime},
    tz::TimeZone,
};

/// The form that is sent, then the two obsolete ones that still have to be understood.
const FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// `Sun, 06 Nov 1994 08:49:37 GMT`. `None` beyond the year 9999.
pub fn format(seconds: i64) -> Option<String> {
    let instant = Timestamp::from_second(seconds).ok()?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&instant).ok()
}

/// Reads any of the three forms. `None` for everything else: a malformed date is ignored.
pub fn parse(text: &str) -> Option<i64> {
    FORMS.iter().find_map(|form| {
        let date = BrokenDownTime::parse(form, text).ok()?.to_datetime().ok()?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_of_the_rfc_are_one_instant() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse(text), Some(784_111_777), "{text}");
        }
        assert_eq!(format(784_111_777).as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in [
            "",
            "0",
            "yesterday",
            "Sun, 06 Nov 1994 08:49:37 PST",
            "Sun, 06 Nov 1994 08:49:37",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 36 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT, and more",
            "1994-11-06T08:49:37Z",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
