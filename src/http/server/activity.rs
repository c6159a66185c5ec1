//! What a connection is doing, and since when: so that slow heads and idle connections end, and running requests do not.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, http::Version};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// Shared by the stream of a connection, its requests and its watch.
#[derive(Debug)]
pub struct Activity {
    header_timeout: Duration,
    keep_alive: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Requests whose answers are not complete.
    running: usize,
    /// A write waits for the client.
    writing: bool,
    /// When the first byte of the present head came; at the start, when the connection was made.
    head_since: Option<Instant>,
    /// When the last answer was complete.
    idle_since: Instant,
    /// Its frames between requests are not heads.
    is_http2: bool,
}

impl Activity {
    /// Of a connection that was just made.
    pub fn new(header_timeout: Duration, keep_alive: Duration) -> Self {
        let now = Instant::now();
        let state = State { running: 0, writing: false, head_since: Some(now), idle_since: now, is_http2: false };
        Self { header_timeout, keep_alive, state: Mutex::new(state) }
    }

    /// Bytes have come.
    pub fn received(&self) {
        let mut state = self.state();
        if state.running == 0 && !state.is_http2 && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
    }

    /// Whether a write waits for the client.
    pub fn writes(&self, writing: bool) {
        self.state().writing = writing;
    }

    /// Nothing is asked and nothing is left to say.
    pub fn is_quiet(&self) -> bool {
        let state = self.state();
        state.running == 0 && !state.writing
    }

    /// Waits until the client has taken too long to say what it wants.
    pub async fn overdue(&self) {
        loop {
            let now = Instant::now();
            let deadline = {
                let state = self.state();
                match state.head_since {
                    _ if state.running > 0 || state.writing => None,
                    Some(since) => Some(since + self.header_timeout),
                    None => Some(state.idle_since + self.keep_alive),
                }
            };
            if deadline.is_some_and(|deadline| deadline <= now) {
                return;
            }
            // Whatever begins from now on is due later than this.
            let soonest = now + self.header_timeout.min(self.keep_alive);
            sleep_until(deadline.unwrap_or(soonest).min(soonest)).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a request as running, until its answer is complete.
#[derive(Debug)]
pub struct Counted(Arc<Activity>);

impl Counted {
    /// The head of a request has come.
    pub fn new(activity: Arc<Activity>, version: Version) -> Self {
        {
            let mut state = activity.state();
            state.running += 1;
            state.head_since = None;
            state.is_http2 = version == Version::HTTP_2;
        }
        Self(activity)
    }

    /// The answer, which takes as long as its body.
    pub fn around(self, body: Body) -> impl HttpBody<Data = Bytes, Error = axum::Error> {
        CountedBody { body, _counted: self }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running -= 1;
        state.idle_since = Instant::now();
    }
}

struct CountedBody {
    body: Body,
    _counted: Counted,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Duration = Duration::from_millis(50);
    const IDLE: Duration = Duration::from_millis(300);

    fn activity() -> Arc<Activity> {
        Arc::new(Activity::new(HEAD, IDLE))
    }

    async fn until_overdue(activity: &Activity) -> Duration {
        let start = Instant::now();
        activity.overdue().await;
        start.elapsed()
    }

    #[tokio::test]
    async fn a_silent_connection_is_overdue_after_the_header_timeout() {
        assert!((HEAD..IDLE).contains(&until_overdue(&activity()).await));
    }

    #[tokio::test]
    async fn between_requests_a_connection_may_idle_longer_than_a_head_may_take() {
        let activity = activity();
        drop(Counted::new(Arc::clone(&activity), Version::HTTP_11));
        assert!(until_overdue(&activity).await + HEAD / 10 >= IDLE);
        drop(Counted::new(Arc::clone(&activity), Version::HTTP_11));
        activity.received();
        assert!((HEAD..IDLE).contains(&until_overdue(&activity).await));
    }

    #[tokio::test]
    async fn a_running_request_is_never_overdue() {
        let activity = activity();
        let counted = Counted::new(Arc::clone(&activity), Version::HTTP_11);
        assert!(tokio::time::timeout(IDLE * 2, activity.overdue()).await.is_err());
        drop(counted);
        assert!(until_overdue(&activity).await + HEAD / 10 >= IDLE);
    }
}
