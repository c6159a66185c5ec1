//! One socket from its first message to its last.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::{Instant, interval_at, sleep_until, timeout};
use tracing::Instrument as _;

use super::{
    message::{Closing, FromClient, ToClient, Token},
    operations::Operations,
};
use crate::{
    error::ErrorCode,
    graphql::{Caller, OperationKind},
    http::{
        App,
        census::Place,
        graphql::{caller, failure, name_request, operation},
        login::{Login, ended},
        request::RequestContext,
    },
    model::Client,
};

/// How often a silent client is asked whether it is still there.
const PING: Duration = Duration::from_secs(15);

/// How long it may stay silent all the same.
const SILENCE: Duration = Duration::from_secs(45);

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
    context: RequestContext,
    /// The token of the handshake: browsers cannot send one, scripts can.
    token: Option<String>,
    /// There was a `connection_init`.
    is_open: bool,
    /// What it proved; nothing without a token.
    login: Option<Login>,
    /// Counts it as long as it lives, if there is no login that does.
    place: Option<Place>,
    operations: Operations,
}

impl Session {
    /// Of a handshake that was accepted.
    pub fn new(app: App, context: RequestContext, token: Option<String>) -> Self {
        let limit = app.config.limits.socket_operations;
        let operations = Operations::new(limit, context.id.clone(), app.memory.answers.clone());
        Self { app, context, token, is_open: false, login: None, place: None, operations }
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
        let init_deadline = Instant::now() + self.app.config.limits.socket_init_timeout;
        let mut pings = interval_at(Instant::now() + PING, PING);
        let mut last_heard = Instant::now();
        loop {
            let heard_or_said = tokio::select! {
                biased;
                () = stop.cancelled() => Err(Closing::Away.into()),
                () = ended(self.login.as_ref()) => Err(Closing::SessionEnded.into()),
                () = sleep_until(init_deadline), if !self.is_open => Err(Closing::InitTimedOut.into()),
                _ = pings.tick() => match last_heard.elapsed() {
                    silence if silence > SILENCE => Err(End::Gone),
                    _ => self.send(socket, Message::Ping(Bytes::new())).await,
                },
                message = socket.recv() => {
                    last_heard = Instant::now();
                    match message {
                        Some(Ok(message)) => self.hear(socket, message).await,
                        // Most often the connection is gone; then the close frame goes nowhere.
                        Some(Err(error)) => Err(Closing::of(error).into()),
                        None => Err(End::Gone),
                    }
                },
                // What it is written in is counted until then.
                counted = self.operations.next() => self.send(socket, counted.message.clone()).await,
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
        match FromClient::parse(&text).ok_or(Closing::Invalid)? {
            FromClient::ConnectionInit { payload } => {
                if self.is_open {
                    return Err(Closing::SecondInit.into());
                }
                self.login = self.sign_in(Token::of(payload.as_ref())).await?;
                self.is_open = true;
                self.say(socket, &ToClient::ConnectionAck).await
            }
            FromClient::Ping { payload } => self.say(socket, &ToClient::Pong { payload }).await,
            FromClient::Pong { .. } => Ok(()),
            FromClient::Subscribe { id, payload } => self.subscribe(socket, id, payload).await,
            FromClient::Complete { id } => {
                self.operations.cancel(&id);
                Ok(())
            }
        }
    }

    /// Who is at the other end: anonymous without a token; with one that is not valid the socket is closed.
    async fn sign_in(&mut self, token: Token) -> Result<Option<Login>, Closing> {
        let token = match token {
            Token::Given(token) => Some(token),
            Token::Absent => self.token.take(),
            Token::Malformed => return Err(Closing::Forbidden),
        };
        let Some(token) = token else {
            let nobody = Client::new(None, self.context.address);
            let place = self.app.census.enter(nobody, self.app.config.limits.sockets_per_address);
            self.place = Some(place.ok_or(Closing::TryAgain("Too many sockets from this address"))?);
            return Ok(None);
        };
        let viewer = match self.app.services.accounts.authenticate(&token).await {
            Ok(viewer) => viewer.ok_or(Closing::Forbidden)?,
            Err(error) => {
                error.log();
                return Err(Closing::TryAgain("Try again in a moment"));
            }
        };
        Login::open(&self.app, viewer).map(Some).ok_or(Closing::TryAgain("Too many sockets of this user"))
    }

    async fn say(&self, socket: &mut WebSocket, message: &ToClient<'_>) -> Result<(), End> {
        self.send(socket, message.frame()).await
    }

    /// Sends, unless the client does not read, or the socket is to end meanwhile.
    async fn send(&self, socket: &mut WebSocket, message: Message) -> Result<(), End> {
        let stop = self.app.shutdown.signal();
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(Closing::Away.into()),
            () = ended(self.login.as_ref()) => Err(Closing::SessionEnded.into()),
            sent = socket.send(message) => sent.map_err(|_| End::Gone),
        }
    }

    async fn subscribe(&mut self, socket: &mut WebSocket, id: String, payload: Map<String, Value>) -> Result<(), End> {
        if !self.is_open {
            return Err(Closing::Unauthorized.into());
        }
        if self.operations.contains(&id) {
            return Err(Closing::Duplicate.into());
        }
        let begun = match self.operations.place() {
            None => {
                let limit = self.app.config.limits.socket_operations;
                Err(format!("At most {limit} operations may run on a socket at once."))
            }
            Some(place) => operation(Value::Object(payload)).map(|request| (place, request)).map_err(str::to_owned),
        };
        let prepared = match begun {
            Ok((place, request)) => {
                let prepared = self.app.api.prepare(request);
                prepared.map(|prepared| (place, prepared)).map_err(|refused| refused.errors)
            }
            Err(message) => Err(vec![failure(ErrorCode::BadRequest, message)]),
        };
        match prepared {
            Ok((place, prepared)) => {
                let viewer = self.login.as_ref().map(Login::viewer);
                // A mutation goes on when the client completes it, and keeps its place.
                let kept = (prepared.kind() == OperationKind::Mutation).then(|| Arc::clone(&place));
                let caller = Caller { place: kept, ..caller(&self.context, viewer, None) };
                self.operations.start(id, place, self.app.api.subscribe(prepared, caller));
                Ok(())
            }
            Err(mut errors) => {
                name_request(&mut errors, &self.context.id);
                self.say(socket, &ToClient::Error { id: &id, payload: &errors }).await
            }
        }
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
