//! `/files/{id}`: IDs, signatures and ranges that are none. To strangers all of them are one and the same 404.

use super::{
    case::{
        Case,
        Expected::{self, Refused, Status},
        over_http,
    },
    wire::{Connection, Response, request},
    world::World,
};

const NOT_FOUND: Expected = Refused(404, "NOT_FOUND");

pub fn cases(world: &World) -> Vec<Case> {
    let mut cases = over_http(
        "a download",
        strange_paths(world).into_iter().map(|path| (shown(&path), get(&path, &[]), NOT_FOUND)),
    );
    cases.extend(over_http("a download with a token", credentials(world)));
    cases.extend(over_http("a download", conditions(world)));
    cases
}

fn get(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request(&format!("GET {path}"), headers, "")
}

fn shown(path: &str) -> String {
    path.chars().take(60).collect()
}

/// What nobody may see, or nobody has.
fn strange_paths(world: &World) -> Vec<String> {
    let (file, signed) = (&world.file, &world.signed);
    let mut paths: Vec<_> = [
        "f_AAAAAAAAAAAAAAAAAAAAAA",
        "nonsense",
        ".",
        "..%2f",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%00",
        "%ff%fe",
        "f_AAAAAAAAAAAAAAAAAAAAAA%00.jpg",
        "%",
        "%zz",
        "f_",
        "u_AAAAAAAAAAAAAAAAAAAAAA",
        "$",
        "f_%24ne",
        "%0d%0aX-A:%20b",
        "f_AAAAAAAAAAAAAAAAAAAAAA%2fx",
        "C:%5cboot.ini",
        "*",
        "null",
        "-1",
    ]
    .iter()
    .map(|id| format!("/files/{id}"))
    .collect();
    paths.push(format!("/files/{}", "x".repeat(60_000)));
    paths.push(format!("/files/{file}"));
    paths.push(format!("/files/{}", world.foreign));
    paths.push(format!("/files/{}", world.folder));
    paths.push(format!("/files/{}", world.user.id));
    paths.push(format!("/files/{}", file.to_uppercase()));
    let queries = [
        "size=SMALL",
        "size=HUGE",
        "size=small&size=small",
        "disposition=inline",
        "disposition=../x",
        "signature=x",
        "expires=9999999999&signature=x",
        "expires=-1&signature=x",
        "expires=NaN&signature=x",
        "expires=1e99&signature=x",
        "expires=99999999999999999999&signature=x",
        "expires=0&signature=",
        "%00",
        "%ff=%ff",
        "[]",
        "&&&&",
        "signature",
    ];
    paths.extend(queries.iter().map(|query| format!("/files/{file}?{query}")));
    paths.push(format!("/files/{file}?{}", "a=b&".repeat(15_000)));
    paths.push(format!("/files/{file}?signature={}", "x".repeat(60_000)));
    let without_signature = signed.split("&signature").next().unwrap();
    paths.extend([
        without_signature.to_owned(),
        signed.replace("signature=", "signature=A"),
        signed[..signed.len() - 1].to_owned(),
        format!("{signed}A"),
        format!("{signed}%00"),
        format!("{signed}&size=SMALL"),
        format!("{signed}&disposition=attachment"),
        format!("{signed}&{}", signed.split_once('?').unwrap().1),
        signed.replace("expires=1", "expires=2"),
        signed.replace("disposition=inline", "disposition=attachment"),
        signed.replace(file.as_str(), &world.foreign),
    ]);
    paths
}

fn credentials(world: &World) -> Vec<(String, Vec<u8>, Expected)> {
    let path = format!("/files/{}", world.file);
    let mut rows: Vec<_> = world
        .bad_tokens
        .iter()
        .map(|(what, token)| {
            ((*what).to_owned(), get(&path, &[("Authorization", &format!("Bearer {token}"))]), NOT_FOUND)
        })
        .collect();
    let others = format!("/files/{}", world.foreign);
    rows.push(("of another user".to_owned(), get(&others, &[("Authorization", &world.bearer())]), NOT_FOUND));
    rows.push(("of its owner".to_owned(), get(&path, &[("Authorization", &world.bearer())]), Status(200)));
    rows
}

fn conditions(world: &World) -> Vec<(String, Vec<u8>, Expected)> {
    let with = |name: &str, value: &str, expected| {
        let name_shown = format!("{name}: {}", shown(value));
        (name_shown, get(&world.signed, &[(name, value)]), expected)
    };
    let many = format!("bytes={}", "0-1,".repeat(10_000));
    let tags = "\"x\",".repeat(10_000);
    let unsatisfiable = Refused(416, "BAD_REQUEST");
    let mut rows = vec![
        with("Range", "bytes=10-", unsatisfiable),
        with("Range", "bytes=99999999999999999999-", unsatisfiable),
        with("Range", "bytes=-0", unsatisfiable),
        with("Range", "bytes=0-99999999999999999999", Status(206)),
        with("Range", "bytes=-99999999999999999999", Status(206)),
        with("If-Match", "\"x\"", Refused(412, "BAD_REQUEST")),
        with("If-Match", &tags, Refused(412, "BAD_REQUEST")),
        with("If-None-Match", &tags, Status(200)),
        with("If-None-Match", "*", Status(304)),
    ];
    for range in
        ["bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=2-1", "bytes=1-2-3", "bytes=0x1-2", "lines=0-1", &many]
    {
        rows.push(with("Range", range, Status(200)));
    }
    for (name, value) in [
        ("If-Modified-Since", "yesterday"),
        ("If-Modified-Since", "Mon, 99 Foo 9999 99:99:99 GMT"),
        ("If-Unmodified-Since", "\u{0}x".trim_start_matches('\0')),
        ("If-Range", "nonsense"),
        ("If-None-Match", "\"never closed"),
        ("If-None-Match", "W/"),
    ] {
        rows.push(with(name, value, Status(200)));
    }
    rows
}

/// What is told apart among answers that have to be one and the same, their IDs and dates aside.
pub async fn differences(world: &World) -> Vec<String> {
    let mut faces = Vec::new();
    for path in strange_paths(world) {
        let mut connection = Connection::open(world.address).await.unwrap();
        connection.write(&get(&path, &[])).await.unwrap();
        let response = connection.answer(false).await;
        faces.push((shown(&path), response.map_or_else(|error| error.to_string(), |response| face(&response))));
    }
    let unknown = faces[0].1.clone();
    let others = faces.into_iter().filter(|(_, face)| *face != unknown);
    others.map(|(path, face)| format!("{path} is told apart: {face}")).collect()
}

fn face(response: &Response) -> String {
    let id = response.header("x-request-id").to_owned();
    let date = response.header("date").to_owned();
    format!("{response:?}").replace(&id, "ID").replace(&date, "DATE")
}
