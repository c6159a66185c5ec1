//! One socket from its first message to its last.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::{
    sync::watch,
    time::{Instant, interval_at, sleep, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument as _;

use super::{
    census::{Place, Sockets},
    message::{Closing, FromClient, ToClient, Token, failure},
    operations::{Operations, answers},
};
use crate::{
    error::ErrorCode,
    graphql::Caller,
    http::{
        App,
        graphql::{name_request, operation},
        request::RequestContext,
    },
    service::Viewer,
};

/// How often a silent client is asked whether it is still there.
const PING: Duration = Duration::from_secs(15);

/// How long it may stay silent all the same.
const SILENCE: Duration = Duration::from_secs(45);

/// How long a client may take to read one message.
const SEND: Duration = Duration::from_secs(30);

/// How often is looked whether the session is still open.
const SESSION_CHECK: Duration = Duration::from_secs(2);

/// How long the client may take to read why its socket is closed.
const GOODBYE: Duration = Duration::from_secs(2);

/// Why a socket ends.
enum End {
    /// We close it.
    Close(Closing),
    /// The client is leaving, is gone, or as good as gone.
    Gone,
}

impl From<Closing> for End {
    fn from(closing: Closing) -> Self {
        Self::Close(closing)
    }
}

/// A socket.
pub struct Session {
    app: App,
    sockets: Sockets,
    context: RequestContext,
    /// The token of the handshake: browsers cannot send one, scripts can.
    token: Option<String>,
    /// `None` before the `connection_init`.
    login: Option<Login>,
    operations: Operations,
    /// The session of the viewer has ended.
    signed_out: CancellationToken,
}

/// What the `connection_init` proved.
struct Login {
    /// With the token that the session has by now: a refresh gives it another.
    viewer: Option<watch::Receiver<Viewer>>,
    _place: Option<Place>,
    _watch: Option<AbortOnDropHandle<()>>,
}

impl Session {
    /// Of a handshake that was accepted.
    pub fn new(app: App, sockets: Sockets, context: RequestContext, token: Option<String>) -> Self {
        let signed_out = CancellationToken::new();
        Self { app, sockets, context, token, login: None, operations: Operations::new(), signed_out }
    }

    /// Runs until either side has had enough.
    pub async fn run(mut self, mut socket: WebSocket) {
        let span = tracing::info_span!("socket", request_id = %self.context.id);
        async move {
            let end = self.converse(&mut socket).await;
            // Operations end first: nothing is sent after the close frame.
            drop(self);
            part(&mut socket, end).await;
        }
        .instrument(span)
        .await;
    }

    async fn converse(&mut self, socket: &mut WebSocket) -> End {
        let stop = self.app.shutdown.signal();
        let signed_out = self.signed_out.clone();
        let init_deadline = Instant::now() + self.app.config.limits.socket_init_timeout;
        let mut pings = interval_at(Instant::now() + PING, PING);
        let mut last_heard = Instant::now();
        loop {
            let heard_or_said = tokio::select! {
                biased;
                () = stop.cancelled() => Err(Closing::Away.into()),
                () = signed_out.cancelled() => Err(Closing::SessionEnded.into()),
                () = sleep_until(init_deadline), if self.login.is_none() => Err(Closing::InitTimedOut.into()),
                _ = pings.tick() => match last_heard.elapsed() {
                    silence if silence > SILENCE => Err(End::Gone),
                    _ => send(socket, Message::Ping(Bytes::new())).await,
                },
                message = socket.recv() => {
                    last_heard = Instant::now();
                    match message {
                        Some(Ok(message)) => self.hear(socket, message).await,
                        // Most often the connection is gone; then the close frame goes nowhere.
                        Some(Err(_)) => Err(Closing::Protocol.into()),
                        None => Err(End::Gone),
                    }
                },
                (id, answer) = self.operations.next() => match answer {
                    Some(mut answer) => {
                        name_request(&mut answer.errors, &self.context.id);
                        say(socket, &ToClient::Next { id: &id, payload: &answer }).await
                    }
                    None => say(socket, &ToClient::Complete { id: &id }).await,
                },
            };
            if let Err(end) = heard_or_said {
                return end;
            }
        }
    }

    async fn hear(&mut self, socket: &mut WebSocket, message: Message) -> Result<(), End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(Closing::Invalid.into()),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
        };
        if text.len() > self.app.config.limits.socket_message_bytes {
            return Err(Closing::TooLarge.into());
        }
        match FromClient::parse(&text).ok_or(Closing::Invalid)? {
            FromClient::ConnectionInit { payload } => {
                if self.login.is_some() {
                    return Err(Closing::SecondInit.into());
                }
                self.login = Some(self.sign_in(Token::of(payload.as_ref())).await?);
                say(socket, &ToClient::ConnectionAck).await
            }
            FromClient::Ping { payload } => say(socket, &ToClient::Pong { payload }).await,
            FromClient::Pong { .. } => Ok(()),
            FromClient::Subscribe { id, payload } => self.subscribe(socket, id, payload).await,
            FromClient::Complete { id } => {
                self.operations.cancel(&id);
                Ok(())
            }
        }
    }

    /// Who is at the other end: anonymous without a token; with one that is not valid the socket is closed.
    async fn sign_in(&mut self, token: Token) -> Result<Login, Closing> {
        let token = match token {
            Token::Given(token) => Some(token),
            Token::Absent => self.token.take(),
            Token::Malformed => return Err(Closing::Forbidden),
        };
        let Some(token) = token else { return Ok(Login { viewer: None, _place: None, _watch: None }) };
        let viewer = match self.app.services.accounts.authenticate(&token).await {
            Ok(viewer) => viewer.ok_or(Closing::Forbidden)?,
            Err(error) => {
                error.log();
                return Err(Closing::TryAgain("Try again in a moment"));
            }
        };
        let limit = self.app.config.limits.sockets_per_user;
        let place = self.sockets.enter(viewer.user, limit).ok_or(Closing::TryAgain("Too many sockets of this user"))?;
        let (renewed, viewer) = watch::channel(viewer);
        let watch = watch_session(self.app.clone(), renewed, self.signed_out.clone());
        let watch = AbortOnDropHandle::new(tokio::spawn(watch.in_current_span()));
        Ok(Login { viewer: Some(viewer), _place: Some(place), _watch: Some(watch) })
    }

    async fn subscribe(&mut self, socket: &mut WebSocket, id: String, payload: Map<String, Value>) -> Result<(), End> {
        let Some(login) = &self.login else { return Err(Closing::Unauthorized.into()) };
        if self.operations.contains(&id) {
            return Err(Closing::Duplicate.into());
        }
        let limit = self.app.config.limits.socket_operations;
        let request = if self.operations.len() < limit {
            operation(Value::Object(payload)).map_err(str::to_owned)
        } else {
            Err(format!("At most {limit} operations may run on a socket at once."))
        };
        let prepared = match request {
            Ok(request) => self.app.api.prepare(request).map_err(|refused| refused.errors),
            Err(message) => Err(vec![failure(ErrorCode::BadRequest, message)]),
        };
        match prepared {
            Ok(prepared) => {
                let caller = Caller {
                    viewer: login.viewer.as_ref().map(|viewer| *viewer.borrow()),
                    address: self.context.address,
                    request_id: self.context.id.clone(),
                    parts: None,
                };
                self.operations.start(id, answers(&self.app.api, &self.app.shutdown, prepared, caller));
                Ok(())
            }
            Err(mut errors) => {
                name_request(&mut errors, &self.context.id);
                say(socket, &ToClient::Error { id: &id, payload: &errors }).await
            }
        }
    }
}

