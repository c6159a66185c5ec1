//! Methods, targets, and HTTP that is none.

use super::{
    case::{
        Case,
        Expected::{self, Ended, Refused, Served, Status},
        Way, over_http, table,
    },
    wire::request,
    world::World,
};

const BAD: Expected = Refused(400, "BAD_REQUEST");
const NOTHING_THERE: Expected = Refused(404, "NOT_FOUND");
const NOT_THIS_WAY: Expected = Refused(405, "BAD_REQUEST");
const LONG_HEAD: Expected = Refused(431, "BAD_REQUEST");

const JSON: (&str, &str) = ("Content-Type", "application/json");
const TYPENAME: &str = r#"{"query":"{ __typename }"}"#;

pub fn cases(world: &World) -> Vec<Case> {
    let mut cases = over_http("a method", methods(world));
    cases.extend(over_http("a path", paths()));
    cases.extend(over_http("a GET", gets()));
    cases.extend(over_http("a head", heads()));
    cases.extend(table("framing", framing()));
    cases
}

fn methods(world: &World) -> Vec<(String, Vec<u8>, Expected)> {
    let mut rows = Vec::new();
    let file = format!("/files/{}", world.file);
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "FOO", "post", "get", "G3T!"] {
        for path in ["/graphql?query={__typename}", "/", "/healthz", "/readyz", &file, "/files/x"] {
            rows.push((
                format!("{method} {path}"),
                request(&format!("{method} {path}"), &[JSON], TYPENAME),
                NOT_THIS_WAY,
            ));
        }
    }
    for path in ["/", "/healthz", "/readyz", &file] {
        rows.push((format!("POST {path}"), request(&format!("POST {path}"), &[JSON], TYPENAME), NOT_THIS_WAY));
    }
    rows.push(("HEAD".to_owned(), request("HEAD /graphql?query={__typename}", &[], ""), Status(405)));
    rows.push(("HEAD of nothing".to_owned(), request("HEAD /nothing", &[], ""), Status(404)));
    rows
}

fn paths() -> Vec<(String, Vec<u8>, Expected)> {
    let long = format!("/{}", "x".repeat(60_000));
    let too_long = format!("/graphql?query={}", "x".repeat(70_000));
    let mut rows: Vec<_> = [
        "/nothing",
        "/graphql/",
        "/GraphQL",
        "//graphql",
        "/graphql%2f",
        "/graphql;x",
        "/files",
        "/files/",
        "/files/a/b",
        "/files/../graphql",
        "/../../etc/passwd",
        "/.env",
        "/.git/config",
        "/metrics",
        "/%00",
        "/%ff",
        "/%",
        "/%zz",
        "/healthz/..",
        long.as_str(),
    ]
    .into_iter()
    .flat_map(|path| {
        let name: String = path.chars().take(40).collect();
        let get = (format!("GET {name}"), request(&format!("GET {path}"), &[], ""), NOTHING_THERE);
        let post = (format!("POST {name}"), request(&format!("POST {path}"), &[JSON], TYPENAME), NOTHING_THERE);
        [get, post]
    })
    .collect();
    rows.push(("over 64 KiB".to_owned(), request(&format!("GET {too_long}"), &[], ""), Refused(414, "BAD_REQUEST")));
    // The name of another host in the target is none of our business (RFC 9112 section 3.2.2).
    rows.push(("of another host".to_owned(), request("POST http://evil.test/graphql", &[JSON], TYPENAME), Served));
    rows.push(("*".to_owned(), request("OPTIONS *", &[], ""), NOTHING_THERE));
    rows.push(("of a CONNECT".to_owned(), request("CONNECT evil.test:443", &[], ""), NOT_THIS_WAY));
    rows
}

fn gets() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let get = |query: &str| request(&format!("GET /graphql{query}"), &[("Accept", "application/json")], "");
    let deep = "[".repeat(10_000);
    let variable = |text: &str| get(&format!("?query=query($a:ID!)%7Bnode(id:$a)%7Bid%7D%7D&variables={text}"));
    let unreadable = Refused(200, "GRAPHQL_PARSE_FAILED");
    vec![
        ("without a query", get(""), BAD),
        ("without a value", get("?query"), unreadable),
        ("of an empty query", get("?query="), unreadable),
        ("of a query twice", get("?query=%7B__typename%7D&query=%7B__typename%7D"), BAD),
        ("of variables twice", get("?query=%7B__typename%7D&variables=%7B%7D&variables=%7B%7D"), BAD),
        ("of half an escape", get("?query=%7B__typename%7"), unreadable),
        ("of no UTF-8", get("?query=%7B__typename%7D%ff"), unreadable),
        ("of variables that are no JSON", variable("%7B"), BAD),
        ("of variables that are a list", variable("[]"), BAD),
        ("of deep variables", variable(&deep), BAD),
        ("of an array as PHP has it", get("?query[]=%7B__typename%7D"), BAD),
        ("of 10,000 parameters", get(&format!("?{}", "a=b&".repeat(10_000))), BAD),
        ("of a mutation", get("?query=mutation%7Blogout%7BuserErrors%7Bcode%7D%7D%7D"), NOT_THIS_WAY),
        ("of a subscription", get("?query=subscription%7BthumbnailReady%7Bid%7D%7D"), Refused(406, "BAD_REQUEST")),
        (
            "of a mutation among queries",
            get("?query=query%20A%7B__typename%7Dmutation%20B%7Blogout%7BuserErrors%7Bcode%7D%7D%7D&operationName=B"),
            NOT_THIS_WAY,
        ),
        ("with a body", request("GET /graphql?query=%7B__typename%7D", &[JSON], r#"{"query":"{"}"#), Served),
    ]
}

fn heads() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let raw = |text: &str| text.as_bytes().to_vec();
    let with = |lines: &str| {
        raw(&format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\n{lines}Content-Type: application/json\r\nContent-Length: 26\r\n\r\n{TYPENAME}"
        ))
    };
    let flood: String = (0..5000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    vec![
        ("without a host", raw("GET /healthz HTTP/1.1\r\n\r\n"), BAD),
        ("of two hosts", with("Host: y\r\n"), BAD),
        ("with a blank before the colon", with("X-A : b\r\n"), BAD),
        ("with a line without a colon", with("nonsense\r\n"), BAD),
        ("with a name of nothing", with(": b\r\n"), BAD),
        ("with a NUL", with("X-A: a\0b\r\n"), BAD),
        ("with a folded line", with("X-A: a\r\n b\r\n"), BAD),
        ("with a carriage return in a value", with("X-A: a\rb\r\n"), BAD),
        ("of 5,000 lines", with(&flood), LONG_HEAD),
        ("with a line of 1 MiB", with(&format!("X-A: {}\r\n", "x".repeat(1 << 20))), LONG_HEAD),
        ("of garbage", raw("\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03 hello\r\n\r\n"), BAD),
        ("without a version", raw("GET /healthz\r\n\r\n"), BAD),
        ("of another version", raw("GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n"), BAD),
        ("with a blank target", raw("GET  HTTP/1.1\r\nHost: x\r\n\r\n"), BAD),
        ("with blanks in the target", raw("GET /a b c HTTP/1.1\r\nHost: x\r\n\r\n"), BAD),
        ("with a target beyond ASCII", raw("GET /ü HTTP/1.1\r\nHost: x\r\n\r\n"), NOTHING_THERE),
        ("with an unknown expectation", with("Expect: miracles\r\n"), Refused(417, "BAD_REQUEST")),
        ("with an unknown upgrade", with("Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"), Served),
        ("with a forged address", with("X-Forwarded-For: nonsense\r\nForwarded: for=\"\r\n"), Served),
    ]
}

