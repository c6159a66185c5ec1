//! What a round did and found, in figures.

use std::{fmt, time::Duration};

/// Figures of one round, or of several.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub sent: u64,
    pub acknowledged: u64,
    /// Acknowledged, downloaded, and the same.
    pub verified: u64,
    /// Not acknowledged, and there as it was sent.
    pub whole: u64,
    /// Not acknowledged, and not there.
    pub absent: u64,
    /// Images whose thumbnails are ready.
    pub images: u64,
    /// Damaged images, which failed as they should.
    pub failed: u64,
    pub events: u64,
    pub kills: u64,
    /// The longest from a kill, or a start, until /readyz says that all is well again.
    pub ready: Duration,
    /// The longest from the last fault until all images have settled.
    pub settled: Duration,
}

impl Counts {
    pub fn add(&mut self, more: &Self) {
        self.sent += more.sent;
        self.acknowledged += more.acknowledged;
        self.verified += more.verified;
        self.whole += more.whole;
        self.absent += more.absent;
        self.images += more.images;
        self.failed += more.failed;
        self.events += more.events;
        self.kills += more.kills;
        self.ready = self.ready.max(more.ready);
        self.settled = self.settled.max(more.settled);
    }

    fn columns(&self) -> [(&'static str, String); 11] {
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        [
            ("sent", self.sent.to_string()),
            ("acked", self.acknowledged.to_string()),
            ("verified", self.verified.to_string()),
            ("whole", self.whole.to_string()),
            ("absent", self.absent.to_string()),
            ("images", self.images.to_string()),
            ("failed", self.failed.to_string()),
            ("events", self.events.to_string()),
            ("kills", self.kills.to_string()),
            ("ready in", seconds(self.ready)),
            ("settled in", seconds(self.settled)),
        ]
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns().map(|(name, value)| format!("{name} {value}"));
        f.write_str(&columns.join(", "))
    }
}

/// Prints the sums, with the number of rounds that broke a promise.
pub fn print(table: &[(String, Counts, u64)]) {
    let head = Counts::default().columns().map(|(name, _)| format!("{name:>11}")).concat();
    println!("\n{:<34}{head}{:>11}", "", "broken");
    for (name, counts, broken) in table {
        let cells = counts.columns().map(|(_, value)| format!("{value:>11}")).concat();
        println!("{name:<34}{cells}{broken:>11}");
    }
    println!("whole, absent: of uploads that nobody acknowledged. ready, settled: the longest of all rounds.\n");
}
