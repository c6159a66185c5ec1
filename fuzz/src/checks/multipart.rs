//! What holds whatever multipart body comes: the same parts however it is cut, and those that a plain reading of the whole
//! body finds. The input: a byte for the size of the pieces, a line with the boundary, and the body.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use serde_json::Value;
use strongroom::http::multipart::{Fault, FileMap, PartHead, Reader, is_boundary};

/// Of the whole body; more than any input has.
const MAX_BYTES: u64 = 1 << 20;
const MAX_PARTS: usize = 5;
/// Of a preamble and of a head.
const HEAD_BYTES: usize = 8 * 1024;

type Parts = Vec<(PartHead, Vec<u8>)>;

/// Reads the body in pieces of several sizes.
pub fn check(input: &[u8]) {
    let Some((&size, input)) = input.split_first() else { return };
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(0);
    let boundary = std::str::from_utf8(&input[..end]).ok().filter(|boundary| is_boundary(boundary)).unwrap_or("B");
    let body = input.get(end + 1..).unwrap_or_default();
    let expected = whole(body, boundary);
    let mixed = body.iter().map(|&byte| usize::from(byte)).chain([1]);
    for sizes in [vec![body.len()], vec![1], vec![usize::from(size)], mixed.collect()] {
        let read = read(body, &sizes, boundary);
        assert_eq!(read.as_ref().ok(), expected.as_ref(), "in pieces of {:?}", &sizes[..sizes.len().min(8)]);
        assert!(!matches!(read, Err(Fault::TooLarge | Fault::Body(_))), "{read:?}");
    }
    if let Some(parts) = expected {
        fill(&parts);
    }
}

/// A body that comes in pieces of these sizes, over and over.
fn in_pieces(body: &[u8], sizes: &[usize]) -> Body {
    let (mut rest, mut pieces) = (body, Vec::new());
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        // An empty piece now and then is allowed.
        let size = sizes.next().map_or(1, |&size| size.min(rest.len()));
        let (piece, more) = rest.split_at(size.max(usize::from(pieces.len() % 2 == 1)).min(rest.len()));
        pieces.push(Ok::<_, Infallible>(Bytes::copy_from_slice(piece)));
        rest = more;
    }
    Body::from_stream(stream::iter(pieces))
}

fn read(body: &[u8], sizes: &[usize], boundary: &str) -> Result<Parts, Fault> {
    let mut reader = Reader::new(in_pieces(body, sizes), boundary, MAX_BYTES, MAX_PARTS);
    let reading = async {
        let mut parts = Vec::new();
        while let Some(head) = reader.next_part().await? {
            let mut content = Vec::new();
            while let Some(bytes) = reader.chunk().await? {
                assert!(!bytes.is_empty());
                content.extend_from_slice(&bytes);
            }
            parts.push((head, content));
        }
        assert!(reader.chunk().await?.is_none() && reader.next_part().await?.is_none());
        Ok(parts)
    };
    reading.now_or_never().expect("all of the body is there")
}

/// The same by the book, with the whole body at hand.
fn whole(body: &[u8], boundary: &str) -> Option<Parts> {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let body = [b"\r\n", body].concat();
    let find = |from: usize, what: &[u8]| {
        body[from..].windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let mut parts = Vec::new();
    let mut at = find(0, &delimiter).filter(|&at| at <= HEAD_BYTES)? + delimiter.len();
    loop {
        match body.get(at..at + 2)? {
            b"--" => return Some(parts),
            _ if parts.len() == MAX_PARTS => return None,
            _ => {}
        }
        let end = find(at, b"\r\n\r\n").filter(|&end| end - at <= HEAD_BYTES)?;
        let line = find(at, b"\r\n")?;
        if body[at..line].iter().any(|byte| !b" \t".contains(byte)) {
            return None;
        }
        let head = PartHead::parse(&body[line..end]).ok()?;
        let content = find(end + 4, &delimiter)?;
        parts.push((head, body[end + 4..content].to_vec()));
        at = content + delimiter.len();
    }
}

/// Takes the first two parts for `operations` and `map`.
fn fill(parts: &Parts) {
    let [(_, operations), (_, map), ..] = parts.as_slice() else { return };
    let Ok(map) = FileMap::parse(map, 10, 100) else { return };
    let Ok(operations) = serde_json::from_slice::<Value>(operations) else { return };
    let mut filled = operations.clone();
    match map.fill(&mut filled, |index| format!("ticket {index}").into()) {
        Ok(()) => {
            let (before, after) = (operations.to_string(), filled.to_string());
            // Each place had a null, and has a ticket now.
            let places = after.matches("\"ticket ").count() - before.matches("\"ticket ").count();
            assert_eq!(after.len() - before.len(), places * ("\"ticket 0\"".len() - "null".len()), "{before} {after}");
        }
        Err(reason) => assert!(reason.len() < 1000, "{reason}"),
    }
}