fn framing() -> Vec<(&'static str, Way, Expected)> {
    let with = |lines: &str, body: &str| {
        let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        format!("{head}{lines}\r\n{body}").into_bytes()
    };
    let in_chunks = |body: &str| with("Transfer-Encoding: chunked\r\n", body);
    let extension = format!("1a;{}\r\n{TYPENAME}\r\n0\r\n\r\n", "x".repeat(100_000));
    let trailers = format!("1a\r\n{TYPENAME}\r\n0\r\n{}\r\n", "X-A: b\r\n".repeat(20_000));
    let whole = with("Content-Length: 26\r\n", TYPENAME);
    let twice = [whole.clone(), whole.clone()].concat();
    let hundred = request("POST /graphql", &[JSON, ("Expect", "100-continue")], TYPENAME);
    vec![
        ("a negative length", Way::Once(with("Content-Length: -1\r\n", TYPENAME)), BAD),
        ("a length of letters", Way::Once(with("Content-Length: abc\r\n", TYPENAME)), BAD),
        ("a length with a sign", Way::Once(with("Content-Length: +26\r\n", TYPENAME)), BAD),
        ("two lengths", Way::Once(with("Content-Length: 26\r\nContent-Length: 27\r\n", TYPENAME)), BAD),
        ("a list of lengths", Way::Once(with("Content-Length: 26, 27\r\n", TYPENAME)), BAD),
        ("a length too small", Way::Once(with("Content-Length: 10\r\n", TYPENAME)), BAD),
        ("a length too large", Way::CutOff(with("Content-Length: 1000\r\n", TYPENAME)), BAD),
        ("a length too large, and away", Way::Abandoned(with("Content-Length: 1000\r\n", TYPENAME)), Ended),
        ("half a head", Way::CutOff(b"POST /graphql HTTP/1.1\r\nHo".to_vec()), Ended),
        ("half a head, and away", Way::Abandoned(b"POST /graphql HTTP/1.1\r\nHo".to_vec()), Ended),
        ("nothing, and away", Way::Abandoned(Vec::new()), Ended),
        ("an unknown coding", Way::Once(with("Transfer-Encoding: rot13\r\n", TYPENAME)), BAD),
        ("chunked, and then not", Way::Once(with("Transfer-Encoding: chunked, identity\r\n", TYPENAME)), BAD),
        ("chunks that are none", Way::Once(in_chunks("nonsense\r\n\r\n")), BAD),
        ("a chunk larger than everything", Way::Once(in_chunks("FFFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n")), BAD),
        ("a negative chunk", Way::Once(in_chunks("-1\r\nx\r\n0\r\n\r\n")), BAD),
        ("a chunk longer than its size", Way::Once(in_chunks("5\r\n{\"query\":\r\n0\r\n\r\n")), BAD),
        ("chunks without an end", Way::CutOff(in_chunks("1a\r\n{\"query\":\"{ __typename }\"}\r\n")), BAD),
        ("half a chunk", Way::CutOff(in_chunks("1a\r\n{\"query\"")), BAD),
        ("an extension of 100 KB", Way::Once(in_chunks(&extension)), BAD),
        ("20,000 trailers", Way::Once(in_chunks(&trailers)), BAD),
        ("HTTP/2", Way::Http(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec()), Ended),
        ("a request in the old way", Way::Once(b"GET /healthz HTTP/1.0\r\n\r\n".to_vec()), Status(200)),
        ("empty lines before a request", Way::Http([b"\r\n\r\n", whole.as_slice()].concat()), Served),
        ("two requests at once", Way::Once(twice), Served),
        ("byte by byte", Way::ByteByByte(whole), Served),
        ("a client that asks first", Way::Http(hundred), Served),
    ]
}
