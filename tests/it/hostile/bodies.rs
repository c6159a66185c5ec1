//! JSON bodies that are none, or hold something else than an operation; media types, encodings and credentials.

use serde_json::json;

use super::{
    case::{
        Case,
        Expected::{self, Refused, Served},
        over_http,
    },
    wire::{chunked, request},
    world::World,
};

const BAD: Expected = Refused(400, "BAD_REQUEST");
const WRONG_VALUE: Expected = Refused(400, "BAD_USER_INPUT");
const INVALID: Expected = Refused(400, "GRAPHQL_VALIDATION_FAILED");
const UNSUPPORTED: Expected = Refused(415, "BAD_REQUEST");
const UNACCEPTABLE: Expected = Refused(406, "BAD_REQUEST");
const TOO_LARGE: Expected = Refused(413, "BAD_REQUEST");

const TYPENAME: &str = r#"{"query":"{ __typename }"}"#;

pub fn cases(world: &World) -> Vec<Case> {
    let mut cases = over_http("a JSON body", bodies().into_iter().map(|(name, body, it)| (name, world.json(body), it)));
    cases.extend(over_http("a JSON body", sizes(world)));
    cases.extend(over_http("media types", media_types()));
    cases.extend(over_http("credentials", credentials(world)));
    cases.extend(over_http("a stream", streams(world)));
    cases
}

