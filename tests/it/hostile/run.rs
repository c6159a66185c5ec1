//! Sends one case, and judges what comes of it: the answer, its time, and that the next request is served as if nothing
//! had happened.

use std::{io, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{
    case::{Case, Expected, Socket, Way},
    frames::{self, Said},
    wire::{Connection, Response},
    world::World,
};

/// Within which bad input is answered: a second, with a threefold margin.
const DEADLINE: Duration = Duration::from_secs(3);

/// What no client ever gets to see.
const SECRETS: [&str; 9] =
    ["panicked", "src/", ".rs:", "/tmp/", "sqlite", "mongodb", "redis", "INTERNAL_SERVER_ERROR", "unwrap"];

/// Runs all of them, one after the other. Answers what went wrong, and how long the slowest took.
pub async fn run(world: &World, cases: &[Case]) -> (Vec<String>, Duration) {
    let (mut wrong, mut slowest) = (Vec::new(), Duration::ZERO);
    for case in cases {
        let begun = Instant::now();
        match timeout(DEADLINE, attempt(world, case)).await {
            Ok(Ok(mut left)) => {
                slowest = slowest.max(begun.elapsed());
                if let Some(connection) = &mut left {
                    let asked = timeout(DEADLINE, world.asks(Some(connection))).await;
                    wrong.extend(fault(asked).map(|fault| format!("{}: on its connection, {fault}", case.name)));
                }
            }
            Ok(Err(fault)) => wrong.push(format!("{}: {fault}", case.name)),
            Err(_) => wrong.push(format!("{}: no answer within {DEADLINE:?}", case.name)),
        }
        let asked = timeout(DEADLINE, world.asks(None)).await;
        wrong.extend(fault(asked).map(|fault| format!("after {}: {fault}", case.name)));
    }
    (wrong, slowest)
}

fn fault(asked: Result<Result<(), String>, tokio::time::error::Elapsed>) -> Option<String> {
    asked.unwrap_or_else(|_| Err(format!("an ordinary query gets no answer within {DEADLINE:?}"))).err()
}

/// Sends and judges. Answers the connection where it can be used again.
async fn attempt(world: &World, case: &Case) -> Result<Option<Connection>, String> {
    let mut connection = Connection::open(world.address).await.map_err(|error| error.to_string())?;
    let response = match &case.way {
        Way::Http(bytes) | Way::Once(bytes) => whole(&mut connection, bytes).await,
        Way::ByteByByte(bytes) => byte_by_byte(&mut connection, bytes).await,
        Way::CutOff(bytes) => cut_off(&mut connection, bytes).await,
        Way::Abandoned(bytes) => {
            let sent = connection.write(bytes).await;
            return sent.map(|()| None).map_err(|error| error.to_string());
        }
        Way::Socket(socket) => return on_socket(world, connection, socket, case.expected).await.map(|()| None),
    };
    if matches!(case.expected, Expected::Ended) {
        // With an answer or without one.
        let answered = response.is_ok();
        let end = connection.rest().await;
        return end.map(|_| None).or_else(|error| if answered { Err(error.to_string()) } else { Ok(None) });
    }
    let response = response.map_err(|error| error.to_string())?;
    judge(&response, case.expected).map_err(|fault| format!("{fault}; expected {:?}", case.expected))?;
    let is_used_up = matches!(case.way, Way::Once(_) | Way::CutOff(_));
    Ok((response.stays && !is_used_up).then_some(connection))
}

async fn whole(connection: &mut Connection, bytes: &[u8]) -> io::Result<Response> {
    let written = connection.write(bytes).await;
    // The answer may be there even so.
    let answer = connection.answer(bytes.starts_with(b"HEAD ")).await;
    answer.or_else(|error| written.and(Err(error)))
}

async fn byte_by_byte(connection: &mut Connection, bytes: &[u8]) -> io::Result<Response> {
    for byte in bytes {
        connection.write(&[*byte]).await?;
    }
    connection.answer(false).await
}

async fn cut_off(connection: &mut Connection, bytes: &[u8]) -> io::Result<Response> {
    use tokio::io::AsyncWriteExt as _;
    connection.write(bytes).await?;
    connection.stream.shutdown().await?;
    connection.answer(false).await
}

fn judge(response: &Response, expected: Expected) -> Result<(), String> {
    let answer = response.json();
    match expected {
        Expected::Refused(status, code) => {
            check_status(response, status)?;
            if response.body.is_empty() && response.header("content-length") != "0" {
                // To a HEAD.
                return Ok(());
            }
            check_refusal(response, &answer, code)
        }
        Expected::RefusedInStream(code) => match response.header("content-type") {
            "text/event-stream" | "text/event-stream; charset=utf-8" => {
                check_status(response, 200)?;
                check_errors(&next_of(&response.body)?["errors"], code).map(drop)
            }
            _ => {
                check_status(response, 400)?;
                check_refusal(response, &answer, code)
            }
        },
        Expected::RefusedInBatch(code) => {
            check_status(response, 200)?;
            check_errors(&answer[0]["errors"], code).map(drop)
        }
        Expected::UserError(code) => {
            check_status(response, 200)?;
            let found = answer.get("errors").is_none() && user_errors(&answer).contains(&code);
            if found { Ok(()) } else { Err(format!("no such user error in {}", shown(&response.body))) }
        }
        Expected::Served => {
            check_status(response, 200)?;
            let good = answer["data"].is_object() && answer.get("errors").is_none() && user_errors(&answer).is_empty();
            if good { Ok(()) } else { Err(format!("not served: {}", shown(&response.body))) }
        }
        Expected::Status(status) => check_status(response, status),
        other => Err(format!("{other:?} is nothing that HTTP can answer")),
    }
}

fn check_status(response: &Response, status: u16) -> Result<(), String> {
    let found = response.status;
    if found == status { Ok(()) } else { Err(format!("status {found} with {}", shown(&response.body))) }
}

/// What every refusal by HTTP has.
fn check_refusal(response: &Response, answer: &Value, code: &str) -> Result<(), String> {
    let media_type = response.header("content-type");
    if !["application/json; charset=utf-8", "application/graphql-response+json; charset=utf-8"].contains(&media_type) {
        return Err(format!("the content type is {media_type:?}, with {}", shown(&response.body)));
    }
    if !answer["data"].is_null() && !has_null(&answer["data"]) {
        return Err(format!("there is data: {}", shown(&response.body)));
    }
    let id = check_errors(&answer["errors"], code)?;
    if response.header("x-request-id") != id {
        return Err(format!("x-request-id is {:?}, requestId {id:?}", response.header("x-request-id")));
    }
    if response.header("cache-control") != "no-store" {
        return Err("a refusal that may be cached".to_owned());
    }
    Ok(())
}

/// A field that failed leaves a null.
fn has_null(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::Object(fields) => fields.values().any(has_null),
        Value::Array(items) => items.iter().any(has_null),
        _ => false,
    }
}

