//! One TCP connection: raw bytes out, heads and bodies in.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::http::{BodyReader, Response};
use crate::wait::DEADLINE;

/// The longest head the client accepts.
const MAX_HEAD: usize = 64 * 1024;

/// A connection.
#[derive(Debug)]
pub struct Conn {
    stream: TcpStream,
    received: Vec<u8>,
}

/// The status line and the headers of a response.
#[derive(Clone, Debug)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The headers in the order received, names in lower case.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The value of a header that occurs at most once.
    ///
    /// # Panics
    /// When it occurs more than once.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "header {name} occurs twice: {self:#?}");
        value
    }
}

impl Conn {
    /// Connects.
    ///
    /// # Errors
    /// When the server does not accept the connection.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the server has gone away, or takes nothing until the deadline.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Says that no more will be sent, while still reading.
    ///
    /// # Errors
    /// When the connection has gone.
    pub fn finish_writing(&self) -> io::Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write)
    }

    /// Reads a response to a request of this method.
    ///
    /// # Errors
    /// When the connection ends in the middle, or the response is not HTTP/1.1.
    pub fn read_response(&mut self, method: &str) -> io::Result<Response> {
        let head = self.read_head()?;
        let body = BodyReader::new(&head, method)?.read_all(self)?;
        Ok(Response { request: method.to_owned(), head, body })
    }

    /// Reads the head of the final response, past any `100 Continue`.
    ///
    /// # Errors
    /// When the connection ends first, or what comes is not a head.
    pub fn read_head(&mut self) -> io::Result<Head> {
        loop {
            let head = self.read_any_head()?;
            if head.status != 100 {
                return Ok(head);
            }
        }
    }

    /// Reads the next head, interim or final.
    ///
    /// # Errors
    /// When the connection ends first, or what comes is not a head.
    pub fn read_any_head(&mut self) -> io::Result<Head> {
        let end = loop {
            if let Some(at) = find(&self.received, b"\r\n\r\n") {
                break at;
            }
            if self.received.len() > MAX_HEAD {
                return Err(invalid("an endless head"));
            }
            if self.fill(DEADLINE)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = parse_head(&self.received[..end])?;
        self.received.drain(..end + 4);
        Ok(head)
    }

    /// Takes up to so many bytes of what is coming, whatever they are. Nothing at the end.
    ///
    /// # Errors
    /// When nothing comes in time, or the connection breaks.
    pub fn take_some(&mut self, most: usize) -> io::Result<usize> {
        if self.received.is_empty() {
            self.fill(DEADLINE)?;
        }
        while self.received.len() < most
            && self.fill(Duration::from_millis(20)).is_ok_and(|n| n > 0)
        {}
        let taken = self.received.len().min(most);
        self.received.drain(..taken);
        Ok(taken)
    }

    /// Requires that the server stays silent for a while.
    ///
    /// # Panics
    /// When it sends anything or hangs up.
    #[track_caller]
    pub fn expect_quiet(&mut self, how_long: Duration) {
        let start = Instant::now();
        while let Some(left) = how_long.checked_sub(start.elapsed()).filter(|d| !d.is_zero()) {
            match self.fill(left) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                other => panic!(
                    "expected silence, got {other:?}: {:?}",
                    String::from_utf8_lossy(&self.received)
                ),
            }
        }
    }

    /// Whether the server has hung up, which it must have done by the deadline.
    ///
    /// # Panics
    /// When it sends anything more.
    #[track_caller]
    pub fn expect_end(&mut self) {
        assert!(self.received.is_empty(), "unread bytes before the end");
        match self.fill(DEADLINE) {
            Ok(0) => {}
            // A reset is an end too: the server dropped what it had not read.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            other => panic!("expected the end of the connection, got {other:?}"),
        }
    }

    /// Takes at most `limit` bytes of what has arrived, waiting for at least one; nothing at the
    /// end of the connection.
    pub(crate) fn take(&mut self, limit: usize, patience: Duration) -> io::Result<Vec<u8>> {
        if self.received.is_empty() && self.fill(patience)? == 0 {
            return Ok(Vec::new());
        }
        let length = self.received.len().min(limit);
        Ok(self.received.drain(..length).collect())
    }

    /// Takes a line without its CRLF.
    pub(crate) fn take_line(&mut self, patience: Duration) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = find(&self.received, b"\r\n") {
                let line = self.received[..at].to_vec();
                self.received.drain(..at + 2);
                return Ok(line);
            }
            if self.fill(patience)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self, patience: Duration) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(length) => {
                self.received.extend_from_slice(&buffer[..length]);
                Ok(length)
            }
            // A time-out is told as `WouldBlock` on this platform and as `TimedOut` on others.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::ErrorKind::TimedOut.into())
            }
            // A read with a time-out is not taken up again by itself after a signal.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.fill(patience),
            Err(error) => Err(error),
        }
    }
}

fn parse_head(bytes: &[u8]) -> io::Result<Head> {
    let text = std::str::from_utf8(bytes).map_err(|_| invalid("a head that is not UTF-8"))?;
    let mut lines = text.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| status_line.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| invalid("a bad status line"))?;
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(':').ok_or_else(|| invalid("a bad header"))?;
            Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect::<io::Result<_>>()?;
    Ok(Head { status, headers })
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

pub(crate) fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
