//! Frames of WebSockets by hand (RFC 6455 section 5.2), and the messages that go in them.

use std::io;

use serde_json::{Value, json};

use super::wire::{Connection, request};

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// The final bit of a frame's first byte.
const FINAL: u8 = 0x80;

/// The bit of a frame's second byte that says that a mask follows.
const MASKED: u8 = 0x80;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A whole message in one frame.
pub fn frame(opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    raw_frame(FINAL | opcode, true, payload.as_ref())
}

/// A frame with this first byte, masked or not.
pub fn raw_frame(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask_bit = if masked { MASKED } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(mask_bit | length as u8),
        length @ 126..65536 => {
            bytes.push(mask_bit | 0x7e);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(mask_bit | 0x7f);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    if masked {
        bytes.extend(MASK);
        bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        bytes.extend(payload);
    }
    bytes
}

/// A message of the protocol.
pub fn message(message: &Value) -> Vec<u8> {
    frame(TEXT, message.to_string())
}

/// Begins an operation.
pub fn subscribe(id: &str, query: &str) -> Vec<u8> {
    message(&json!({ "type": "subscribe", "id": id, "payload": { "query": query } }))
}

pub fn init(token: Option<&str>) -> Vec<u8> {
    let payload = token.map_or(json!({}), |token| json!({ "token": token }));
    message(&json!({ "type": "connection_init", "payload": payload }))
}

/// The usual handshake, where these headers are not given otherwise: an empty value leaves one out.
pub fn handshake(changed: &[(&str, &str)]) -> Vec<u8> {
    let mut headers = vec![
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", "graphql-transport-ws"),
    ];
    for (name, value) in changed {
        headers.retain(|(known, _)| known != name);
        headers.extend((!value.is_empty()).then_some((*name, *value)));
    }
    request("GET /graphql", &headers, "")
}

/// What the server says next that is no ping of either kind.
#[derive(Debug)]
pub enum Said {
    Message(Value),
    /// With this code, or 1005 where there is none.
    Closed(u16),
}

/// Waits for it.
pub async fn next(connection: &mut Connection) -> io::Result<Said> {
    loop {
        let head = connection.take(2).await?;
        let length = match head[1] & 0x7f {
            126 => usize::from(u16::from_be_bytes(connection.take(2).await?.try_into().unwrap())),
            127 => u64::from_be_bytes(connection.take(8).await?.try_into().unwrap()) as usize,
            length => usize::from(length),
        };
        let payload = connection.take(length).await?;
        match head[0] & 0x0f {
            TEXT => {
                let said: Value = serde_json::from_slice(&payload).map_err(io::Error::other)?;
                match said["type"].as_str() {
                    Some("ping") => connection.write(&message(&json!({ "type": "pong" }))).await?,
                    Some("pong") => {}
                    _ => return Ok(Said::Message(said)),
                }
            }
            CLOSE => {
                return Ok(Said::Closed(payload.get(..2).map_or(1005, |code| u16::from_be_bytes([code[0], code[1]]))));
            }
            PING => connection.write(&frame(PONG, &payload)).await?,
            _ => {}
        }
    }
}