/// Every error has a message, a code and one request ID, and shows nothing of the inside. Answers the request ID.
fn check_errors(errors: &Value, code: &str) -> Result<String, String> {
    let list = errors.as_array().filter(|errors| !errors.is_empty()).ok_or_else(|| format!("no errors: {errors}"))?;
    let text = errors.to_string();
    if let Some(secret) = SECRETS.iter().find(|secret| text.contains(**secret)) {
        return Err(format!("{secret:?} shows in {}", shown(&text)));
    }
    if list[0]["extensions"]["code"] != code {
        return Err(format!("another code: {}", shown(&text)));
    }
    let id = list[0]["extensions"]["requestId"].as_str().unwrap_or_default();
    let whole = |error: &Value| {
        error["message"].as_str().is_some_and(|message| !message.is_empty())
            && error["extensions"]["code"].is_string()
            && error["extensions"]["requestId"] == id
    };
    if id.is_empty() || !list.iter().all(whole) {
        return Err(format!("an error without message, code or request ID: {}", shown(&text)));
    }
    Ok(id.to_owned())
}

/// The first `next` event.
fn next_of(stream: &str) -> Result<Value, String> {
    let mut lines = stream.lines().skip_while(|line| *line != "event: next").skip(1);
    let data = lines.next().and_then(|line| line.strip_prefix("data: "));
    let value = data.and_then(|data| serde_json::from_str(data).ok());
    value.ok_or_else(|| format!("no event in {}", shown(stream)))
}

