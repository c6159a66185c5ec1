//! Time: instants in milliseconds, and the clock that is passed to whoever needs one.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// An instant in milliseconds since 1970-01-01T00:00:00Z: what both back ends store and the API shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This much later, or the last instant there is.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This much earlier, or the first instant there is.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long it is from `earlier` until this; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whole seconds since the epoch, as JWT (RFC 7519 `NumericDate`) and HTTP dates have them.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// From whole seconds since the epoch.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-11-23T13:29:02.125Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

/// RFC 3339 with any offset; fractions beyond milliseconds are cut off.
impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(|instant| Self(instant.as_millisecond()))
    }
}

/// Tells the time. Cloned freely; tests hold one that they move by hand.
///
/// The time of day ([`Clock::now`]) is for what is stored and shown. It can be set by an hour at any moment, so what must
/// not be done too early is measured by [`Clock::elapsed`].
#[derive(Debug, Clone)]
pub struct Clock {
    made: Instant,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    System,
    /// Milliseconds added to the system's.
    Shifted(Arc<Shift>),
}

#[derive(Debug, Default)]
struct Shift {
    now: AtomicI64,
    elapsed: AtomicI64,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { made: Instant::now(), source: Source::System }
    }

    /// The machine's clock, which [`Clock::advance`] and [`Clock::set_forward`] can change.
    #[must_use]
    pub fn adjustable() -> Self {
        Self { made: Instant::now(), source: Source::Shifted(Arc::default()) }
    }

    /// Has time pass on an adjustable clock, for everyone who holds it; the system's stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Source::Shifted(shift) = &self.source {
            shift.elapsed.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
        self.set_forward(by);
    }

    /// Sets the time of day of an adjustable clock forward, as somebody who corrects a machine's clock does: no time has
    /// passed.
    pub fn set_forward(&self, by: Duration) {
        if let Source::Shifted(shift) = &self.source {
            shift.now.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let system = jiff::Timestamp::now().as_millisecond();
        match &self.source {
            Source::System => Timestamp(system),
            Source::Shifted(shift) => Timestamp(system + shift.now.load(Ordering::SeqCst)),
        }
    }

    /// How long this clock has been running, whatever was done to the time of day meanwhile.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let passed = self.made.elapsed();
        match &self.source {
            Source::System => passed,
            Source::Shifted(shift) => {
                passed + Duration::from_millis(u64::try_from(shift.elapsed.load(Ordering::SeqCst)).unwrap_or(0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_shown_in_utc_with_milliseconds() {
        assert_eq!(Timestamp(1_795_440_542_125).to_string(), "2026-11-23T13:29:02.125Z");
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_clock_that_is_set_does_not_make_time_pass() {
        let clock = Clock::adjustable();
        let (now, elapsed) = (clock.now(), clock.elapsed());
        let hour = Duration::from_secs(3600);
        clock.set_forward(hour);
        assert!(clock.now() >= now.plus(hour));
        assert!(clock.elapsed() < elapsed + hour);
        clock.advance(hour);
        assert!(clock.now() >= now.plus(2 * hour));
        assert!(clock.elapsed() >= elapsed + hour);
    }

    #[test]
    fn an_instant_is_read_whatever_its_offset() {
        assert_eq!("2026-11-23T14:29:02.125+01:00".parse::<Timestamp>().ok(), Some(Timestamp(1_795_440_542_125)));
        assert!("2026-11-23".parse::<Timestamp>().is_err());
    }
}
