//! One bad input and what it has to get.

/// What is sent, how, and what has to come back.
pub struct Case {
    pub name: String,
    pub way: Way,
    pub expected: Expected,
}

/// A way of sending.
pub enum Way {
    /// An HTTP request, and after its answer an ordinary one on the same connection, if that is still there.
    Http(Vec<u8>),
    /// The same, byte by byte.
    ByteByByte(Vec<u8>),
    /// The connection is not used again: what was sent leaves something over.
    Once(Vec<u8>),
    /// The client ends its side of the connection, and waits for the answer.
    CutOff(Vec<u8>),
    /// The client goes away.
    Abandoned(Vec<u8>),
    /// Frames on a WebSocket.
    Socket(Socket),
}

/// A WebSocket.
pub struct Socket {
    /// How many others this user has open.
    pub others: usize,
    /// Whether the `connection_init` is done before.
    pub is_ready: bool,
    pub frames: Vec<u8>,
}

impl Way {
    /// Frames on a WebSocket that has been acknowledged.
    pub fn socket(frames: Vec<u8>) -> Self {
        Self::Socket(Socket { others: 0, is_ready: true, frames })
    }

    /// Frames on a WebSocket on which nothing has been said.
    pub fn raw_socket(frames: Vec<u8>) -> Self {
        Self::Socket(Socket { others: 0, is_ready: false, frames })
    }
}

/// What has to come of it.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// This status, and a GraphQL-shaped body whose first error has this code. Also a field error, with 200.
    Refused(u16, &'static str),
    /// A refusal as an event of a stream, or before there is a stream.
    RefusedInStream(&'static str),
    /// A list of answers, the first of them a refusal with this code.
    RefusedInBatch(&'static str),
    /// An error of this code among the payload's `userErrors`.
    UserError(&'static str),
    /// Nothing is wrong with it after all: an answer without errors.
    Served,
    /// This status, whatever the body says.
    Status(u16),
    /// Nobody reads the answer, or there is none to give: the connection ends.
    Ended,
    /// On a WebSocket: it is closed with this code.
    Closed(u16),
    /// On a WebSocket: an `error` message with this code; the socket lives on.
    OperationRefused(&'static str),
    /// On a WebSocket: it lives on, and serves.
    Lives,
}

/// Rows of a table, all of them HTTP requests.
pub fn over_http<N: Into<String>>(topic: &str, rows: impl IntoIterator<Item = (N, Vec<u8>, Expected)>) -> Vec<Case> {
    table(topic, rows.into_iter().map(|(name, bytes, expected)| (name, Way::Http(bytes), expected)))
}

/// Rows of a table.
pub fn table<N: Into<String>>(topic: &str, rows: impl IntoIterator<Item = (N, Way, Expected)>) -> Vec<Case> {
    let rows = rows.into_iter();
    rows.map(|(name, way, expected)| Case { name: format!("{topic}: {}", name.into()), way, expected }).collect()
}
