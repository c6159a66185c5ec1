//! What a connection is doing, and since when: so that slow heads and idle connections end, and running requests do not.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Response, StatusCode},
};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::head::Head;
use crate::http::request::Problem;

/// Shared by the stream of a connection, its requests and its watch.
#[derive(Debug)]
pub struct Activity {
    header_timeout: Duration,
    keep_alive: Duration,
    state: Mutex<State>,
    dismissal: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// A write waits for the client.
    writing: bool,
    /// The client may be sending what nobody is going to read.
    sends_in_vain: bool,
    /// What is left to say when the connection ends.
    last_words: Option<Problem>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is asked, since the last answer was complete.
    Idle(Instant),
    /// A head is coming, or the first one is waited for.
    Head(Head),
    /// A request is being answered.
    Answering,
    /// The answer is complete, and some of it may have to be written yet.
    Answered,
    /// It speaks another protocol now.
    Upgraded,
}

impl Activity {
    /// Of a connection that was just made.
    pub fn new(header_timeout: Duration, keep_alive: Duration) -> Self {
        let phase = Phase::Head(Head::new(Instant::now()));
        let state = State { phase, writing: false, sends_in_vain: false, last_words: None };
        Self { header_timeout, keep_alive, state: Mutex::new(state), dismissal: Notify::new() }
    }

