//! The body of a request: ends when the client is too slow.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::pace::Pace;

/// The client sent its body too slowly.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the body came too slowly")]
pub struct BodyTimedOut;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request.
pub struct ReceivedBody {
    /// `None` once failed.
    inner: Option<Incoming>,
    pace: Pace,
    ended: Arc<AtomicBool>,
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
    /// Around this body.
    pub fn new(inner: Incoming, pace: Pace) -> (Self, Rest) {
        let ended = Arc::new(AtomicBool::new(inner.is_end_stream()));
        (Self { inner: Some(inner), pace, ended: Arc::clone(&ended) }, Rest(ended))
    }
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
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
