//! Reads a multipart body (RFC 2046 section 5.1) part by part, in bounded memory: one read of the socket, and a part's head.

use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use memchr::memmem::{Finder, find};

use super::head::PartHead;

/// The most bytes before the first part, and of the head of a part.
const HEAD_BYTES: usize = 8 * 1024;

/// Why no more can be read.
#[derive(Debug)]
pub enum Fault {
    /// The body is no multipart body as it should be. A sentence for people.
    Malformed(&'static str),
    /// The body passed its limit.
    TooLarge,
    /// The body broke off, or came too slowly.
    Body(axum::Error),
}

/// Reads parts.
pub struct Reader {
    body: Body,
    buffer: BytesMut,
    /// What ends a part: a line break, two dashes, the boundary.
    delimiter: Finder<'static>,
    state: State,
    bytes: u64,
    max_bytes: u64,
    parts: usize,
    max_parts: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first part.
    Preamble,
    /// Within the content of a part.
    Content,
    /// Right behind a delimiter.
    Delimiter,
    /// Behind the last part.
    End,
}

impl Reader {
    /// Over a body of at most this many bytes and parts.
    #[must_use]
    pub fn new(body: Body, boundary: &str, max_bytes: u64, max_parts: usize) -> Self {
        let delimiter = Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned();
        // The first delimiter may stand at the very beginning, without its line break.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Self { body, buffer, delimiter, state: State::Preamble, bytes: 0, max_bytes, parts: 0, max_parts }
    }

    /// Skips what is left of the present part, and reads the head of the next. `None`: that was the last one, and the
    /// body is over.
    pub async fn next_part(&mut self) -> Result<Option<PartHead>, Fault> {
        if self.state == State::Preamble {
            self.skip_preamble().await?;
        }
        while self.state == State::Content {
            self.chunk().await?;
        }
        if self.state == State::End || self.is_last().await? {
            self.state = State::End;
            self.buffer.clear();
            while self.fill().await? {
                self.buffer.clear();
            }
            return Ok(None);
        }
        self.parts += 1;
        if self.parts > self.max_parts {
            return Err(Fault::Malformed("The request has too many parts."));
        }
        let head = self.head().await?;
        self.state = State::Content;
        Ok(Some(head))
    }

