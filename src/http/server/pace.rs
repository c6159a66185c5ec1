//! How slow a client may be: never still for longer than the limit, and not below the least speed.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// The least speed.
#[derive(Debug, Clone, Copy)]
pub struct Least {
    /// Bytes a second.
    pub rate: u64,
    /// Over how much waiting it is taken.
    pub window: Duration,
}

/// Watches one direction of one transfer. Only the time that we wait for the client counts, not what we take ourselves.
#[derive(Debug)]
pub struct Pace {
    idle: Duration,
    least: Least,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// With this long for a standstill at most.
    pub fn new(idle: Duration, least: Least) -> Self {
        Self { idle, least, waiting: None, waited: Duration::ZERO, bytes: 0 }
    }

    /// Nothing moves. Ready once it has been so for too long; wakes the task then.
    pub fn still(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (_, alarm) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(self.idle))));
        alarm.as_mut().poll(cx)
    }

    /// This many bytes have moved. `false`: the client is too slow.
    pub fn moved(&mut self, bytes: usize) -> bool {
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        self.bytes += bytes as u64;
        if self.waited < self.least.window {
            return true;
        }
        let enough = u128::from(self.bytes) * 1000 >= u128::from(self.least.rate) * self.waited.as_millis();
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const STEP: Duration = Duration::from_millis(10);

    /// Still for 100 ms at most; 60 KiB over 100 ms.
    fn pace() -> Pace {
        Pace::new(STEP * 10, Least { rate: 600 << 10, window: STEP * 10 })
    }

    /// The client sends this after a while. `false`: it was given up, for whichever reason.
    async fn drip(pace: &mut Pace, bytes: usize, after: Duration) -> bool {
        tokio::select! {
            () = poll_fn(|cx| pace.still(cx)) => return false,
            () = sleep(after) => {}
        }
        pace.moved(bytes)
    }

    #[tokio::test]
    async fn standing_still_ends_a_transfer() {
        let mut pace = pace();
        let start = Instant::now();
        poll_fn(|cx| pace.still(cx)).await;
        assert!(start.elapsed() >= STEP * 10);
    }

    #[tokio::test]
    async fn dripping_ends_a_transfer() {
        let mut pace = pace();
        let start = Instant::now();
        while drip(&mut pace, 1, STEP).await {}
        assert!(start.elapsed() >= STEP * 10);
    }

    #[tokio::test]
    async fn slow_but_steady_is_fine() {
        let mut pace = pace();
        for _ in 0..30 {
            assert!(drip(&mut pace, 60 * 1024, STEP).await);
        }
    }

    #[tokio::test]
    async fn our_own_slowness_is_not_held_against_the_client() {
        let mut pace = pace();
        for _ in 0..3 {
            sleep(STEP * 15).await;
            assert!(pace.moved(1));
        }
    }
}
