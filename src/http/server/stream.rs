//! The stream to one client: tells the watch what moves, and gives up writing to who does not read.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
};

use super::{activity::Activity, pace::Pace};

/// A TCP stream under watch. It outlives its HTTP connection when that becomes a WebSocket; its slot lives as long.
#[derive(Debug)]
pub struct ClientStream {
    stream: TcpStream,
    activity: Arc<Activity>,
    writes: Pace,
    _slot: OwnedSemaphorePermit,
}

impl ClientStream {
    /// Around this stream.
    pub fn new(stream: TcpStream, activity: Arc<Activity>, stall: Duration, slot: OwnedSemaphorePermit) -> Self {
        Self { stream, activity, writes: Pace::new(stall), _slot: slot }
    }

    fn paced(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.activity.writes(written.is_pending());
        match written {
            Poll::Pending => self.writes.still(cx).map(|()| Err(too_slow())),
            Poll::Ready(Ok(bytes)) if !self.writes.moved(bytes) => Poll::Ready(Err(too_slow())),
            ready @ Poll::Ready(_) => ready,
        }
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly")
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.activity.received();
        }
        read
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.paced(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.paced(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
