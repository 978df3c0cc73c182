//! One HTTP/1.1 connection, and one request at a time on it.
//!
//! Promises to tell a request of which nothing left from one that the server may have read. It needs a deadline from its caller.

use std::io;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Address, Answer};
use crate::error::RequestError;

/// Most bytes of a body that nobody wants and that are read all the same, so that the connection can be used again: less than a
/// new connection costs.
const SKIPPED_BYTES: u64 = 64 * 1024;

/// Most bytes of a refusal: its text is for people.
const REFUSAL_BYTES: usize = 64 * 1024;

/// What is taken of an answer that is no refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// All of it.
    Body,
    /// That it came.
    Head,
}

#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// When it was last of use.
    pub(super) used: Instant,
}

impl Connection {
    pub(super) async fn open(address: &Address) -> io::Result<Self> {
        let stream = TcpStream::connect(address.target()).await?;
        stream.set_nodelay(true)?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(io::Error::other)?;
        // It ends with the sender, and what goes wrong with it goes wrong with the answers.
        tokio::spawn(connection);
        Ok(Self { sender, used: Instant::now() })
    }

    /// Whether it takes a request. One that the server has closed does not.
    pub(super) async fn is_usable(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and reads the answer, up to so many bytes of it.
    pub(super) async fn ask(
        &mut self,
        request: Request<Bytes>,
        take: Take,
        most: usize,
    ) -> Result<Answer, RequestError> {
        let sent = self.sender.try_send_request(request.map(Full::new)).await;
        let response = sent.map_err(|mut failed| {
            let unsent = failed.take_message().is_some();
            let error = failed.into_error();
            if unsent {
                RequestError::Unsent(io::Error::other(error))
            } else {
                RequestError::Broken(error.into())
            }
        })?;
        let answer = read(response, take, most).await;
        self.used = Instant::now();
        answer
    }
}

async fn read(
    response: Response<Incoming>,
    take: Take,
    most: usize,
) -> Result<Answer, RequestError> {
    let (parts, body) = response.into_parts();
    let most = match take {
        _ if !parts.status.is_success() => REFUSAL_BYTES,
        Take::Head if body.size_hint().upper().is_none_or(|size| size > SKIPPED_BYTES) => {
            // Dropping the body ends the connection.
            return Ok(Answer { status: parts.status, headers: parts.headers, body: Bytes::new() });
        }
        Take::Head | Take::Body => most,
    };
    let body = Limited::new(body, most).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            RequestError::TooLarge { limit: most }
        } else {
            RequestError::Broken(error)
        }
    })?;
    Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
}