    /// Bytes have come.
    pub fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        if let Phase::Idle(_) = state.phase {
            state.phase = Phase::Head(Head::new(Instant::now()));
        }
        if let Phase::Head(head) = &mut state.phase {
            head.read(bytes);
        }
    }

    /// Whether a write waits for the client.
    pub fn writes(&self, writing: bool) {
        self.state().writing = writing;
    }

    /// Everything has been written.
    pub fn flushed(&self) {
        let mut state = self.state();
        if let Phase::Answered = state.phase {
            state.phase = Phase::Idle(Instant::now());
        }
    }

    /// Nobody is going to read the rest of what the client is sending.
    pub fn ignores_the_rest(&self) {
        self.state().sends_in_vain = true;
    }

    /// Whether the client may be sending what nobody is going to read.
    pub fn sends_in_vain(&self) -> bool {
        self.state().sends_in_vain
    }

    /// hyper is refusing a head with this status. `false`: no head was expected.
    pub fn refuses_head(&self, status: StatusCode) -> bool {
        let mut state = self.state();
        let status = match &state.phase {
            // The one line was too long for the buffer.
            Phase::Head(head) if status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE && head.is_in_request_line() => {
                StatusCode::URI_TOO_LONG
            }
            Phase::Head(_) | Phase::Idle(_) => status,
            Phase::Answering | Phase::Answered | Phase::Upgraded => return false,
        };
        let message = match status {
            StatusCode::URI_TOO_LONG => "The URL is too long: it may take 64 KiB at most.",
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                "The head of the request is too large: it may take 128 KiB and have 100 headers at most."
            }
            _ => "The head of the request is not that of an HTTP/1.1 request.",
        };
        state.last_words = Some(Problem::refused(status, message));
        true
    }

    /// hyper could make nothing of a head, and said nothing.
    pub fn gave_up_on_head(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Head(_)) && state.last_words.is_none() {
            let message = "This port speaks HTTP/1.1. HTTP/2 is spoken by the proxy that brings HTTPS.";
            state.last_words = Some(Problem::refused(StatusCode::HTTP_VERSION_NOT_SUPPORTED, message));
        }
    }

    /// The client has taken too long. `true`: to send a head that had begun, so that there is something to answer.
    pub fn is_out_of_time(&self) -> bool {
        let mut state = self.state();
        let begun = matches!(&state.phase, Phase::Head(head) if head.has_begun());
        if begun {
            let message = "The head of the request came too slowly.";
            state.last_words = Some(Problem::refused(StatusCode::REQUEST_TIMEOUT, message));
        }
        begun
    }

    /// What is to be said to the client before the connection is closed.
    pub fn take_last_words(&self) -> Option<Problem> {
        self.state().last_words.take()
    }

    /// Since when the client keeps us waiting. `None` while we have something to do for it.
    pub fn waits_since(&self) -> Option<Instant> {
        let state = self.state();
        match &state.phase {
            _ if state.writing => None,
            Phase::Idle(since) => Some(*since),
            Phase::Head(head) => Some(head.since),
            Phase::Answering | Phase::Answered | Phase::Upgraded => None,
        }
    }

    /// Nothing is being answered and nothing is left to write.
    pub fn is_quiet(&self) -> bool {
        self.waits_since().is_some()
    }

    /// Asks the connection to make room for others.
    pub fn dismiss(&self) {
        self.dismissal.notify_one();
    }

    /// Waits until it is asked to make room.
    pub async fn dismissed(&self) {
        self.dismissal.notified().await;
    }

    /// Waits until the client has taken too long to say what it wants.
    pub async fn overdue(&self) {
        loop {
            let now = Instant::now();
            let deadline = {
                let state = self.state();
                match &state.phase {
                    _ if state.writing => None,
                    Phase::Head(head) => Some(head.since + self.header_timeout),
                    Phase::Idle(since) => Some(*since + self.keep_alive),
                    Phase::Answering | Phase::Answered | Phase::Upgraded => None,
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

/// A request that is being answered, until its answer is complete.
#[derive(Debug)]
pub struct Counted(Arc<Activity>);

impl Counted {
    /// The head of a request has come. Also answers whether it states its length in two ways.
    pub fn new(activity: Arc<Activity>) -> (Self, bool) {
        let phase = std::mem::replace(&mut activity.state().phase, Phase::Answering);
        let has_two_lengths = matches!(phase, Phase::Head(head) if head.has_two_lengths());
        (Self(activity), has_two_lengths)
    }

    /// The answer, which takes as long as its body.
    pub fn around(self, response: Response<Body>) -> Response<Body> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.0.state().phase = Phase::Upgraded;
        }
        response.map(|body| Body::new(CountedBody { body, _counted: self }))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if let Phase::Answering = state.phase {
            state.phase = Phase::Answered;
        }
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

    fn answered(activity: &Arc<Activity>) {
        drop(Counted::new(Arc::clone(activity)));
        activity.flushed();
    }

    async fn until_overdue(activity: &Activity) -> Duration {
        let start = Instant::now();
        activity.overdue().await;
        start.elapsed()
    }

    #[tokio::test]
    async fn a_silent_connection_is_overdue_after_the_header_timeout() {
        let activity = activity();
        assert!((HEAD..IDLE).contains(&until_overdue(&activity).await));
        assert!(!activity.is_out_of_time());
    }

    #[tokio::test]
    async fn between_requests_a_connection_may_idle_longer_than_a_head_may_take() {
        let activity = activity();
        answered(&activity);
        assert!(until_overdue(&activity).await + HEAD / 10 >= IDLE);
        answered(&activity);
        activity.received(b"GET");
        assert!((HEAD..IDLE).contains(&until_overdue(&activity).await));
        assert!(activity.is_out_of_time());
    }

    #[tokio::test]
    async fn a_running_request_is_never_overdue() {
        let activity = activity();
        let counted = Counted::new(Arc::clone(&activity));
        assert!(tokio::time::timeout(IDLE * 2, activity.overdue()).await.is_err());
        assert_eq!(activity.waits_since(), None);
        drop(counted);
        assert_eq!(activity.waits_since(), None);
        activity.flushed();
        assert!(until_overdue(&activity).await + HEAD / 10 >= IDLE);
    }

    #[test]
    fn an_answer_of_ours_is_never_taken_for_a_refusal_by_hyper() {
        let activity = activity();
        let counted = Counted::new(Arc::clone(&activity));
        assert!(!activity.refuses_head(StatusCode::BAD_REQUEST));
        drop(counted);
        assert!(!activity.refuses_head(StatusCode::BAD_REQUEST));
        activity.flushed();
        assert!(activity.refuses_head(StatusCode::BAD_REQUEST));
        let upgraded = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS).body(Body::empty()).unwrap();
        drop(Counted::new(Arc::clone(&activity)).0.around(upgraded));
        activity.flushed();
        assert!(!activity.refuses_head(StatusCode::BAD_REQUEST));
    }
}
