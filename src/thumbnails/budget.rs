//! How much memory the processes that render may take all together.
//!
//! Two shares, so that nobody can starve: a job takes of the first for its file, and then, holding that, of the second for
//! the work on it. Whoever has both gets done and gives both back; with one share, files that wait could fill it.

use tokio::sync::{Semaphore, SemaphorePermit};

/// The part of the budget that is for files: this many of it make the whole.
const PARTS: u64 = 4;

/// The budget.
#[derive(Debug)]
pub(super) struct Budget {
    /// For the bytes of images.
    pub files: Share,
    /// For what decoding and scaling takes beyond them.
    pub work: Share,
}

impl Budget {
    /// So many bytes.
    pub fn new(bytes: u64) -> Self {
        let files = bytes / PARTS;
        Self { files: Share::new(files), work: Share::new(bytes - files) }
    }
}

/// Memory that is taken and given back. First come, first served: large jobs are not passed for ever.
#[derive(Debug)]
pub(super) struct Share {
    kibibytes: u32,
    free: Semaphore,
}

impl Share {
    fn new(bytes: u64) -> Self {
        let kibibytes = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).max(1);
        let free = Semaphore::new(usize::try_from(kibibytes).unwrap_or(Semaphore::MAX_PERMITS));
        Self { kibibytes, free }
    }

    /// Waits until so many bytes are free. Who needs more than there are gets all of them, and is alone with them.
    pub async fn take(&self, bytes: u64) -> SemaphorePermit<'_> {
        let kibibytes = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).min(self.kibibytes);
        self.free.acquire_many(kibibytes).await.expect("nobody closes it")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_waits_until_memory_is_given_back() {
        let share = Share::new(10 << 10);
        let first = share.take(4 << 10).await;
        let second = share.take((5 << 10) + 1).await;
        assert!(share.take(1).now_or_never().is_none());
        drop(first);
        assert!(share.take(4 << 10).now_or_never().is_some());
        drop(second);
    }

    #[tokio::test]
    async fn who_needs_more_than_there_is_has_it_alone() {
        let share = Share::new(10 << 10);
        let small = share.take(1).await;
        assert!(share.take(u64::MAX).now_or_never().is_none());
        drop(small);
        let all = share.take(u64::MAX).await;
        assert!(share.take(1).now_or_never().is_none());
        drop(all);
    }

    #[tokio::test]
    async fn small_ones_do_not_pass_a_large_one_that_waits() {
        let share = Share::new(10 << 10);
        let first = share.take(4 << 10).await;
        let mut large = Box::pin(share.take(8 << 10));
        assert!((&mut large).now_or_never().is_none());
        assert!(share.take(1).now_or_never().is_none());
        drop(first);
        assert!(large.now_or_never().is_some());
    }
}
