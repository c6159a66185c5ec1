//! The accept loop: how many connections there are, how long each may keep us waiting, and how they end.
//!
//! `axum::serve` waits for the head of a request for ever, and hyper for its first byte. Here every connection has a
//! watch of its own (see [`activity`]), every body and every write a pace (see [`pace`]).

mod activity;
mod body;
mod farewell;
mod head;
mod pace;
mod room;
mod stream;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1::Builder,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::OwnedSemaphorePermit,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

pub use body::BodyTimedOut;

use self::{
    activity::{Activity, Counted},
    body::ReceivedBody,
    farewell::Farewell,
    pace::{Least, Pace},
    room::Room,
    stream::ClientStream,
};
use crate::{
    config::Server,
    error::Result,
    http::request::{JSON, Problem},
    model::{Clock, Random},
    shutdown::Shutdown,
};

/// The largest request head, and the most bytes of a body that are read at once. hyper allows 64 KiB of it for the URL.
const READ_BUFFER: usize = 128 * 1024;

/// How many headers a request may have. Browsers send about 20, and each proxy adds a few.
const MAX_HEADERS: usize = 100;

/// How long to wait after a failed `accept`: most likely there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long a connection that has nothing to do may take to end by itself.
const GOODBYE: Duration = Duration::from_secs(1);

/// So much may wait in the kernel to be sent, in bytes.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 * 1024;

/// Who is at the other end of a connection. In the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Serves until the shutdown has begun and what runs has finished, or the grace is over.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    settings: &Server,
    (clock, random): (Clock, Random),
    shutdown: Shutdown,
) -> Result<()> {
    let server = Connections {
        routes,
        builder: builder(),
        limits: Limits::new(settings),
        room: Room::new(settings.max_connections),
        farewell: Farewell { clock, random },
        tasks: TaskTracker::new(),
        stop: shutdown.signal(),
        abort: CancellationToken::new(),
    };
    while let Some((stream, peer, slot)) = server.next(&listener).await {
        server.tasks.spawn(server.clone().run(stream, peer, slot));
    }
    drop(listener);
    server.tasks.close();
    if timeout(settings.shutdown_grace, server.tasks.wait()).await.is_err() {
        tracing::warn!(connections = server.tasks.len(), "the grace is over; closing what is left");
        server.abort.cancel();
        server.tasks.wait().await;
    }
    Ok(())
}

fn builder() -> Builder {
    // HTTP/1.1 alone. In HTTP/2 a client that does not read holds up its own stream while the connection looks well, and
    // the limits for slow clients would not see it; whoever wants HTTP/2 gets it from the proxy that brings HTTPS.
    let mut builder = Builder::new();
    // The watch has the time-outs: hyper's own would close idle connections as early as those with slow heads.
    builder.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(READ_BUFFER).max_headers(MAX_HEADERS);
    builder
}

/// The client gave up between knocking and being let in.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// How slow a client may be.
#[derive(Debug, Clone, Copy)]
struct Limits {
    header_timeout: Duration,
    keep_alive_timeout: Duration,
    body_idle_timeout: Duration,
    write_timeout: Duration,
    least: Least,
}

impl Limits {
    fn new(settings: &Server) -> Self {
        Self {
            header_timeout: settings.header_timeout,
            keep_alive_timeout: settings.keep_alive_timeout,
            body_idle_timeout: settings.body_idle_timeout,
            write_timeout: settings.write_timeout,
            least: Least { rate: settings.min_rate, window: settings.min_rate_window },
        }
    }
}

/// What every connection needs.
#[derive(Clone)]
struct Connections {
    routes: Router,
    builder: Builder,
    limits: Limits,
    room: Arc<Room>,
    farewell: Farewell,
    /// Every connection.
    tasks: TaskTracker,
    /// The shutdown has begun: finish what runs, take nothing new.
    stop: CancellationToken,
    /// The grace is over.
    abort: CancellationToken,
}

impl Connections {
    /// Waits for a client, then for a slot. `None`: the shutdown has begun.
    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let accepted = async {
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => return (stream, peer, self.room.slot().await),
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        tracing::error!(%error, "cannot accept connections");
                        self.room.make_room();
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        };
        self.stop.run_until_cancelled(accepted).await
    }

    async fn run(self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        // An error here shows again at the first read.
        let _ = stream.set_nodelay(true);
        // Otherwise the kernel buffers megabytes, and says that there is room again only when a third of them has gone: who
        // reads slowly but steadily would look as if they stood still.
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT);
        let activity = Arc::new(Activity::new(self.limits.header_timeout, self.limits.keep_alive_timeout));
        let _guest = self.room.enter(Arc::clone(&activity));
        let writes = Pace::new(self.limits.write_timeout, self.limits.least);
        let line = (stream, peer, slot);
        let io = ClientStream::new(line, Arc::clone(&activity), writes, self.farewell.clone(), self.tasks);
        let service = service_fn({
            let (activity, farewell) = (Arc::clone(&activity), self.farewell);
            let body_pace = move || Pace::new(self.limits.body_idle_timeout, self.limits.least);
            move |request| {
                answer(self.routes.clone(), request, peer, Arc::clone(&activity), body_pace(), farewell.random.clone())
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(io), service).with_upgrades();
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
                    activity.is_out_of_time()
                }
            };
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended badly");
                        if error.is_parse() {
                            activity.gave_up_on_head();
                        }
                    }
                    return;
                }
                () = self.abort.cancelled() => return,
                () = activity.dismissed() => {
                    if activity.is_quiet() {
                        return;
                    }
                    continue;
                }
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

/// Hands one request to the routes, unless its head is wrong.
async fn answer(
    routes: Router,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    activity: Arc<Activity>,
    pace: Pace,
    random: Random,
) -> Result<Response, Infallible> {
    let (counted, has_two_lengths) = Counted::new(Arc::clone(&activity));
    let (mut parts, body) = request.into_parts();
    let two_lengths = || Problem::bad_request("The request has both a Content-Length and a Transfer-Encoding.");
    let checked = if has_two_lengths { Err(two_lengths()) } else { head::check(&parts) };
    let (mut response, has_all) = match checked {
        Ok(()) => {
            parts.extensions.insert(Peer(peer));
            let (body, rest) = ReceivedBody::new(body, pace);
            let response = routes.oneshot(Request::from_parts(parts, Body::new(body))).await?;
            (response, rest.has_come())
        }
        Err(problem) => (refuse(problem, peer, &random), body.is_end_stream()),
    };
    if !has_all {
        // What has not been read of this request cannot be told from the next one.
        activity.ignores_the_rest();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(counted.around(response))
}

/// Says what is wrong with a head, and ends the connection: who errs in one request may err in where the next begins.
fn refuse(problem: Problem, peer: SocketAddr, random: &Random) -> Response {
    let id = random.uuid().simple().to_string();
    let mut response = problem.answer(&id, JSON);
    tracing::info!(request_id = id, status = response.status().as_u16(), %peer, "refused the head of a request");
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert("x-request-id", id);
    }
    response
}
