//! The head of a request: what is noticed while it comes, and what is asked of it before any route sees it.

use axum::http::{
    HeaderMap, Method, StatusCode, Version, header,
    request::Parts,
    uri::{Authority, Uri},
};
use tokio::time::Instant;

use crate::http::request::Problem;

/// The longest of the names that matter here, with its colon.
const LONGEST: usize = "transfer-encoding:".len();

/// What hyper does not tell of a head: when it began, how far it got, and whether it states its length in two ways.
#[derive(Debug)]
pub struct Head {
    /// When its first byte came; of the first on a connection, when the connection was made.
    pub since: Instant,
    stage: Stage,
    has_length: bool,
    has_coding: bool,
    /// How the present line begins, in lower case.
    beginning: [u8; LONGEST],
    /// How long the present line is by now.
    length: usize,
}

/// How much of a head has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Nothing,
    RequestLine,
    Headers,
    Everything,
}

impl Head {
    /// Nothing has come yet.
    pub fn new(since: Instant) -> Self {
        Self { since, stage: Stage::Nothing, has_length: false, has_coding: false, beginning: [0; LONGEST], length: 0 }
    }

    /// More has come; behind the end of the head it may be anything.
    pub fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.stage = self.stage.max(Stage::RequestLine);
            match byte {
                _ if self.stage == Stage::Everything => return,
                b'\r' => {}
                b'\n' => self.end_line(),
                _ => {
                    if let Some(place) = self.beginning.get_mut(self.length) {
                        *place = byte.to_ascii_lowercase();
                    }
                    self.length += 1;
                }
            }
        }
    }

    fn end_line(&mut self) {
        let beginning = &self.beginning[..self.length.min(LONGEST)];
        if self.stage == Stage::RequestLine {
            // Empty lines before a request are skipped (RFC 9112 section 2.2). When what came before was read along with
            // the previous request, this line is the rest of one.
            if !beginning.is_empty() {
                self.stage = Stage::Headers;
            }
        } else if beginning.is_empty() {
            self.stage = Stage::Everything;
        } else {
            self.has_length |= beginning.starts_with(b"content-length:");
            self.has_coding |= beginning.starts_with(b"transfer-encoding:");
        }
        self.length = 0;
    }

    /// Whether something of it has come.
    pub fn has_begun(&self) -> bool {
        self.stage > Stage::Nothing
    }

    /// Whether its first line is still coming.
    pub fn is_in_request_line(&self) -> bool {
        self.stage <= Stage::RequestLine
    }

    /// Whether it has both a `Content-Length` and a `Transfer-Encoding`: servers in a row that each believe another of the
    /// two see different requests. hyper goes by the second and tells nobody of the first. What came in one piece with the
    /// request before is not seen here; hyper closes the connection behind such a request.
    pub fn has_two_lengths(&self) -> bool {
        self.has_length && self.has_coding
    }
}

/// What is wrong with a head that could be read.
pub fn check(parts: &Parts) -> Result<(), Problem> {
    check_target(&parts.method, &parts.uri)?;
    check_host(parts.version, &parts.headers)?;
    let mut codings = parts.headers.get_all(header::TRANSFER_ENCODING).iter();
    if codings.next().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        || codings.next().is_some()
    {
        let message = "The only Transfer-Encoding that is understood is chunked.";
        return Err(Problem::refused(StatusCode::NOT_IMPLEMENTED, message));
    }
    // Who speaks HTTP/1.0 cannot expect anything (RFC 9110 section 10.1.1).
    let expected = parts.headers.get_all(header::EXPECT).iter().filter(|_| parts.version > Version::HTTP_10);
    for expectation in expected {
        if !expectation.as_bytes().eq_ignore_ascii_case(b"100-continue") {
            let message = "The only Expect that can be met is 100-continue.";
            return Err(Problem::refused(StatusCode::EXPECTATION_FAILED, message));
        }
    }
    Ok(())
}

/// RFC 9112 section 3.2: a path, a whole URL, or `*`.
fn check_target(method: &Method, uri: &Uri) -> Result<(), Problem> {
    if method == Method::CONNECT {
        return Err(Problem::method("GET, HEAD, POST, OPTIONS", "This is no proxy."));
    }
    let fits = match uri.scheme_str() {
        Some(scheme) => matches!(scheme, "http" | "https"),
        None if uri.path() == "*" => method == Method::OPTIONS,
        None => uri.authority().is_none() && uri.path().starts_with('/'),
    };
    if fits {
        Ok(())
    } else {
        Err(Problem::bad_request("The target of the request is neither a path nor an http URL."))
    }
}

/// RFC 9112 section 3.2: once in HTTP/1.1, at most once in HTTP/1.0, and the name of a host.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let message = match (hosts.next(), hosts.next()) {
        (None, _) if version > Version::HTTP_10 => "The header Host is missing.",
        (Some(_), Some(_)) => "The request has two headers Host.",
        (Some(host), None) if !is_host(host.as_bytes()) => "The header Host names no host.",
        _ => return Ok(()),
    };
    Err(Problem::bad_request(message))
}

/// Empty where the target has no host either.
fn is_host(host: &[u8]) -> bool {
    host.is_empty() || (!host.contains(&b'@') && Authority::try_from(host).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(pieces: &[&str]) -> Head {
        let mut head = Head::new(Instant::now());
        for piece in pieces {
            head.read(piece.as_bytes());
        }
        head
    }

    #[test]
    fn two_lengths_are_noticed_in_whatever_pieces_they_come() {
        let text = "\r\nPOST / HTTP/1.1\r\nHost: x\r\ntransfer-ENCODING: chunked\r\nContent-Length:5\r\n\r\n";
        assert!(head(&[text]).has_two_lengths());
        for middle in 0..text.len() {
            assert!(head(&[&text[..middle], &text[middle..]]).has_two_lengths(), "{middle}");
        }
    }

    #[test]
    fn one_length_is_not_two_whatever_stands_elsewhere() {
        for text in [
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX: Content-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nX-Transfer-Encoding: chunked\r\n\r\n",
            "Content-Length: / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\nContent-Length: 5\n\nTransfer-Encoding: chunked\n\n",
        ] {
            assert!(!head(&[text]).has_two_lengths(), "{text}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in ["", "x", "files.example.org:4000", "127.0.0.1", "[::1]:4000"] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in ["a b", "user@x", "x/y", "http://x", "x,y z", "\u{e4}"] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}
