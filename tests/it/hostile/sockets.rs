//! WebSockets: handshakes, frames and messages that stray from RFC 6455 or `graphql-transport-ws`.

use serde_json::json;

use super::{
    case::{
        Case,
        Expected::{self, Closed, Lives, OperationRefused, Refused, Served},
        Socket, Way, over_http, table,
    },
    frames::{BINARY, CLOSE, PING, PONG, TEXT, frame, handshake, init, message, raw_frame, subscribe},
    wire::request,
    world::World,
};

const BAD: Expected = Refused(400, "BAD_REQUEST");
const FORBIDDEN: Expected = Refused(403, "BAD_REQUEST");

const TYPENAME: &str = "{ __typename }";
const SILENT: &str = "subscription { thumbnailReady { id } }";

pub fn cases(world: &World) -> Vec<Case> {
    let mut cases = over_http("a handshake", handshakes());
    cases.extend(table("a frame", broken_frames()));
    cases.extend(table("a first message", first_messages(world)));
    cases.extend(table("a message", messages()));
    cases.extend(table("a socket too much", crowds(world)));
    cases
}

fn handshakes() -> Vec<(String, Vec<u8>, Expected)> {
    let rows = [
        ("Sec-WebSocket-Protocol", "", BAD),
        ("Sec-WebSocket-Protocol", "graphql-ws", BAD),
        ("Sec-WebSocket-Protocol", "GRAPHQL-TRANSPORT-WS", BAD),
        ("Sec-WebSocket-Protocol", "graphql-transport-wss, nonsense", BAD),
        ("Sec-WebSocket-Version", "", BAD),
        ("Sec-WebSocket-Version", "8", BAD),
        ("Sec-WebSocket-Version", "13, 8", BAD),
        ("Sec-WebSocket-Key", "", BAD),
        ("Sec-WebSocket-Key", "short", BAD),
        ("Connection", "close", BAD),
        ("Connection", "", BAD),
        ("Upgrade", "websocket/13", BAD),
        ("Origin", "https://evil.example.org", FORBIDDEN),
        ("Origin", "null", FORBIDDEN),
        ("Origin", "nonsense", FORBIDDEN),
        ("Origin", "file://", FORBIDDEN),
        ("Origin", "http://127.0.0.1", FORBIDDEN),
        ("Origin", "http://127.0.0.1.evil.org:4000", FORBIDDEN),
    ];
    let mut rows: Vec<_> =
        rows.map(|(name, value, expected)| (format!("{name}: {value}"), handshake(&[(name, value)]), expected)).into();
    let posted = String::from_utf8(handshake(&[])).unwrap().replacen("GET", "POST", 1);
    rows.push(("by POST".to_owned(), posted.into_bytes(), Refused(415, "BAD_REQUEST")));
    let elsewhere = String::from_utf8(handshake(&[])).unwrap().replacen("/graphql", "/nothing", 1);
    rows.push(("elsewhere".to_owned(), elsewhere.into_bytes(), Refused(404, "NOT_FOUND")));
    rows.push(("of nothing but an upgrade".to_owned(), request("GET /graphql", &[("Upgrade", "websocket")], ""), BAD));
    rows
}

