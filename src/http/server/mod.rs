//! The accept loop: how many connections there are, how long each may keep us waiting, and how they end.
//!
//! `axum::serve` waits for the head of a request for ever, and hyper for its first byte. Here every connection has a
//! watch of its own (see [`activity`]), every body and every write a pace (see [`pace`]).

mod activity;
mod body;
mod pace;
mod stream;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Version, header},
    response::Response,
};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

pub use body::BodyTimedOut;

use self::{
    activity::{Activity, Counted},
    body::ReceivedBody,
    stream::ClientStream,
};
use crate::{
    config::Server,
    error::{Error, Result},
    shutdown::Shutdown,
};

/// How long a connection may stay open between two requests.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How long one write may stand still.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// The largest request head, and the most bytes of a body that are read at once. A query of 32 KiB fits into a URL, with
/// every byte of it escaped.
const READ_BUFFER: usize = 128 * 1024;

/// How long to wait after a failed `accept`: most likely there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection that has nothing to do may take to end by itself.
const GOODBYE: Duration = Duration::from_secs(1);

/// Who is at the other end of a connection. In the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Serves until the shutdown has begun and what runs has finished, or the grace is over.
pub async fn serve(listener: TcpListener, routes: Router, settings: &Server, shutdown: Shutdown) -> Result<()> {
    let server = Connections {
        routes,
        builder: builder(),
        header_timeout: settings.header_timeout,
        body_idle_timeout: settings.body_idle_timeout,
        stop: shutdown.signal(),
        abort: CancellationToken::new(),
    };
    let slots = Arc::new(Semaphore::new(settings.max_connections));
    let connections = TaskTracker::new();
    while let Some((stream, peer, slot)) = next(&listener, &slots, &server.stop).await? {
        connections.spawn(server.clone().run(stream, peer, slot));
    }
    drop(listener);
    connections.close();
    if timeout(settings.shutdown_grace, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "the grace is over; closing what is left");
        server.abort.cancel();
        connections.wait().await;
    }
    Ok(())
}

fn builder() -> Builder<TokioExecutor> {
    // HTTP/1.1 alone. In HTTP/2 a client that does not read holds up its own stream while the connection looks well, and
    // the limits for slow clients would not see it; whoever wants HTTP/2 gets it from the proxy that brings HTTPS.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    // The watch has the time-outs: hyper's own would close idle connections as early as those with slow heads.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(READ_BUFFER);
    builder
}

/// Waits for a free slot, then for a client. `None`: the shutdown has begun.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Result<Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)>> {
    let accepted = async {
        let slot = Arc::clone(slots).acquire_owned().await.map_err(Error::internal)?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Ok((stream, peer, slot)),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    match stop.run_until_cancelled(accepted).await {
        Some(accepted) => accepted.map(Some),
        None => Ok(None),
    }
}

/// The client gave up between knocking and being let in.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What every connection needs.
#[derive(Clone)]
struct Connections {
    routes: Router,
    builder: Builder<TokioExecutor>,
    header_timeout: Duration,
    body_idle_timeout: Duration,
    /// The shutdown has begun: finish what runs, take nothing new.
    stop: CancellationToken,
    /// The grace is over.
    abort: CancellationToken,
}

impl Connections {
    async fn run(self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        // An error here shows again at the first read.
        let _ = stream.set_nodelay(true);
        let activity = Arc::new(Activity::new(self.header_timeout, KEEP_ALIVE));
        let io = TokioIo::new(ClientStream::new(stream, Arc::clone(&activity), WRITE_STALL, slot));
        let service = service_fn({
            let (routes, activity, idle) = (self.routes, Arc::clone(&activity), self.body_idle_timeout);
            move |request| answer(routes.clone(), request, peer, Arc::clone(&activity), idle)
        });
        let connection = self.builder.serve_connection_with_upgrades(io, service);
        tokio::pin!(connection);
        let mut leaving = false;
        loop {
            // Once it is to leave, it gets a moment at a time for as long as it has something to do.
            let late = async {
                if leaving {
                    sleep(GOODBYE).await;
                    activity.is_quiet()
                } else {
                    activity.overdue().await;
                    false
                }
            };
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended badly");
                    }
                    return;
                }
                () = self.abort.cancelled() => return,
                () = self.stop.cancelled(), if !leaving => {}
                give_up = late => {
                    if give_up {
                        return;
                    }
                }
            }
            if !leaving {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Hands one request to the routes.
async fn answer(
    routes: Router,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    activity: Arc<Activity>,
    body_idle_timeout: Duration,
) -> Result<Response, Infallible> {
    let version = request.version();
    let counted = Counted::new(activity, version);
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Peer(peer));
    let asked_first = parts.headers.contains_key(header::EXPECT);
    let (body, rest) = ReceivedBody::new(body, body_idle_timeout, asked_first);
    let mut response = routes.oneshot(Request::from_parts(parts, Body::new(body))).await?;
    if version < Version::HTTP_2 && !rest.has_come() {
        // What has not been read of this request cannot be told from the next one.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Body::new(counted.around(body))))
}