    /// The next bytes of the present part. `None`: they were the last.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        if self.state != State::Content {
            return Ok(None);
        }
        loop {
            // Bytes that cannot belong to a delimiter.
            let (content, ends) = match self.delimiter.find(&self.buffer) {
                Some(at) => (at, true),
                None => (self.buffer.len().saturating_sub(self.delimiter.needle().len() - 1), false),
            };
            if content > 0 {
                return Ok(Some(self.buffer.split_to(content).freeze()));
            }
            if ends {
                self.pass_delimiter();
                return Ok(None);
            }
            self.more().await?;
        }
    }

    async fn skip_preamble(&mut self) -> Result<(), Fault> {
        let delimiter = self.delimiter.clone();
        let at = self.come_upon(&delimiter).await?.ok_or(Fault::Malformed("The boundary does not come."))?;
        self.buffer.advance(at);
        self.pass_delimiter();
        Ok(())
    }

    /// Reads on until the buffer holds this. `None`: it does not begin within the first `HEAD_BYTES`, however the bytes
    /// came.
    async fn come_upon(&mut self, wanted: &Finder<'_>) -> Result<Option<usize>, Fault> {
        let overlap = wanted.needle().len() - 1;
        // Up to here nothing was found; bytes that come one by one are not searched over and over.
        let mut searched = 0;
        loop {
            if let Some(at) = wanted.find(&self.buffer[searched..]) {
                return Ok(Some(searched + at).filter(|&at| at <= HEAD_BYTES));
            }
            if self.buffer.len() > HEAD_BYTES + overlap {
                return Ok(None);
            }
            searched = self.buffer.len().saturating_sub(overlap);
            self.more().await?;
        }
    }

    fn pass_delimiter(&mut self) {
        self.buffer.advance(self.delimiter.needle().len());
        self.state = State::Delimiter;
    }

    /// Whether the delimiter that was just passed is the closing one, with two more dashes.
    async fn is_last(&mut self) -> Result<bool, Fault> {
        while self.buffer.len() < 2 {
            self.more().await?;
        }
        Ok(self.buffer.starts_with(b"--"))
    }

    /// The line of the delimiter, empty but for blanks, then header lines up to an empty one.
    async fn head(&mut self) -> Result<PartHead, Fault> {
        let end = self.come_upon(&Finder::new(b"\r\n\r\n")).await?;
        let end = end.ok_or(Fault::Malformed("The head of a part is too long."))?;
        let head = self.buffer.split_to(end + 4);
        let line = find(&head, b"\r\n").unwrap_or(end);
        if !head[..line].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return Err(Fault::Malformed("Something stands behind the boundary."));
        }
        PartHead::parse(&head[line..end]).map_err(Fault::Malformed)
    }

    /// Reads on; the body must not end here.
    async fn more(&mut self) -> Result<(), Fault> {
        if self.fill().await? { Ok(()) } else { Err(Fault::Malformed("The body ends before its last boundary.")) }
    }

    /// Reads once. `false`: the body is over.
    async fn fill(&mut self) -> Result<bool, Fault> {
        let Some(frame) = self.body.frame().await else { return Ok(false) };
        if let Some(bytes) = frame.map_err(Fault::Body)?.data_ref() {
            self.bytes += bytes.len() as u64;
            if self.bytes > self.max_bytes {
                return Err(Fault::TooLarge);
            }
            self.buffer.extend_from_slice(bytes);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const LIMIT: u64 = 1 << 20;

    /// A body that comes in pieces of this size.
    fn body(text: &[u8], size: usize) -> Body {
        let pieces: Vec<_> =
            text.chunks(size).map(|piece| Ok::<_, axum::Error>(Bytes::copy_from_slice(piece))).collect();
        Body::from_stream(stream::iter(pieces))
    }

    async fn read(mut reader: Reader) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let mut parts = Vec::new();
        while let Some(head) = reader.next_part().await? {
            let mut content = Vec::new();
            while let Some(bytes) = reader.chunk().await? {
                content.extend_from_slice(&bytes);
            }
            parts.push((head.name, content));
        }
        Ok(parts)
    }

    fn part(name: &str, content: &str) -> String {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
    }

    #[tokio::test]
    async fn parts_are_the_same_however_they_are_cut() {
        let tricky = "\r\n--\r\n-B\r\n--C\r\r\n\n--B\r";
        let text = format!("{}{}{}--B--\r\nepilogue", part("a", ""), part("b", tricky), part("c", "\r\n"));
        let expected: Vec<(String, Vec<u8>)> =
            [("a", ""), ("b", tricky), ("c", "\r\n")].map(|(name, text)| (name.to_owned(), text.into())).into();
        for size in 1..text.len() {
            let parts = read(Reader::new(body(text.as_bytes(), size), "B", LIMIT, 3)).await.unwrap();
            assert_eq!(parts, expected, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn what_is_not_read_is_skipped() {
        let text = format!("preamble\r\n{}{}--B--", part("a", &"x".repeat(1000)), part("b", "y"));
        let mut reader = Reader::new(body(text.as_bytes(), 100), "B", LIMIT, 3);
        assert_eq!(reader.next_part().await.unwrap().unwrap().name, "a");
        assert_eq!(reader.next_part().await.unwrap().unwrap().name, "b");
        assert_eq!(reader.next_part().await.unwrap(), None);
        assert_eq!(reader.next_part().await.unwrap(), None);
    }

    #[tokio::test]
    async fn blanks_behind_the_boundary_are_padding() {
        let text = "--B \t\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--B--";
        assert_eq!(read(Reader::new(body(text.as_bytes(), 1), "B", LIMIT, 3)).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused_wherever_it_does() {
        let text = format!("{}{}--B--", part("a", "x"), part("b", "y"));
        for end in 0..text.len() {
            let cut = read(Reader::new(body(&text.as_bytes()[..end], 7), "B", LIMIT, 3)).await;
            assert!(matches!(cut, Err(Fault::Malformed(_))), "after {end} bytes");
        }
    }

    #[tokio::test]
    async fn nothing_grows_without_bound() {
        let long = "x".repeat(HEAD_BYTES + 1);
        let head = format!("--B\r\nContent-Disposition: form-data; name=\"{long}\"\r\n\r\n\r\n--B--");
        let preamble = format!("{long}\r\n{}--B--", part("a", ""));
        let four = format!("{}--B--", part("a", "x").repeat(4));
        for text in [head, preamble, four] {
            let read = read(Reader::new(body(text.as_bytes(), 1000), "B", LIMIT, 3)).await;
            assert!(matches!(read, Err(Fault::Malformed(_))), "{}", &text[..40]);
        }
        let text = format!("{}--B--", part("a", &"x".repeat(1000)));
        let large = read(Reader::new(body(text.as_bytes(), 100), "B", 500, 3)).await;
        assert!(matches!(large, Err(Fault::TooLarge)));
    }

    #[tokio::test]
    async fn the_longest_head_and_preamble_pass_however_they_are_cut() {
        let open = "\r\nContent-Disposition: form-data; name=a\r\nX: ";
        for (length, passes) in [(HEAD_BYTES - 1, true), (HEAD_BYTES, true), (HEAD_BYTES + 1, false)] {
            let head = format!("--B{open}{}\r\n\r\nx\r\n--B--", "x".repeat(length - open.len()));
            // What the delimiter begins with is its own line break, and one stands before the body by itself.
            let preamble = format!("{}\r\n{}--B--", "x".repeat(length - 2), part("a", "x"));
            for text in [head, preamble] {
                for size in [1, 2, 3, 4, 5, 6, 4096, text.len()] {
                    let read = read(Reader::new(body(text.as_bytes(), size), "B", LIMIT, 3)).await;
                    assert_eq!(read.is_ok(), passes, "{length} in pieces of {size}: {read:?}");
                }
            }
        }
    }

    #[tokio::test]
    async fn something_behind_the_boundary_is_refused() {
        let text = "--Bx\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--";
        assert!(read(Reader::new(body(text.as_bytes(), 100), "B", LIMIT, 3)).await.is_err());
    }
}
