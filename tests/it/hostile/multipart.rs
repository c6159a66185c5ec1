//! GraphQL multipart requests, malformed in every place, and what a refused one must not leave behind.

use serde_json::{Value, json};

use super::{
    case::{
        Case,
        Expected::{self, Ended, Refused, Served, UserError},
        Way, over_http, table,
    },
    wire::{chunked, request},
    world::World,
};

const BAD: Expected = Refused(400, "BAD_REQUEST");
const WRONG_VALUE: Expected = Refused(400, "BAD_USER_INPUT");
const INVALID: Expected = Refused(400, "GRAPHQL_VALIDATION_FAILED");

const MAP: &str = r#"{"0":["variables.f"]}"#;

/// An upload of one file.
pub fn one_file() -> String {
    let query = "mutation($f: Upload!) { upload(input: { file: $f }) { file { id } userErrors { code } } }";
    json!({ "query": query, "variables": { "f": null } }).to_string()
}

/// Uploads of two files.
fn two_files() -> String {
    let query = "mutation($f: Upload!, $g: Upload!) { a: upload(input: { file: $f }) { userErrors { code } } \
                 b: upload(input: { file: $g }) { userErrors { code } } }";
    json!({ "query": query, "variables": { "f": null, "g": null } }).to_string()
}

/// A multipart body.
#[derive(Clone, Default)]
pub struct Form(Vec<u8>);

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    /// The operation and the map of an upload.
    pub fn upload() -> Self {
        Self::new().field("operations", &one_file()).field("map", MAP)
    }

    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    /// A part with these header lines.
    pub fn part(self, lines: &str, content: impl AsRef<[u8]>) -> Self {
        self.raw(format!("--b\r\n{lines}\r\n\r\n")).raw(content).raw("\r\n")
    }

    pub fn field(self, name: &str, content: &str) -> Self {
        self.part(&format!("Content-Disposition: form-data; name=\"{name}\""), content)
    }

    pub fn file(self, name: &str, file_name: &str, content: impl AsRef<[u8]>) -> Self {
        let disposition = format!("Content-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"");
        self.part(&format!("{disposition}\r\nContent-Type: text/plain"), content)
    }

    /// The body with its last boundary.
    pub fn body(self) -> Vec<u8> {
        self.raw("--b--\r\n").0
    }

    /// The user's request.
    pub fn request(self, world: &World) -> Vec<u8> {
        post(world, "multipart/form-data; boundary=b", &[], &self.body())
    }
}

fn post(world: &World, content_type: &str, more: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let bearer = world.bearer();
    let headers =
        [("Content-Type", content_type), ("Accept", "application/graphql-response+json"), ("Authorization", &bearer)];
    request("POST /graphql", &[&headers, more].concat(), body)
}

pub fn cases(world: &World) -> Vec<Case> {
    let mut cases = over_http("multipart", as_requests(world, order_and_names()));
    cases.extend(over_http("multipart, the operations", as_requests(world, operations())));
    cases.extend(over_http("multipart, the map", as_requests(world, maps())));
    cases.extend(over_http("multipart, heads of parts", as_requests(world, heads())));
    cases.extend(over_http("multipart, the media type", media_types(world)));
    cases.extend(over_http("multipart, the body", bodies(world)));
    cases.extend(table("multipart, cut short", cuts(world)));
    cases.extend(over_http("multipart, credentials", credentials(world)));
    cases
}

type Row = (String, Form, Expected);

fn row(name: &str, form: Form, expected: Expected) -> Row {
    (name.to_owned(), form, expected)
}

fn as_requests(world: &World, rows: Vec<Row>) -> Vec<(String, Vec<u8>, Expected)> {
    rows.into_iter().map(|(name, form, expected)| (name, form.request(world), expected)).collect()
}

