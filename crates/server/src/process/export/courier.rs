//! The one who carries batches to the collector.

use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tracing::{info, warn};

/// Longest that one attempt takes, connecting and the whole answer included.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Longest answer that is read: it says how many spans were taken.
const ANSWER_BYTES: usize = 64 * 1024;

/// Where an address names no port.
const PORT: u16 = 80;

/// Sends each batch on a connection of its own, and tells in the log when that begins to fail and when it works again.
#[derive(Debug)]
pub(super) struct Courier {
    /// Apart from the one that serves, so that neither can be in the other's way. It has no threads: whoever sends drives it.
    runtime: Runtime,
    endpoint: String,
    failing: AtomicBool,
}

impl Courier {
    /// To the collector of this address; the address is only for the log.
    pub(super) fn new(endpoint: String) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, endpoint, failing: AtomicBool::new(false) })
    }

    /// Says so when things change, and not each time.
    fn tell(&self, outcome: &Result<Response<Bytes>, HttpError>) {
        let trouble = match outcome {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered {}", answer.status())),
            Err(error) => Some(chain(error.as_ref())),
        };
        // Only the thread that sends looks at it.
        let failed = self.failing.swap(trouble.is_some(), Ordering::Relaxed);
        let endpoint = &self.endpoint;
        match trouble {
            Some(trouble) if !failed => {
                warn!(endpoint, "spans cannot be exported, and are dropped meanwhile: {trouble}");
            }
            None if failed => info!(endpoint, "spans are exported again"),
            _ => {}
        }
    }
}

impl HttpClient for Courier {
    // The signature is what the trait's macro makes of `async fn send_bytes(&self, request: Request<Bytes>)`.
    fn send_bytes<'courier, 'sent>(
        &'courier self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'courier: 'sent,
        Self: 'sent,
    {
        Box::pin(async move {
            // This blocks, and may: it is called on the thread that exports, which does nothing else.
            let outcome = self.runtime.block_on(async { timeout(ATTEMPT, send(request)).await });
            let outcome = outcome.unwrap_or_else(|_| Err("it did not answer in time".into()));
            self.tell(&outcome);
            outcome
        })
    }
}

async fn send(mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let authority = request.uri().authority().ok_or("it has no address")?.clone();
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(PORT))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    request.headers_mut().insert(HOST, HeaderValue::from_str(authority.as_str())?);
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or(PathAndQuery::from_static("/")));
    let answering = async move {
        let (head, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    };
    // The connection ends when the sender is gone, and what goes wrong with it goes wrong with the answer.
    let (answer, _) = tokio::join!(answering, connection);
    answer
}

/// An error and what is behind it.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
