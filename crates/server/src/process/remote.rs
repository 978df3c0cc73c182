//! Asking a server, from a process that waits for the answer: over HTTP/1.1, on one connection.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::exit::{Exit, Failed};

/// Where an address names no port.
const PORT: u16 = 80;

/// Longest silence of a server: it may be waiting for a disk, and long-polls are not asked for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Most bytes of an answer that is told to a person.
const TOLD_BYTES: u64 = 4096;

/// A server that is asked.
pub(super) struct Remote {
    runtime: Runtime,
    authority: Authority,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("authority", &self.authority).finish_non_exhaustive()
    }
}

/// The body of an answer, which is read as it comes.
#[derive(Debug)]
pub(super) struct Content<'r> {
    runtime: &'r Runtime,
    body: Incoming,
    rest: Bytes,
}

impl Remote {
    /// A server by its address, `host:port` or `http://host:port`. Nothing is connected yet.
    pub(super) fn new(address: &str) -> Result<Self, Failed> {
        let wrong = |why: &str| {
            Failed::new(Exit::Usage, format!("`{address}` is no address of a server: {why}"))
        };
        let uri: Uri = address.parse().map_err(|_| wrong("it is like http://127.0.0.1:4437"))?;
        if uri.scheme_str().is_some_and(|scheme| scheme != "http") {
            return Err(wrong("only http is spoken here"));
        }
        if !matches!(uri.path_and_query().map(|path| path.as_str()), None | Some("/" | "")) {
            return Err(wrong("it has a path"));
        }
        let authority = uri.authority().cloned().ok_or_else(|| wrong("it names no host"))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failed::new(Exit::Internal, error.to_string()))?;
        Ok(Self { runtime, authority, sender: None })
    }

    /// Sends a request, whose target is a path, and waits for the head of the answer.
    pub(super) fn send(
        &mut self,
        mut request: Request<Bytes>,
    ) -> Result<Response<Content<'_>>, Failed> {
        if let Ok(host) = HeaderValue::from_str(self.authority.as_str()) {
            request.headers_mut().insert(HOST, host);
        }
        let Self { runtime, authority, sender } = self;
        let answered = runtime.block_on(async {
            let answering = async {
                let usable = match sender {
                    Some(sender) => sender.ready().await.is_ok(),
                    None => false,
                };
                if !usable {
                    *sender = Some(connect(authority).await?);
                }
                match sender {
                    Some(sender) => {
                        sender.send_request(request.map(Full::new)).await.map_err(io::Error::other)
                    }
                    None => Err(io::ErrorKind::NotConnected.into()),
                }
            };
            timeout(PATIENCE, answering)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        });
        let answered = answered.map_err(|error| self.failed(&error))?;
        let runtime = &self.runtime;
        Ok(answered.map(|body| Content { runtime, body, rest: Bytes::new() }))
    }

    /// Sends a request, and reads all of the answer.
    pub(super) fn ask(&mut self, request: Request<Bytes>) -> Result<Answer, Failed> {
        let (parts, mut content) = self.send(request)?.into_parts();
        let mut body = Vec::new();
        let read = content.read_to_end(&mut body);
        read.map_err(|error| self.failed(&error))?;
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// What went wrong on the way.
    pub(super) fn failed(&self, error: &dyn std::error::Error) -> Failed {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let told = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Failed::new(Exit::Internal, format!("http://{}: {told}", self.authority))
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// A header, if it is there and is text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The code of a refusal.
    pub(super) fn code(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.get("error")?.get("code")?.as_str()?.to_owned())
    }

    /// Requires one of these answers to what was asked about something.
    pub(super) fn expect(self, statuses: &[StatusCode], what: &str) -> Result<Self, Failed> {
        if statuses.contains(&self.status) { Ok(self) } else { Err(self.refused(what)) }
    }

    /// An answer that is none of those that were expected.
    pub(super) fn refused(&self, what: &str) -> Failed {
        refusal(what, self.status, &self.body)
    }
}

/// The same, of an answer that was not read yet.
pub(super) fn refused(what: &str, answer: Response<Content<'_>>) -> Failed {
    let status = answer.status();
    let mut told = Vec::new();
    // What cannot be read of it is not told.
    drop(answer.into_body().take(TOLD_BYTES).read_to_end(&mut told));
    refusal(what, status, &told)
}

fn refusal(what: &str, status: StatusCode, body: &[u8]) -> Failed {
    let told = String::from_utf8_lossy(body.get(..TOLD_BYTES as usize).unwrap_or(body));
    Failed::new(Exit::Internal, format!("{what}: the server answered {status}: {}", told.trim()))
}

async fn connect(authority: &Authority) -> io::Result<SendRequest<Full<Bytes>>> {
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(PORT))).await?;
    stream.set_nodelay(true)?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(io::Error::other)?;
    // What goes wrong with it goes wrong with the answers.
    tokio::spawn(connection);
    Ok(sender)
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            let frame = self.runtime.block_on(async { timeout(PATIENCE, self.body.frame()).await });
            let Some(frame) = frame.map_err(|_| io::ErrorKind::TimedOut)? else { return Ok(0) };
            if let Ok(bytes) = frame.map_err(io::Error::other)?.into_data() {
                self.rest = bytes;
            }
        }
        let len = buffer.len().min(self.rest.len());
        let bytes = self.rest.split_to(len);
        buffer.get_mut(..len).unwrap_or_default().copy_from_slice(&bytes);
        Ok(len)
    }
}
