//! One request: built field by field, sent over a connection of its own or over a given one.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::http::{Conn, Response, rules};
use crate::sse::Sse;

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Call {
    address: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Body,
    audience: Audience,
}

/// Whom an answer is for, which decides who else may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Pages of every origin.
    Everyone,
    /// Operators: no page of another origin.
    Operators,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Sized(Vec<u8>),
    Chunked(Vec<Vec<u8>>),
}

impl Call {
    /// A request without headers or body.
    pub fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        Self {
            address,
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Body::None,
            audience: Audience::Everyone,
        }
    }

    /// A request to the operators' listener.
    pub fn of_operator(address: SocketAddr, target: &str) -> Self {
        Self { audience: Audience::Operators, ..Self::new(address, "GET", target) }
    }

    /// Adds a header; the same name may be added twice.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        self.raw_header(name, value.as_bytes())
    }

    /// Adds a header whose value need not be text.
    #[must_use]
    pub fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_vec()));
        self
    }

    /// Adds headers.
    #[must_use]
    pub fn headers(self, headers: &[(&str, &str)]) -> Self {
        headers.iter().fold(self, |call, (name, value)| call.header(name, value))
    }

    /// Adds `Content-Type`.
    #[must_use]
    pub fn content_type(self, value: &str) -> Self {
        self.header("Content-Type", value)
    }

    /// Adds the three producer headers.
    #[must_use]
    pub fn producer(self, id: &str, epoch: u64, seq: u64) -> Self {
        self.header("Producer-Id", id)
            .header("Producer-Epoch", &epoch.to_string())
            .header("Producer-Seq", &seq.to_string())
    }

    /// A body with `Content-Length`.
    #[must_use]
    pub fn body(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.body = Body::Sized(bytes.as_ref().to_vec());
        self
    }

    /// A body in these chunks, with `Transfer-Encoding: chunked`.
    #[must_use]
    pub fn chunked(mut self, chunks: &[&[u8]]) -> Self {
        self.body = Body::Chunked(chunks.iter().map(|chunk| chunk.to_vec()).collect());
        self
    }

    /// A `text/plain` body.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.content_type("text/plain").body(text)
    }

    /// An `application/json` body.
    #[must_use]
    pub fn json(self, text: &str) -> Self {
        self.content_type("application/json").body(text)
    }

    /// An `application/octet-stream` body.
    #[must_use]
    pub fn bytes(self, bytes: impl AsRef<[u8]>) -> Self {
        self.content_type("application/octet-stream").body(bytes)
    }

    /// Sends it over a fresh connection, reads the answer, and holds the answer against the rules
    /// that apply to all of them.
    ///
    /// # Panics
    /// When there is no whole answer, or it breaks a rule.
    #[track_caller]
    pub fn send(self) -> Response {
        self.start().finish()
    }

    /// As [`Self::send`], without the rules, for what the HTTP library may answer by itself.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn try_send(&self) -> io::Result<Response> {
        let mut conn = Conn::open(self.address)?;
        self.send_over(&mut conn)
    }

    /// Sends it over a connection that stays open, and reads the answer without the rules.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn send_over(&self, conn: &mut Conn) -> io::Result<Response> {
        conn.write(&self.encode())?;
        self.read_over(conn)
    }

    /// Reads the answer to this request, which has been written to the connection.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn read_over(&self, conn: &mut Conn) -> io::Result<Response> {
        let mut response = conn.read_response(&self.method)?;
        response.request = self.title();
        Ok(response)
    }

    /// Sends it and does not wait for the answer.
    ///
    /// # Panics
    /// When the server takes no request.
    #[track_caller]
    pub fn start(self) -> Pending {
        let mut conn = Conn::open(self.address).expect("the server accepts connections");
        conn.write(&self.encode()).expect("the server takes a request");
        Pending { conn, call: self }
    }

    /// Sends it and reads the answer as server-sent events.
    ///
    /// # Panics
    /// When the answer is not a stream of events.
    #[track_caller]
    pub fn events(self) -> Sse {
        let Pending { mut conn, call } = self.start();
        let head = conn.read_head().expect("the head of the answer");
        rules::check_head(&call.title(), &call.method, call.audience, &head);
        Sse::new(conn, &head)
    }

    /// The request as bytes, ready for a connection of the test's own.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        let mut field = |name: &str, value: &[u8]| {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        };
        field("Host", self.address.to_string().as_bytes());
        for (name, value) in &self.headers {
            field(name, value);
        }
        match &self.body {
            Body::None => out.extend_from_slice(b"\r\n"),
            Body::Sized(bytes) => {
                field("Content-Length", bytes.len().to_string().as_bytes());
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(bytes);
            }
            Body::Chunked(chunks) => {
                field("Transfer-Encoding", b"chunked");
                out.extend_from_slice(b"\r\n");
                for chunk in chunks {
                    out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    out.extend_from_slice(chunk);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(b"0\r\n\r\n");
            }
        }
        out
    }

    fn title(&self) -> String {
        let headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
            .collect();
        format!("{} {} [{}]", self.method, self.target, headers.join(", "))
    }
}

/// A request whose answer has not been read.
#[derive(Debug)]
pub struct Pending {
    conn: Conn,
    call: Call,
}

impl Pending {
    /// Reads the answer and holds it against the rules that apply to all answers.
    ///
    /// # Panics
    /// When there is no whole answer, or it breaks a rule.
    #[track_caller]
    pub fn finish(mut self) -> Response {
        let title = self.call.title();
        let mut response = match self.conn.read_response(&self.call.method) {
            Ok(response) => response,
            Err(error) => panic!("{title}: no whole answer: {error}"),
        };
        response.request = title;
        rules::check_head(&response.request, &self.call.method, self.call.audience, &response.head);
        rules::check_error_body(&self.call.method, &response);
        response
    }

    /// Requires that no answer comes for a while.
    ///
    /// # Panics
    /// When one does.
    #[track_caller]
    pub fn expect_parked(mut self, how_long: Duration) -> Self {
        self.conn.expect_quiet(how_long);
        self
    }
}
