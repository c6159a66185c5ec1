//! `graphql-transport-ws` (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>): who may open a WebSocket.

mod message;
mod operations;
mod session;

use axum::{
    extract::{FromRequestParts as _, WebSocketUpgrade},
    http::{Method, StatusCode, header, request::Parts},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use self::session::Session;
use super::{
    App,
    request::{Problem, RequestContext, bearer, may_open_sockets},
};

/// The only subprotocol.
const PROTOCOL: &str = "graphql-transport-ws";

/// A socket's buffers, in bytes. There may be thousands of sockets, most of them silent.
const BUFFER: usize = 4096;

/// Whether this is the handshake of a WebSocket.
#[must_use]
pub fn is_wanted(parts: &Parts) -> bool {
    let upgrade = parts.headers.get(header::UPGRADE);
    parts.method == Method::GET && upgrade.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers the handshake.
pub async fn open(app: &App, context: &RequestContext, mut parts: Parts) -> Result<Response, Problem> {
    if !may_open_sockets(&parts.headers, &app.config.server) {
        return Err(Problem::refused(StatusCode::FORBIDDEN, "Pages of this origin may not open WebSockets here."));
    }
    let token = bearer(&parts.headers).map(str::to_owned);
    let malformed = || Problem::bad_request("The WebSocket handshake is malformed (RFC 6455 section 4.2.1).");
    let key = parts.headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| STANDARD.decode(key).ok());
    if key.is_none_or(|key| key.len() != 16) {
        return Err(malformed());
    }
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, app).await.map_err(|_| malformed())?;
    let limit = app.config.limits.socket_message_bytes;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(limit)
        .max_frame_size(limit);
    if upgrade.selected_protocol().is_none() {
        return Err(Problem::bad_request("The only WebSocket subprotocol is graphql-transport-ws."));
    }
    let session = Session::new(app.clone(), context.clone(), token);
    let shutdown = app.shutdown.clone();
    Ok(upgrade.on_upgrade(move |socket| async move { shutdown.spawn(session.run(socket)) }))
}
