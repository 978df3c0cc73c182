//! Reads a response body in whatever framing it comes, and tells a clean end from a torn one.

use std::io;
use std::time::Duration;

use crate::http::conn::{Conn, Head, invalid};
use crate::wait::DEADLINE;

/// Where in a body the reader stands.
#[derive(Debug)]
pub enum BodyReader {
    /// The body has ended as its framing says.
    Ended,
    /// This many bytes are left.
    Length(usize),
    /// This many bytes are left of the current chunk; 0 before a chunk's head.
    Chunked(usize),
    /// The body ends with the connection.
    UntilClose,
}

impl BodyReader {
    /// The reader for the body that follows this head.
    ///
    /// # Errors
    /// When the framing headers contradict each other or make no sense.
    pub fn new(head: &Head, method: &str) -> io::Result<Self> {
        if method == "HEAD" || matches!(head.status, 204 | 304) {
            return Ok(Self::Ended);
        }
        let length = head.header("content-length");
        match (head.header("transfer-encoding"), length) {
            (Some("chunked"), None) => Ok(Self::Chunked(0)),
            (None, Some(length)) => match length.parse().map_err(|_| invalid("a bad length"))? {
                0 => Ok(Self::Ended),
                length => Ok(Self::Length(length)),
            },
            (None, None) => Ok(Self::UntilClose),
            _ => Err(invalid("contradicting framing headers")),
        }
    }

    /// The next bytes; `None` at the clean end.
    ///
    /// # Errors
    /// `UnexpectedEof` when the connection ends before the body does, `TimedOut` when nothing
    /// arrives for as long as `patience`.
    pub fn read_some(
        &mut self,
        conn: &mut Conn,
        patience: Duration,
    ) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Ended => Ok(None),
            Self::UntilClose => {
                let bytes = conn.take(usize::MAX, patience)?;
                Ok((!bytes.is_empty()).then_some(bytes))
            }
            Self::Length(left) => {
                let bytes = take_some(conn, *left, patience)?;
                *left -= bytes.len();
                if *left == 0 {
                    *self = Self::Ended;
                }
                Ok(Some(bytes))
            }
            Self::Chunked(left) => {
                if *left == 0 {
                    *left = chunk_size(&conn.take_line(patience)?)?;
                    if *left == 0 {
                        while !conn.take_line(patience)?.is_empty() {}
                        *self = Self::Ended;
                        return Ok(None);
                    }
                }
                let bytes = take_some(conn, *left, patience)?;
                *left -= bytes.len();
                if *left == 0 && !conn.take_line(patience)?.is_empty() {
                    return Err(invalid("a chunk longer than its size"));
                }
                Ok(Some(bytes))
            }
        }
    }

    /// All the rest.
    ///
    /// # Errors
    /// As [`Self::read_some`].
    pub fn read_all(mut self, conn: &mut Conn) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(bytes) = self.read_some(conn, DEADLINE)? {
            all.extend(bytes);
        }
        Ok(all)
    }
}

fn take_some(conn: &mut Conn, limit: usize, patience: Duration) -> io::Result<Vec<u8>> {
    let bytes = conn.take(limit, patience)?;
    if bytes.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

fn chunk_size(line: &[u8]) -> io::Result<usize> {
    let text = std::str::from_utf8(line).unwrap_or_default();
    let digits = text.split(';').next().unwrap_or_default().trim();
    usize::from_str_radix(digits, 16).map_err(|_| invalid("a bad chunk size"))
}