/// Tells when the viewer's session has ended. While nobody can tell, it lasts as long as was last known.
async fn watch_session(app: App, viewer: watch::Sender<Viewer>, signed_out: CancellationToken) {
    let mut known_end = None;
    loop {
        sleep(SESSION_CHECK).await;
        let now = *viewer.borrow();
        match app.services.accounts.present(&now).await {
            Ok(Some((present, end))) => {
                known_end = Some(end);
                viewer.send_if_modified(|viewer| std::mem::replace(viewer, present) != present);
            }
            Err(_) if known_end.is_none_or(|end| app.clock.now() < end) => {}
            Ok(None) | Err(_) => {
                signed_out.cancel();
                return;
            }
        }
    }
}

async fn say(socket: &mut WebSocket, message: &ToClient<'_>) -> Result<(), End> {
    match message.frame() {
        Some(frame) => send(socket, frame).await,
        None => Ok(()),
    }
}

/// Sends, unless the client does not read.
async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match timeout(SEND, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

/// Closes, or lets the client close, and waits for the other to do the same: a connection that is dropped on unread bytes
/// is reset, and the reset overtakes the close frame.
async fn part(socket: &mut WebSocket, end: End) {
    let goodbye = async {
        if let End::Close(closing) = end {
            tracing::debug!(?closing, "closing a socket");
            if socket.send(closing.frame()).await.is_err() {
                return;
            }
        }
        while let Some(Ok(_)) = socket.recv().await {}
    };
    // However it ends, the socket is dropped now.
    let _ = timeout(GOODBYE, goodbye).await;
}
