//! Stopping cleanly: one signal that everything long-running listens to.

use std::sync::{Arc, OnceLock};

use tokio::{sync::oneshot, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument as _;

/// The signal to stop, and the tasks that are waited for. Cloned freely.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    begun: CancellationToken,
    at: Arc<OnceLock<Instant>>,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins: the server is no longer ready, takes no new connections, lets running requests finish, closes sockets.
    pub fn begin(&self) {
        self.at.get_or_init(Instant::now);
        self.begun.cancel();
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Waits until it has begun, and answers when that was.
    pub async fn begun_at(&self) -> Instant {
        self.begun.cancelled().await;
        *self.at.get_or_init(Instant::now)
    }

    /// The signal, to wait for.
    #[must_use]
    pub fn signal(&self) -> CancellationToken {
        self.begun.clone()
    }

    /// Runs a task that the shutdown waits for. It has to end by itself once the shutdown has begun.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task);
    }

    /// Does the work even if nobody waits for it any more: what changes something is not cut off halfway. The shutdown
    /// waits for it. `None`: it panicked.
    pub async fn to_the_end<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        let work = async move {
            // Nobody may be listening any more.
            let _ = sender.send(work.await);
        };
        self.spawn(work.in_current_span());
        receiver.await.ok()
    }

    /// Waits until the shutdown has begun and every task has ended.
    pub async fn finished(&self) {
        self.begun.cancelled().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}
