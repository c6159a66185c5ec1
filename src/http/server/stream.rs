//! The stream to one client: tells the watch what moves, gives up writing to who does not read, and puts words into
//! hyper's silent refusals.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::http::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    runtime::Handle,
    sync::OwnedSemaphorePermit,
};
use tokio_util::task::TaskTracker;

use super::{activity::Activity, farewell::Farewell, pace::Pace};

/// A TCP stream under watch. It outlives its HTTP connection when that becomes a WebSocket; its slot lives as long.
#[derive(Debug)]
pub struct ClientStream {
    /// `None` only once it is dropped.
    line: Option<(TcpStream, OwnedSemaphorePermit)>,
    peer: SocketAddr,
    activity: Arc<Activity>,
    writes: Pace,
    /// hyper has refused a head; the words for that come when it lets go of the stream.
    refused: bool,
    /// The client does not read; whatever is said now is lost on it.
    given_up: bool,
    farewell: Farewell,
    /// Where the farewell is said.
    tasks: TaskTracker,
}

impl ClientStream {
    /// Around this stream.
    pub fn new(
        (stream, peer, slot): (TcpStream, SocketAddr, OwnedSemaphorePermit),
        activity: Arc<Activity>,
        writes: Pace,
        farewell: Farewell,
        tasks: TaskTracker,
    ) -> Self {
        Self { line: Some((stream, slot)), peer, activity, writes, refused: false, given_up: false, farewell, tasks }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        let (stream, _) = self.line.as_mut().expect("only dropping takes it");
        Pin::new(stream)
    }

    /// Whether hyper is about to refuse a head, with this: a status and no body. Swallowed; see `drop`.
    fn is_refusal(&mut self, text: &[u8]) -> bool {
        self.refused |= refusal_by_hyper(text).is_some_and(|status| self.activity.refuses_head(status));
        self.refused
    }

    fn paced(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.activity.writes(written.is_pending());
        match written {
            Poll::Pending => self.writes.still(cx).map(|()| Err(self.too_slow())),
            Poll::Ready(Ok(bytes)) if !self.writes.moved(bytes) => Poll::Ready(Err(self.too_slow())),
            ready @ Poll::Ready(_) => ready,
        }
    }

    /// Gives up on a client that does not read. What is still in the kernel's buffers would stay there until it does:
    /// let go of that, too.
    fn too_slow(&mut self) -> io::Error {
        self.given_up = true;
        // An error here means that the connection is gone already.
        let _ = self.stream().set_zero_linger();
        io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly")
    }
}

/// The status, if this is how hyper answers a head that it cannot read: `HTTP/1.1 4xx` without a body.
fn refusal_by_hyper(text: &[u8]) -> Option<StatusCode> {
    let status = text.strip_prefix(b"HTTP/1.1 ").or_else(|| text.strip_prefix(b"HTTP/1.0 "))?.get(..3)?;
    let has_no_body = memchr::memmem::find(text, b"\r\ncontent-length: 0\r\n").is_some();
    StatusCode::from_bytes(status).ok().filter(|status| status.is_client_error() && has_no_body)
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = self.stream().poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.received(&buf.filled()[before..]);
        }
        read
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_refusal(buf) {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = self.stream().poll_write(cx, buf);
        self.paced(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if bufs.first().is_some_and(|text| self.is_refusal(text)) {
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        let written = self.stream().poll_write_vectored(cx, bufs);
        self.paced(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.line.as_ref().is_some_and(|(stream, _)| stream.is_write_vectored())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.stream().poll_flush(cx);
        if flushed.is_ready() {
            self.activity.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.refused {
            return Poll::Ready(Ok(()));
        }
        self.stream().poll_shutdown(cx)
    }
}

impl Drop for ClientStream {
    fn drop(&mut self) {
        let words = self.activity.take_last_words();
        if self.given_up || (words.is_none() && !self.activity.sends_in_vain()) {
            return;
        }
        if let (Some((stream, slot)), Ok(runtime)) = (self.line.take(), Handle::try_current()) {
            let farewell = self.farewell.clone().say(stream, self.peer, words);
            let held = async move {
                farewell.await;
                drop(slot);
            };
            self.tasks.spawn_on(held, &runtime);
        }
    }
}