fn bodies() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let deep = |open: &str, count: usize| open.repeat(count).into_bytes();
    let utf16 = |little: bool| -> Vec<u8> {
        TYPENAME.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let variable = |value: &str| {
        format!(r#"{{"query":"query($a: Int) {{ files(first: $a) {{ totalCount }} }}","variables":{{"a":{value}}}}}"#)
    };
    let list = |value: &str| {
        format!(
            r#"{{"query":"query($k: [FileKind!]) {{ files(filter: {{ kinds: $k }}) {{ totalCount }} }}","variables":{{"k":{value}}}}}"#
        )
    };
    let batch = format!("[{}]", vec![TYPENAME; 10_000].join(","));
    let keys: String = (0..80_000).map(|n| format!(r#""k{n}":0,"#)).collect();
    let rows: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("nothing", b"".into(), BAD),
        ("an open brace", b"{".into(), BAD),
        ("null", b"null".into(), BAD),
        ("a number", b"1".into(), BAD),
        ("true", b"true".into(), BAD),
        ("a string", b"\"{ __typename }\"".into(), BAD),
        ("an empty list", b"[]".into(), BAD),
        ("a list of one operation", format!("[{TYPENAME}]").into(), BAD),
        ("a list of 10,000 operations", batch.into(), BAD),
        ("an empty object", b"{}".into(), BAD),
        ("two objects", format!("{TYPENAME}{TYPENAME}").into(), BAD),
        ("something behind it", format!("{TYPENAME} x").into(), BAD),
        ("100,000 brackets", deep("[", 100_000), BAD),
        ("100,000 braces", deep(r#"{"a":"#, 100_000), BAD),
        ("100,000 brackets in a variable", variable(&"[".repeat(100_000)).into(), BAD),
        (
            "100,000 pairs of brackets in a variable",
            variable(&("[".repeat(100_000) + &"]".repeat(100_000))).into(),
            BAD,
        ),
        ("a list 100 deep", list(&("[".repeat(100) + &"]".repeat(100))).into(), WRONG_VALUE),
        ("an object 100 deep", list(&(r#"{"a":"#.repeat(100) + "1" + &"}".repeat(100))).into(), WRONG_VALUE),
        ("a list of 100,000", list(&format!("[{}\"FILE\"]", "\"FILE\",".repeat(100_000))).into(), BAD),
        ("a byte order mark", [b"\xef\xbb\xbf", TYPENAME.as_bytes()].concat(), BAD),
        ("UTF-16, little end first", utf16(true), BAD),
        ("UTF-16, big end first", utf16(false), BAD),
        ("no UTF-8", b"{\"query\":\"{ __typename } #\xff\xfe\"}".into(), BAD),
        ("an overlong encoding", b"{\"query\":\"{ __typename } #\xc0\xaf\"}".into(), BAD),
        ("a NUL", b"{\"query\":\"{ __typename }\0\"}".into(), BAD),
        ("only NULs", vec![0; 10_000], BAD),
        ("a lone surrogate", br#"{"query":"{ __typename } # \ud800"}"#.into(), BAD),
        ("no quotes", b"{query:\"{ __typename }\"}".into(), BAD),
        ("single quotes", b"{'query':'{ __typename }'}".into(), BAD),
        ("a comma too many", b"{\"query\":\"{ __typename }\",}".into(), BAD),
        ("NaN", variable("NaN").into(), BAD),
        ("a number beyond everything", variable("1e999999").into(), BAD),
        ("an integer beyond 32 bits", variable("4294967296").into(), WRONG_VALUE),
        ("an integer beyond 64 bits", variable("99999999999999999999").into(), WRONG_VALUE),
        ("a number of 1,000 digits", variable(&"1".repeat(1000)).into(), BAD),
        ("a fraction for an integer", variable("1.5").into(), WRONG_VALUE),
        ("a string for an integer", variable("\"1\"").into(), WRONG_VALUE),
        ("an object for an integer", variable("{\"__proto__\":{}}").into(), WRONG_VALUE),
        ("query null", br#"{"query":null}"#.into(), BAD),
        ("query a number", br#"{"query":1}"#.into(), BAD),
        ("query a list", br#"{"query":["{ __typename }"]}"#.into(), BAD),
        ("query an object", br#"{"query":{}}"#.into(), BAD),
        ("query true", br#"{"query":true}"#.into(), BAD),
        ("Query in capitals", br#"{"QUERY":"{ __typename }"}"#.into(), BAD),
        ("variables a string", br#"{"query":"{ __typename }","variables":"{}"}"#.into(), BAD),
        ("variables a list", br#"{"query":"{ __typename }","variables":[]}"#.into(), BAD),
        ("extensions a number", br#"{"query":"{ __typename }","extensions":1}"#.into(), BAD),
        ("operationName a number", br#"{"query":"{ __typename }","operationName":1}"#.into(), BAD),
        ("an unknown operation", br#"{"query":"query A { __typename }","operationName":"B"}"#.into(), INVALID),
        ("an operation without a name", br#"{"query":"{ __typename }","operationName":""}"#.into(), INVALID),
        (
            "a very long name of an operation",
            json!({ "query": "{ __typename }", "operationName": "x".repeat(900_000) }).to_string().into(),
            INVALID,
        ),
        ("a persisted query", br#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}"#.into(), BAD),
        ("a subscription", br#"{"query":"subscription { thumbnailReady { id } }"}"#.into(), UNACCEPTABLE),
        // The last one counts, as in every browser.
        ("a key twice", br#"{"query":"{","query":"{ __typename }"}"#.into(), Served),
        (
            "80,000 variables too many",
            format!(r#"{{"query":"{{ __typename }}","variables":{{{keys}"a":1}}}}"#).into(),
            BAD,
        ),
        ("variables null", br#"{"query":"{ __typename }","variables":null,"extensions":null}"#.into(), Served),
        ("a prototype", br#"{"query":"{ __typename }","__proto__":{"query":1},"constructor":1}"#.into(), Served),
    ];
    rows
}

fn sizes(world: &World) -> Vec<(&'static str, Vec<u8>, Expected)> {
    let padded = |bytes: usize| format!("{}{TYPENAME}", " ".repeat(bytes - TYPENAME.len()));
    let headers = |more: (&'static str, &'static str)| [("Content-Type", "application/json"), more];
    let in_chunks = ("Transfer-Encoding", "chunked");
    let announced = |length| request("POST /graphql", &headers(("Content-Length", length)), "");
    vec![
        ("of 1 MiB", world.json(padded(1 << 20)), Served),
        ("of 1 MiB and a byte", world.json(padded((1 << 20) + 1)), TOO_LARGE),
        ("of 30 MiB", world.json(padded(30 << 20)), TOO_LARGE),
        (
            "of 30 MiB in chunks",
            request("POST /graphql", &headers(in_chunks), chunked(padded(30 << 20).as_bytes(), 60_000)),
            TOO_LARGE,
        ),
        ("in chunks of a byte", request("POST /graphql", &headers(in_chunks), chunked(TYPENAME.as_bytes(), 1)), Served),
        ("announced as 2 GiB", announced("2147483648"), TOO_LARGE),
        ("announced as all there is", announced("9223372036854775807"), TOO_LARGE),
    ]
}

fn media_types() -> Vec<(String, Vec<u8>, Expected)> {
    let post = |headers: &[(&str, &str)], expected| {
        let name: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let name: String = name.join(", ").chars().take(80).collect();
        (name, request("POST /graphql", headers, TYPENAME), expected)
    };
    let typed = |content_type, expected| post(&[("Content-Type", content_type)], expected);
    let json = ("Content-Type", "application/json");
    let encoded = |encoding, expected| post(&[json, ("Content-Encoding", encoding)], expected);
    let accepted = |accept, expected| post(&[json, ("Accept", accept)], expected);
    let ranges = "text/plain;q=0.1,".repeat(3000);
    vec![
        post(&[], UNSUPPORTED),
        typed("", UNSUPPORTED),
        typed("text/plain", UNSUPPORTED),
        typed("text/plain; application/json", UNSUPPORTED),
        typed("text/plain, application/json", UNSUPPORTED),
        typed("application/json, text/plain", UNSUPPORTED),
        typed("application/x-www-form-urlencoded", UNSUPPORTED),
        typed("application/graphql", UNSUPPORTED),
        typed("application/jsonp", UNSUPPORTED),
        typed("application/json/x", UNSUPPORTED),
        typed("json", UNSUPPORTED),
        typed(";;;;", UNSUPPORTED),
        typed("application/json; charset=latin1", UNSUPPORTED),
        typed("application/json; charset=utf-16", UNSUPPORTED),
        typed("application/json; charset=\"", UNSUPPORTED),
        typed("multipart/mixed; boundary=b", UNSUPPORTED),
        typed("APPLICATION/JSON; CHARSET=\"UTF-8\"", Served),
        post(&[json, ("Content-Type", "text/plain")], BAD),
        post(&[("Content-Type", "text/plain"), json], BAD),
        encoded("gzip", UNSUPPORTED),
        encoded("br", UNSUPPORTED),
        encoded("zstd", UNSUPPORTED),
        encoded("identity, gzip", UNSUPPORTED),
        encoded("gzip, identity", UNSUPPORTED),
        encoded("nonsense", UNSUPPORTED),
        encoded("Identity", Served),
        post(&[json, ("Content-Encoding", "identity"), ("Content-Encoding", "gzip")], UNSUPPORTED),
        accepted("text/html", UNACCEPTABLE),
        accepted("image/*, text/plain;q=0.5", UNACCEPTABLE),
        accepted("application/json;q=0", UNACCEPTABLE),
        accepted("*/*;q=0", UNACCEPTABLE),
        accepted("nonsense", UNACCEPTABLE),
        accepted(";;;,,,===", UNACCEPTABLE),
        accepted("\"", UNACCEPTABLE),
        accepted(&ranges, UNACCEPTABLE),
        accepted(&format!("{ranges}*/*"), Served),
        accepted("", Served),
    ]
}

/// A token that is none makes nobody of somebody; to fields that need somebody, that is an error.
fn credentials(world: &World) -> Vec<(String, Vec<u8>, Expected)> {
    let ask = |headers: &[(&str, &str)], query: &str| {
        let body = json!({ "query": query }).to_string();
        request("POST /graphql", &[&[("Content-Type", "application/json")], headers].concat(), body)
    };
    let long = "x".repeat(60_000);
    let nobody = Refused(200, "UNAUTHENTICATED");
    let mut rows = Vec::new();
    for (what, token) in &world.bad_tokens {
        let bearer = format!("Bearer {token}");
        rows.push((
            format!("{what}, for a list"),
            ask(&[("Authorization", &bearer)], "{ files { totalCount } }"),
            nobody,
        ));
        rows.push((format!("{what}, for the viewer"), ask(&[("Authorization", &bearer)], "{ viewer { id } }"), Served));
    }
    for text in ["", "Bearer", "Bearer ", "Basic YTpi", "Digest x", "Bearer\tx", long.as_str()] {
        let name = format!("{:?}", &text[..text.len().min(20)]);
        rows.push((name, ask(&[("Authorization", text)], "{ files { totalCount } }"), nobody));
    }
    rows
}

/// What is wrong with a subscription is said in its stream, or before there is one.
fn streams(world: &World) -> Vec<(String, Vec<u8>, Expected)> {
    let bearer = world.bearer();
    let subscribe = |query: &str, headers: &[(&str, &str)]| {
        let all = [&[("Content-Type", "application/json"), ("Accept", "text/event-stream")], headers].concat();
        request("POST /graphql", &all, json!({ "query": query }).to_string())
    };
    let all = "subscription { thumbnailReady { id } }";
    let unknown = "subscription { thumbnailReady(fileId: \"nonsense\") { id } }";
    let two = "subscription { thumbnailReady { id } a: thumbnailReady { id } }";
    let user = [("Authorization", bearer.as_str())];
    let mut rows = vec![
        ("of nobody".to_owned(), subscribe(all, &[]), Expected::RefusedInStream("UNAUTHENTICATED")),
        ("of nothing".to_owned(), subscribe(unknown, &user), Expected::RefusedInStream("NOT_FOUND")),
        ("of two fields".to_owned(), subscribe(two, &user), Expected::RefusedInStream("GRAPHQL_VALIDATION_FAILED")),
    ];
    for (what, token) in &world.bad_tokens {
        let bearer = format!("Bearer {token}");
        let bytes = subscribe(all, &[("Authorization", &bearer)]);
        rows.push((format!("with a token: {what}"), bytes, Expected::RefusedInStream("UNAUTHENTICATED")));
    }
    for accept in
        ["multipart/mixed", "multipart/mixed;subscriptionSpec=9.9", "text/event-stream;q=0", "text/event-streams"]
    {
        let headers = [("Content-Type", "application/json"), ("Accept", accept), ("Authorization", bearer.as_str())];
        let bytes = request("POST /graphql", &headers, json!({ "query": all }).to_string());
        rows.push((format!("as {accept}"), bytes, UNACCEPTABLE));
    }
    rows
}
