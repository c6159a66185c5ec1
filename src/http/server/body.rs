//! The body of a request: ends when the client is too slow, and is read on for a moment when nobody wants the rest.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::{runtime::Handle, time::timeout};

use super::pace::Pace;

/// How long the rest of an unwanted body is read, so that the client gets to see the answer: a connection that is closed
/// on unread bytes is reset, and the reset overtakes the answer.
const LINGER: Duration = Duration::from_secs(2);

/// How much of it.
const LINGER_BYTES: usize = 64 << 20;

/// The client sent its body too slowly.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the body came too slowly")]
pub struct BodyTimedOut;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request.
pub struct ReceivedBody {
    /// `None` once dropped or failed.
    inner: Option<Incoming>,
    pace: Pace,
    ended: Arc<AtomicBool>,
    /// The client sends nothing until the body is asked for, and it has not been.
    withheld: bool,
}

/// Tells whether the whole body has come.
#[derive(Debug)]
pub struct Rest(Arc<AtomicBool>);

impl Rest {
    /// Whether nothing is missing.
    pub fn has_come(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl ReceivedBody {
    /// Around this body. `withheld`: the client waits for `100 Continue`.
    pub fn new(inner: Incoming, idle: Duration, withheld: bool) -> (Self, Rest) {
        let ended = Arc::new(AtomicBool::new(inner.is_end_stream()));
        (Self { inner: Some(inner), pace: Pace::new(idle), ended: Arc::clone(&ended), withheld }, Rest(ended))
    }
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.withheld = false;
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        let result = match Pin::new(&mut *inner).poll_frame(cx) {
            Poll::Pending => {
                ready!(this.pace.still(cx));
                Err(BodyTimedOut.into())
            }
            Poll::Ready(Some(Ok(frame))) => {
                if inner.is_end_stream() {
                    this.ended.store(true, Ordering::Release);
                }
                if this.pace.moved(frame.data_ref().map_or(0, Bytes::len)) {
                    return Poll::Ready(Some(Ok(frame)));
                }
                Err(BodyTimedOut.into())
            }
            Poll::Ready(Some(Err(error))) => Err(error.into()),
            Poll::Ready(None) => {
                this.ended.store(true, Ordering::Release);
                return Poll::Ready(None);
            }
        };
        // Nothing good comes after an error: let go at once.
        this.inner = None;
        Poll::Ready(Some(result))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for ReceivedBody {
    fn drop(&mut self) {
        let rest = self.inner.take().filter(|_| !self.withheld && !self.ended.load(Ordering::Acquire));
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(timeout(LINGER, discard(rest)));
        }
    }
}

/// Reads and forgets. Beyond the limit it only holds the connection open.
async fn discard(mut rest: Incoming) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > LINGER_BYTES {
            std::future::pending::<()>().await;
        }
    }
}