fn broken_frames() -> Vec<(&'static str, Way, Expected)> {
    let ping = br#"{"type":"ping"}"#;
    let fragments = |count: usize| -> Vec<u8> {
        let text = format!(r#"{{"type":"ping","payload":{{"x":"{}"}}}}"#, "x".repeat(count));
        let last = text.len() - 1;
        let piece = |(n, byte): (usize, u8)| {
            raw_frame((if n == 0 { TEXT } else { 0 }) | (if n == last { 0x80 } else { 0 }), true, &[byte])
        };
        text.bytes().enumerate().flat_map(piece).collect()
    };
    let huge = [&[0x80 | TEXT, 0xff][..], &(1_u64 << 62).to_be_bytes(), &[0; 4]].concat();
    let endless = [raw_frame(TEXT, true, ping), raw_frame(0, true, &[b' '; 10_000]).repeat(40)].concat();
    vec![
        ("without a mask", Way::socket(raw_frame(0x80 | TEXT, false, ping)), Closed(1002)),
        ("of an unknown kind", Way::socket(frame(3, ping)), Closed(1002)),
        ("with a reserved bit", Way::socket(raw_frame(0xc0 | TEXT, true, ping)), Closed(1002)),
        ("a ping in pieces", Way::socket(raw_frame(PING, true, b"x")), Closed(1002)),
        ("a ping of 126 bytes", Way::socket(frame(PING, [0; 126])), Closed(1002)),
        ("a piece of nothing", Way::socket(frame(0, ping)), Closed(1002)),
        ("a text within a text", Way::socket([raw_frame(TEXT, true, ping), frame(TEXT, ping)].concat()), Closed(1002)),
        ("a close code that is none", Way::socket(frame(CLOSE, 1006_u16.to_be_bytes())), Closed(1002)),
        ("no UTF-8", Way::socket(frame(TEXT, b"{\"type\":\"\xff\"}")), Closed(1007)),
        ("bytes", Way::socket(frame(BINARY, ping)), Closed(4400)),
        ("bytes that are no text", Way::raw_socket(frame(BINARY, [0xff; 1000])), Closed(4400)),
        ("longer than all memory", Way::socket(huge), Closed(1009)),
        ("a text without end", Way::socket(endless), Closed(1009)),
        ("of 100 KB", Way::socket(frame(TEXT, [b'x'; 100_000])), Closed(1009)),
        ("of 300 KB", Way::socket(frame(TEXT, vec![b'x'; 300_000])), Closed(1009)),
        ("of 10 MB", Way::socket(frame(TEXT, vec![b'x'; 10_000_000])), Closed(1009)),
        ("a close", Way::socket(frame(CLOSE, 1000_u16.to_be_bytes())), Closed(1000)),
        ("a close without a code", Way::socket(frame(CLOSE, [])), Closed(1005)),
        ("HTTP", Way::socket(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()), Closed(1002)),
        ("a message of 1,000 pieces", Way::socket(fragments(1000)), Lives),
        (
            "an empty piece 10,000 times",
            Way::socket([raw_frame(TEXT, true, ping), raw_frame(0, true, b"").repeat(10_000), frame(0, b"")].concat()),
            Lives,
        ),
        ("10,000 pings", Way::socket(frame(PING, [0; 125]).repeat(10_000)), Lives),
        ("10,000 pongs that nobody asked for", Way::socket(frame(PONG, []).repeat(10_000)), Lives),
        ("10,000 pings of the other kind", Way::socket(frame(TEXT, ping).repeat(10_000)), Lives),
    ]
}

fn first_messages(world: &World) -> Vec<(String, Way, Expected)> {
    let begin = |payload| message(&json!({ "type": "connection_init", "payload": payload }));
    let mut rows = vec![
        ("a subscribe".to_owned(), Way::raw_socket(subscribe("1", TYPENAME)), Closed(4401)),
        ("a payload of text".to_owned(), Way::raw_socket(begin(json!("x"))), Closed(4400)),
        ("a payload of a list".to_owned(), Way::raw_socket(begin(json!([1]))), Closed(4400)),
        ("a token of a number".to_owned(), Way::raw_socket(begin(json!({ "token": 1 }))), Closed(4403)),
        ("other credentials".to_owned(), Way::raw_socket(begin(json!({ "authorization": "Basic x" }))), Closed(4403)),
        ("two at once".to_owned(), Way::socket(init(Some(&world.token))), Closed(4429)),
        ("a server's".to_owned(), Way::raw_socket(message(&json!({ "type": "connection_ack" }))), Closed(4400)),
    ];
    for (what, token) in world.bad_tokens.iter().filter(|(_, token)| token.len() < 10_000) {
        rows.push((format!("a token: {what}"), Way::raw_socket(init(Some(token))), Closed(4403)));
    }
    rows
}

fn messages() -> Vec<(String, Way, Expected)> {
    let closing = [
        "",
        " ",
        "x",
        "null",
        "1",
        "[]",
        "{}",
        "\"ping\"",
        r#"{"type":null}"#,
        r#"{"type":1}"#,
        r#"{"type":"start"}"#,
        r#"{"type":"connection_terminate"}"#,
        r#"{"type":"next","id":"1","payload":{}}"#,
        r#"{"type":"PING"}"#,
        r#"{"type":"ping","payload":1}"#,
        r#"{"type":"subscribe"}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{ __typename }"}}"#,
        r#"{"type":"subscribe","id":null,"payload":{"query":"{ __typename }"}}"#,
        r#"{"type":"subscribe","id":"1","payload":"{ __typename }"}"#,
        r#"{"type":"subscribe","id":"1","payload":[{"query":"{ __typename }"}]}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"complete","id":""}"#,
        "{\"type\":\"ping\"} x",
        "\u{feff}{\"type\":\"ping\"}",
        r#"{"type":"subscribe","id":"1","id":"2","payload":{"query":"{ __typename }"}}"#,
    ];
    let mut rows: Vec<_> =
        closing.map(|text| (format!("{text:?}"), Way::socket(frame(TEXT, text)), Closed(4400))).into();
    let deep = format!(r#"{{"type":"ping","payload":{{"a":{}"#, "[".repeat(60_000));
    rows.push(("deep JSON".to_owned(), Way::socket(frame(TEXT, deep)), Closed(4400)));
    for (payload, code) in [
        (json!({}), "BAD_REQUEST"),
        (json!({ "query": null }), "BAD_REQUEST"),
        (json!({ "query": 1 }), "BAD_REQUEST"),
        (json!({ "query": TYPENAME, "variables": [] }), "BAD_REQUEST"),
        (json!({ "query": TYPENAME, "operationName": "B" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": "{" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "query($i: ID!) { node(id: $i) { id } }" }), "BAD_USER_INPUT"),
        (
            json!({ "query": "subscription { thumbnailReady { id } a: thumbnailReady { id } }" }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({ "query": "subscription { ...A } fragment A on Subscription { thumbnailReady { id } __typename }" }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ] {
        let name = format!("an operation: {payload}");
        let sent = message(&json!({ "type": "subscribe", "id": "1", "payload": payload }));
        rows.push((name, Way::socket(sent), OperationRefused(code)));
    }
    let unknown = "subscription { thumbnailReady(fileId: \"nonsense\") { id } }";
    rows.push((
        "a subscription to nothing".to_owned(),
        Way::socket(subscribe("1", unknown)),
        Refused(200, "NOT_FOUND"),
    ));
    let long = "i".repeat(60_000);
    let twice = [subscribe("1", SILENT), subscribe("1", TYPENAME)].concat();
    rows.extend([
        ("an ID twice".to_owned(), Way::socket(twice), Closed(4409)),
        ("an ID of 60 KB".to_owned(), Way::socket(subscribe(&long, TYPENAME)), Served),
        ("the end of nothing".to_owned(), Way::socket(message(&json!({ "type": "complete", "id": "x" }))), Lives),
        ("a pong that nobody asked for".to_owned(), Way::socket(message(&json!({ "type": "pong" }))), Lives),
    ]);
    rows
}

fn crowds(world: &World) -> Vec<(&'static str, Way, Expected)> {
    let operations = |count: usize| (0..count).flat_map(|n| subscribe(&format!("s{n}"), SILENT)).collect::<Vec<_>>();
    let churn: Vec<u8> = (0..2000)
        .flat_map(|_| [subscribe("1", SILENT), message(&json!({ "type": "complete", "id": "1" }))].concat())
        .collect();
    // One ends, so that there is room again.
    let one_too_many = [operations(101), message(&json!({ "type": "complete", "id": "s0" }))].concat();
    vec![
        ("the 101st operation", Way::socket(one_too_many), OperationRefused("BAD_REQUEST")),
        ("begun and ended 2,000 times", Way::socket(churn), Lives),
        (
            "the 21st",
            Way::Socket(Socket { others: 20, is_ready: false, frames: init(Some(&world.token)) }),
            Closed(1013),
        ),
    ]
}