fn order_and_names() -> Vec<Row> {
    let both = |map: &str| Form::new().field("operations", &two_files()).field("map", map);
    let two = || both(r#"{"0":["variables.f"],"1":["variables.g"]}"#);
    let parts = |count: usize| (0..count).fold(Form::upload(), |form, n| form.file(&n.to_string(), "x.txt", "x"));
    vec![
        row("nothing", Form::new(), BAD),
        row("no operations", Form::new().field("map", MAP).file("0", "x.txt", "x"), BAD),
        row("no map", Form::new().field("operations", &one_file()).file("0", "x.txt", "x"), BAD),
        row("only operations", Form::new().field("operations", &one_file()), BAD),
        row("the map first", Form::new().field("map", MAP).field("operations", &one_file()).file("0", "x", "x"), BAD),
        row("the file first", Form::new().file("0", "x", "x").field("operations", &one_file()).field("map", MAP), BAD),
        row(
            "the file before the map",
            Form::new().field("operations", &one_file()).file("0", "x", "x").field("map", MAP),
            BAD,
        ),
        row("operations twice", Form::new().field("operations", &one_file()).field("operations", &one_file()), BAD),
        row("the map twice", Form::upload().field("map", MAP).file("0", "x", "x"), BAD),
        row("OPERATIONS", Form::new().field("OPERATIONS", &one_file()).field("map", MAP).file("0", "x", "x"), BAD),
        row("no file", Form::upload(), BAD),
        row("a name twice in the map", both(r#"{"0":["variables.f"],"0":["variables.g"]}"#).file("0", "x", "x"), BAD),
        row("another file", Form::upload().file("1", "x", "x"), BAD),
        row("one of two files", two().file("0", "x", "x"), BAD),
        row("a file twice", Form::upload().file("0", "x", "x").file("0", "y", "y"), BAD),
        row("one of two files twice", two().file("0", "x", "x").file("0", "y", "y"), BAD),
        row("a file that the map does not name", Form::upload().file("0", "x", "x").file("1", "y", "y"), BAD),
        row("a file called __proto__", Form::upload().file("__proto__", "x", "x"), BAD),
        row("10,000 parts", parts(10_000), BAD),
        row("a field that nobody asked for", Form::upload().file("0", "x", "x").field("csrf", "x"), Served),
        row("files the other way round", two().file("1", "x", "x").file("0", "y", "y"), Served),
        row("a file without a file's name", Form::upload().field("0", "x"), UserError("BAD_USER_INPUT")),
        row("one file at two places", both(r#"{"0":["variables.f","variables.g"]}"#).file("0", "x", "x"), Served),
        row("an empty file", Form::upload().file("0", "x", ""), Served),
    ]
}

fn operations() -> Vec<Row> {
    let form = |operations: &str, map: &str| {
        Form::new().field("operations", operations).field("map", map).file("0", "x.txt", "x")
    };
    let with = |query: &str, variables| json!({ "query": query, "variables": variables }).to_string();
    let upload =
        |variables| with("mutation($f: Upload!) { upload(input: { file: $f }) { userErrors { code } } }", variables);
    let folder = "mutation($f: String!) { createFolder(input: { name: $f }) { userErrors { code } } }";
    let folder_upload = folder.replace("String!", "Upload!");
    let node = "query($f: ID!) { node(id: $f) { id } }";
    let literal = "mutation { upload(input: { file: \"#__graphql_file__:0\" }) { userErrors { code } } }";
    let default =
        "mutation($g: Upload! = \"#__graphql_file__:0\") { upload(input: { file: $g }) { userErrors { code } } }";
    let batch = format!("[{}]", one_file());
    let forged = |ticket: Value| {
        let query = "mutation($g: Upload!) { upload(input: { file: $g }) { userErrors { code } } }";
        form(&with(query, json!({ "f": null, "g": ticket })), MAP)
    };
    let mut rows = vec![
        row("empty", form("", MAP), BAD),
        row("no JSON", form("{", MAP), BAD),
        row(
            "no UTF-8",
            Form::new()
                .part("Content-Disposition: form-data; name=\"operations\"", b"{\"query\":\"\xff\"}")
                .field("map", MAP),
            BAD,
        ),
        row(
            "UTF-16",
            Form::new().part("Content-Disposition: form-data; name=\"operations\"", b"{\0}\0").field("map", MAP),
            BAD,
        ),
        row("null", form("null", MAP), BAD),
        row("a string", form("\"x\"", MAP), BAD),
        row("deep", form(&"[".repeat(100_000), MAP), BAD),
        row("a batch", form(&batch, r#"{"0":["0.variables.f"]}"#), BAD),
        row("an empty batch", form("[]", "{}"), BAD),
        row("no query", form(r#"{"variables":{"f":null}}"#, MAP), BAD),
        row("no variables", form(r#"{"query":"{ __typename }"}"#, MAP), BAD),
        row(
            "variables a list",
            form(r#"{"query":"{ __typename }","variables":[null]}"#, r#"{"0":["variables.0"]}"#),
            BAD,
        ),
        row("variables null", form(r#"{"query":"{ __typename }","variables":null}"#, MAP), BAD),
        row("a subscription", form(&with("subscription { thumbnailReady { id } }", json!({ "f": null })), MAP), BAD),
        row("over 1 MiB", form(&format!("{}{}", " ".repeat(1 << 20), one_file()), MAP), Refused(413, "BAD_REQUEST")),
        row("a file already there", form(&upload(json!({ "f": "x" })), MAP), BAD),
        row("a number for a file", form(&upload(json!({ "f": 1 })), "{}"), WRONG_VALUE),
        row("an object for a file", form(&upload(json!({ "f": {} })), "{}"), WRONG_VALUE),
        row("a list for a file", form(&upload(json!({ "f": [null] })), r#"{"0":["variables.f.0"]}"#), WRONG_VALUE),
        row("nothing for a file", form(&upload(json!({ "f": null })), "{}"), WRONG_VALUE),
        row("a file for a string", form(&with(folder, json!({ "f": null })), MAP), WRONG_VALUE),
        row("a file for an ID", form(&with(node, json!({ "f": null })), MAP), WRONG_VALUE),
        row("a file for a string, honestly", form(&with(&folder_upload, json!({ "f": null })), MAP), INVALID),
        row("a forged ticket in the document", form(&with(literal, json!({ "f": null })), MAP), INVALID),
        row("a forged ticket in a default", form(&with(default, json!({ "f": null })), MAP), INVALID),
    ];
    for ticket in
        ["#__graphql_file__:0", "#__graphql_file__:99", "0", ":0", "AAAAAAAAAAAAAAAAAAAAAA:0", "variables.f", ""]
    {
        rows.push(row(&format!("a forged ticket, {ticket:?}"), forged(json!(ticket)), WRONG_VALUE));
        let part = json!({ "part": ticket });
        rows.push(row(&format!("a forged ticket, {part}"), forged(part), UserError("BAD_USER_INPUT")));
    }
    rows
}

fn maps() -> Vec<Row> {
    let map = |map: &str| Form::new().field("operations", &one_file()).field("map", map).file("0", "x.txt", "x");
    let mut rows: Vec<Row> = [
        "",
        "{",
        "[]",
        "null",
        "1",
        "\"variables.f\"",
        r#"["variables.f"]"#,
        r#"{"0":"variables.f"}"#,
        r#"{"0":null}"#,
        r#"{"0":1}"#,
        r#"{"0":{"0":"variables.f"}}"#,
        r#"{"0":[["variables.f"]]}"#,
        r#"{"0":[null]}"#,
        r#"{"0":[1]}"#,
        r#"{"0":["variables.f"]} x"#,
        r#"{"0":["variables.f","variables.f"]}"#,
        r#"{"0":["variables.f"],"1":["variables.f"]}"#,
    ]
    .into_iter()
    .map(|text| row(text, map(text), BAD))
    .collect();
    for path in [
        "",
        ".",
        "variables",
        "variables.",
        ".variables.f",
        "variables..f",
        "variables.f.",
        "variables.F",
        "Variables.f",
        "variables[f]",
        "variables.f.0",
        "variables.f.x",
        "variables.f.length",
        "variables.g",
        "variables.__proto__",
        "variables.__proto__.x",
        "variables.constructor.prototype",
        "variables.constructor.prototype.x",
        "variables.f.__proto__",
        "variables.files.4294967295",
        "variables.files.-1",
        "variables.files.length",
        "variables.f.4294967295",
        "operations.variables.f",
        "0.variables.f",
        "0",
        "query",
        "extensions.f",
        "operationName",
        "__proto__.variables.f",
        "variables.f\u{0}",
    ] {
        rows.push(row(&format!("path {path:?}"), map(&json!({ "0": [path] }).to_string()), BAD));
    }
    let many = |count: usize| -> String {
        let query = "mutation($i: UploadManyInput!) { uploadMany(input: $i) { userErrors { code } } }";
        json!({ "query": query, "variables": { "i": { "files": vec![json!({ "file": null }); count] } } }).to_string()
    };
    for index in [
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "-1",
        "-0",
        "00",
        "01",
        "+0",
        "0x0",
        "1e0",
        " 0",
        "length",
        "2",
        "",
    ] {
        let map = json!({ "0": [format!("variables.i.files.{index}.file")] }).to_string();
        let form = Form::new().field("operations", &many(2)).field("map", &map).file("0", "x", "x");
        rows.push(row(&format!("index {index:?}"), form, BAD));
    }
    let entries = |count: usize| -> String {
        let entries: Vec<_> = (0..count).map(|n| format!(r#""{n}":["v.{n}"]"#)).collect();
        format!("{{{}}}", entries.join(","))
    };
    let paths = |count: usize| {
        let paths: Vec<_> = (0..count).map(|n| format!("\"variables.{n}\"")).collect();
        format!("{{\"0\":[{}]}}", paths.join(","))
    };
    let deep = |open: &str| map(&open.repeat(100_000));
    rows.extend([
        row("100,000 entries", map(&entries(100_000)), Refused(413, "BAD_REQUEST")),
        row("50,000 entries", map(&entries(50_000)), BAD),
        row("50,000 paths", map(&paths(50_000)), BAD),
        row("a path of 1 MB", map(&json!({ "0": [format!("variables{}", ".f".repeat(500_000))] }).to_string()), BAD),
        row("a name of 1 MB", map(&json!({ "0".repeat(1_000_000): ["variables.f"] }).to_string()), BAD),
        row("deep lists", deep("["), BAD),
        row("deep objects", deep(r#"{"0":"#), BAD),
        row("11 files", Form::new().field("operations", &many(11)).field("map", &entries(11)), BAD),
        row("no entries", map("{}"), WRONG_VALUE),
        row("no paths", map(r#"{"0":[]}"#), WRONG_VALUE),
    ]);
    rows
}

fn heads() -> Vec<Row> {
    let file = |lines: &str| Form::upload().part(lines, "x");
    let named = |more: &str| file(&format!("Content-Disposition: form-data; name=\"0\"{more}"));
    let lines = |count: usize, line: &str| format!("\r\n{line}").repeat(count);
    vec![
        row("none", Form::upload().raw("--b\r\n\r\nx\r\n"), BAD),
        row("without a disposition", file("Content-Type: text/plain"), BAD),
        row("of an attachment", file("Content-Disposition: attachment; name=\"0\""), BAD),
        row("without a name", file("Content-Disposition: form-data; filename=\"0\""), BAD),
        row("with an empty name", file("Content-Disposition: form-data; name=\"\"; filename=\"0\""), BAD),
        row("with no more than a colon", file(":"), BAD),
        row("without a colon", file("Content-Disposition"), BAD),
        row("that never end", Form::upload().raw(format!("--b\r\nX-A: {}", "x".repeat(100_000))), BAD),
        row("of 9 KiB", named(&format!("; filename=\"{}\"", "x".repeat(9 << 10))), BAD),
        row("of 3,000 lines", named(&lines(3000, "X-A: b")), BAD),
        row(
            "with no UTF-8",
            Form::upload().part("Content-Disposition: form-data; name=\"0\"", "x").raw(b"--b\r\nX: \xff\r\n\r\nx\r\n"),
            BAD,
        ),
        row(
            "with LF alone",
            Form::upload().raw("--b\nContent-Disposition: form-data; name=\"0\"; filename=\"x\"\n\nx\r\n"),
            BAD,
        ),
        row("with a folded name", file("Content-Disposition: form-data;\r\n name=\"0\""), BAD),
        row("with two dispositions", named("; filename=\"x\"\r\nContent-Disposition: form-data; name=\"1\""), BAD),
        row("with two names", named("; name=\"1\"; filename=\"x\""), BAD),
        row("with something behind the boundary", Form::upload().raw("--b x\r\n").file("0", "x", "x"), BAD),
        row("of 900 lines", named(&format!("; filename=\"x\"{}", lines(900, "A: b"))), Served),
        row(
            "of a nested multipart body",
            named("; filename=\"x\"\r\nContent-Type: multipart/mixed; boundary=c"),
            Served,
        ),
        row("with a file name from another system", named("; filename=\"..\\..\\boot.ini\""), Served),
        row("with a path for a file name", named("; filename=\"../../../etc/passwd\""), Served),
        row("with a broken filename*", named("; filename=\"x.txt\"; filename*=UTF-8''%ff%zz"), Served),
        row("with a filename* in another alphabet", named("; filename=\"x.txt\"; filename*=KOI8-R''%c1"), Served),
        row("with an endless quote", named("; filename=\"x.txt"), Served),
        row("with an empty file name", named("; filename=\"\""), UserError("BAD_USER_INPUT")),
        row("with dots for a file name", named("; filename=\"..\""), UserError("BAD_USER_INPUT")),
        row("with a NUL in the file name", named("; filename=\"a\0b\""), UserError("BAD_USER_INPUT")),
        row("with a line break in the file name", named("; filename=\"a%0D%0Ab\""), UserError("BAD_USER_INPUT")),
        row(
            "with a very long file name",
            named(&format!("; filename=\"{}\"", "x".repeat(4000))),
            UserError("BAD_USER_INPUT"),
        ),
    ]
}

fn media_types(world: &World) -> Vec<(String, Vec<u8>, Expected)> {
    let body = || Form::upload().file("0", "x", "x").body();
    let mut rows: Vec<_> = [
        ("multipart/form-data", BAD),
        ("multipart/form-data;", BAD),
        ("multipart/form-data; boundary", BAD),
        ("multipart/form-data; boundary=", BAD),
        ("multipart/form-data; boundary=\"\"", BAD),
        ("multipart/form-data; boundary=c", BAD),
        ("multipart/form-data; boundary=B", BAD),
        ("multipart/form-data; boundary=--b", BAD),
        ("multipart/form-data; boundary=\"b\\\"", BAD),
        ("multipart/form-data; boundary=\"b c \"", BAD),
        ("multipart/form-data; boundary=<b>", BAD),
        ("multipart/form-data; boundary=b; boundary=c", BAD),
        ("multipart/mixed; boundary=b", Refused(415, "BAD_REQUEST")),
        ("multipart/related; boundary=b", Refused(415, "BAD_REQUEST")),
        ("multipart/*; boundary=b", Refused(415, "BAD_REQUEST")),
        ("MULTIPART/FORM-DATA; BOUNDARY=b", Served),
        ("multipart/form-data; charset=utf-8; boundary=\"b\"", Served),
    ]
    .map(|(media_type, expected)| (media_type.to_owned(), post(world, media_type, &[], &body()), expected))
    .into();
    let plain = "multipart/form-data; boundary=b";
    let long = format!("multipart/form-data; boundary={}", "b".repeat(71));
    rows.push(("a boundary of 71 letters".to_owned(), post(world, &long, &[], &body()), BAD));
    for more in [plain, "application/json"] {
        let twice = post(world, plain, &[("Content-Type", more)], &body());
        rows.push((format!("two, {more}"), twice, BAD));
    }
    let compressed = post(world, plain, &[("Content-Encoding", "gzip")], &body());
    rows.push(("compressed".to_owned(), compressed, Refused(415, "BAD_REQUEST")));
    rows
}

fn bodies(world: &World) -> Vec<(&'static str, Vec<u8>, Expected)> {
    let plain = "multipart/form-data; boundary=b";
    let send = |body: &[u8]| post(world, plain, &[], body);
    let good = || Form::upload().file("0", "x", "x").body();
    let text = String::from_utf8(good()).unwrap();
    let in_chunks = |size| post(world, plain, &[("Transfer-Encoding", "chunked")], &chunked(&good(), size));
    vec![
        ("nothing", send(b""), BAD),
        ("no boundary", send(&[b'x'; 100_000]), BAD),
        ("30 MiB without a boundary", send(&vec![b'x'; 30 << 20]), BAD),
        ("only line breaks", send(&b"\r\n".repeat(10_000)), BAD),
        ("only dashes", send(&[b'-'; 10_000]), BAD),
        ("only boundaries", send(&b"--b\r\n".repeat(10_000)), BAD),
        ("only the last boundary", send(b"--b--\r\n"), BAD),
        ("LF alone", send(text.replace("\r\n", "\n").as_bytes()), BAD),
        ("CR alone", send(text.replace("\r\n", "\r").as_bytes()), BAD),
        ("JSON", send(one_file().as_bytes()), BAD),
        ("a preamble of 9 KiB", send(&[&[b'x'; 9 << 10], b"\r\n".as_slice(), &good()].concat()), BAD),
        ("without its last boundary", send(text.strip_suffix("--b--\r\n").unwrap().as_bytes()), BAD),
        (
            "announced as too much",
            post(world, plain, &[("Content-Length", "1050673153")], b""),
            Refused(413, "FILE_TOO_LARGE"),
        ),
        ("a preamble", send(&[b"This is a multipart message.\r\n", good().as_slice()].concat()), Served),
        ("an epilogue of 3 MiB", send(&[good().as_slice(), &vec![b'x'; 3 << 20]].concat()), Served),
        ("an epilogue that looks like a file", send(&[good().as_slice(), &good()].concat()), Served),
        ("in chunks of a byte", in_chunks(1), Served),
        ("in chunks of 7 bytes", in_chunks(7), Served),
    ]
}

/// Where a body can break off, as bytes of the whole.
fn places(body: &str) -> Vec<(&'static str, usize)> {
    let after = |text: &str| body.find(text).unwrap() + text.len();
    vec![
        ("before the first boundary", 1),
        ("behind the first boundary", 3),
        ("within a header", 20),
        ("behind the head of the operations", after("\r\n\r\n")),
        ("within the operations", after("\"query\"")),
        ("behind the operations", body.find("\r\n--b\r\n").unwrap()),
        ("behind the second boundary", body.find("\r\n--b\r\n").unwrap() + 7),
        ("within the map", after("{\"0\":[")),
        ("behind the map", after("[\"variables.f\"]}")),
        ("within the head of the file", after("filename=")),
        ("behind the head of the file", after("text/plain\r\n\r\n")),
        ("within the file", after("text/plain\r\n\r\nlong")),
        ("before the last boundary", body.len() - "--b--\r\n".len()),
        ("within the last boundary", body.len() - "-\r\n".len()),
    ]
}

fn cuts(world: &World) -> Vec<(String, Way, Expected)> {
    let whole = Form::upload().file("0", "x.txt", format!("long {}", "x".repeat(300_000))).body();
    let text = String::from_utf8(whole.clone()).unwrap();
    let length = text.len().to_string();
    let media_type = "multipart/form-data; boundary=b";
    let mut rows = Vec::new();
    for (place, end) in places(&text) {
        let cut = &whole[..end];
        let announced = |cut| post(world, media_type, &[("Content-Length", &length)], cut);
        let in_chunks = post(world, media_type, &[("Transfer-Encoding", "chunked")], &chunked(cut, 10_000));
        let half = in_chunks[..in_chunks.len() - 5].to_vec();
        rows.push((format!("{place}, and over"), Way::Http(post(world, media_type, &[], cut)), BAD));
        rows.push((format!("{place}, over in chunks"), Way::Http(in_chunks), BAD));
        rows.push((format!("{place}, and silent"), Way::CutOff(announced(cut)), BAD));
        rows.push((format!("{place}, silent in chunks"), Way::CutOff(half), BAD));
        rows.push((format!("{place}, and away"), Way::Abandoned(announced(cut)), Ended));
    }
    let small = Form::upload().file("0", "x.txt", "x").request(world);
    rows.push(("nowhere, byte by byte".to_owned(), Way::ByteByByte(small), Served));
    let longer = Form::upload().file("0", "x.txt", "x").body();
    let longer = post(
        world,
        media_type,
        &[("Content-Length", &longer.len().to_string())],
        &[&longer, b"more".as_slice()].concat(),
    );
    rows.push(("beyond its length".to_owned(), Way::Once(longer), Served));
    rows
}

/// Who may not upload is told before the body is read, and can read it after having sent everything.
fn credentials(world: &World) -> Vec<(String, Vec<u8>, Expected)> {
    let body = Form::upload().file("0", "x", vec![b'x'; 20 << 20]).body();
    let media_type = ("Content-Type", "multipart/form-data; boundary=b");
    let preflight = ("GraphQL-Preflight", "1");
    let nobody = Refused(401, "UNAUTHENTICATED");
    let mut rows = vec![
        ("nobody, 20 MiB".to_owned(), request("POST /graphql", &[media_type, preflight], &body), nobody),
        ("without a preflight header, 20 MiB".to_owned(), request("POST /graphql", &[media_type], &body), BAD),
        (
            "nobody, in chunks".to_owned(),
            request(
                "POST /graphql",
                &[media_type, preflight, ("Transfer-Encoding", "chunked")],
                chunked(&body, 60_000),
            ),
            nobody,
        ),
        (
            "nobody who asks first".to_owned(),
            request(
                "POST /graphql",
                &[media_type, preflight, ("Expect", "100-continue"), ("Content-Length", "1000")],
                "",
            ),
            nobody,
        ),
        (
            "nobody, without a body".to_owned(),
            request("POST /graphql", &[media_type, preflight, ("Content-Length", "1000000")], ""),
            nobody,
        ),
    ];
    for (what, token) in &world.bad_tokens {
        let bearer = format!("Bearer {token}");
        let headers = [media_type, ("Authorization", bearer.as_str()), ("Content-Length", "1000000")];
        rows.push((format!("a token: {what}"), request("POST /graphql", &headers, ""), nobody));
    }
    rows
}