/// The codes of every payload's `userErrors`.
fn user_errors(answer: &Value) -> Vec<&str> {
    match answer {
        Value::Object(fields) => {
            let own = fields.get("userErrors").and_then(Value::as_array).into_iter().flatten();
            let own = own.filter_map(|error| error["code"].as_str());
            own.chain(fields.values().flat_map(user_errors)).collect()
        }
        Value::Array(items) => items.iter().flat_map(user_errors).collect(),
        _ => Vec::new(),
    }
}

async fn on_socket(
    world: &World,
    mut connection: Connection,
    socket: &Socket,
    expected: Expected,
) -> Result<(), String> {
    let mut others = Vec::new();
    for _ in 0..socket.others {
        let mut other = Connection::open(world.address).await.map_err(|error| error.to_string())?;
        open(world, &mut other, true).await?;
        others.push(other);
    }
    open(world, &mut connection, socket.is_ready).await?;
    // Who is closed on in the middle of writing may still read why.
    let _ = connection.write(&socket.frames).await;
    if matches!(expected, Expected::Ended) {
        return connection.rest().await.map(drop).map_err(|error| error.to_string());
    }
    let told = |error: io::Error| format!("{error}; expected {expected:?}");
    if !matches!(expected, Expected::Lives) {
        match (frames::next(&mut connection).await.map_err(told)?, expected) {
            (Said::Closed(found), Expected::Closed(code)) if found == code => {
                // However the server ends the connection now, the client has read why.
                let _ = connection.write(&frames::frame(frames::CLOSE, code.to_be_bytes())).await;
                let _ = connection.rest().await;
                return Ok(());
            }
            (Said::Message(message), Expected::OperationRefused(code)) if message["type"] == "error" => {
                check_errors(&message["payload"], code)?;
            }
            (Said::Message(message), Expected::Refused(_, code)) if message["type"] == "next" => {
                check_errors(&message["payload"]["errors"], code)?;
            }
            (Said::Message(message), Expected::Served)
                if message["type"] == "next" && message["payload"].get("errors").is_none() => {}
            (said, _) => return Err(format!("{}; expected {expected:?}", shown(&format!("{said:?}")))),
        }
    }
    connection.write(&frames::subscribe("alive", "{ __typename }")).await.map_err(told)?;
    loop {
        match frames::next(&mut connection).await.map_err(told)? {
            Said::Message(message) if message["id"] != "alive" => {}
            Said::Message(message) if message["payload"]["data"] == json!({ "__typename": "Query" }) => return Ok(()),
            said => return Err(format!("the socket does not live on: {}", shown(&format!("{said:?}")))),
        }
    }
}

/// Shakes hands; `acknowledged`: and signs in.
async fn open(world: &World, connection: &mut Connection, acknowledged: bool) -> Result<(), String> {
    let shaken = async {
        connection.write(&frames::handshake(&[])).await?;
        let status = connection.answer(false).await?.status;
        if acknowledged {
            connection.write(&frames::init(Some(&world.token))).await?;
            if let Said::Closed(code) = frames::next(connection).await? {
                return Err(io::Error::other(format!("closed with {code}")));
            }
        }
        Ok(status)
    };
    match shaken.await {
        Ok(101) => Ok(()),
        Ok(status) => Err(format!("the handshake got {status}")),
        Err(error) => Err(format!("the handshake failed: {error}")),
    }
}

/// The beginning of a text that may be very long.
fn shown(text: &str) -> &str {
    text.char_indices().nth(400).map_or(text, |(end, _)| &text[..end])
}
