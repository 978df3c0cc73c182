//! A server, and how it is asked: connections, deadlines, and what is tried again.
//!
//! Promises that every request ends in bounded time and memory, and that what may have taken effect is repeated only where
//! the caller says that twice is as good as once. What is asked, and what an answer means, is left to [`stream`](crate::stream).
//!
//! The rooms: [`address`] (where a server is), [`options`] (how long and how much), [`connection`] (one request on one connection),
//! [`idle`] (connections between requests), [`answer`] (what came back).

mod address;
mod answer;
mod connection;
mod idle;
mod options;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use headwater_core::{Outcome, Retry};
use http::Request;
use http::header::{HOST, HeaderValue};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

pub use self::address::{Address, InvalidAddress};
pub(crate) use self::answer::Answer;
use self::connection::Connection;
pub(crate) use self::connection::Take;
use self::idle::Idle;
pub use self::options::Options;
use crate::error::RequestError;

/// Whether a request may be repeated that may have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Twice is as good as once.
    Always,
    /// Only when it is certain that nothing happened.
    WhileNothingHappened,
}

impl Repeat {
    fn allows(self, error: &RequestError) -> bool {
        let harmless = self == Self::Always || error.outcome() == Outcome::Definite;
        harmless && error.retry() == Retry::Later
    }
}

/// A server that is asked over HTTP/1.1. Clones share its connections.
///
/// Nothing is connected before the first request. Requests need a tokio runtime with I/O and time.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    address: Address,
    host: HeaderValue,
    options: Options,
    idle: Idle,
    /// Requests at a time; waiting for news is not counted, because it must not keep others from being asked.
    places: Semaphore,
}

impl Client {
    /// A client of the server at an address.
    #[must_use]
    pub fn new(address: Address, options: Options) -> Self {
        let host = address.host_header();
        let idle = Idle::new(options.requests.get());
        let places = Semaphore::new(options.requests.get().min(Semaphore::MAX_PERMITS));
        Self { inner: Arc::new(Inner { address, host, options, idle, places }) }
    }

    /// Where the server is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.inner.address
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    /// Asks until there is an answer, a refusal for good, or no time left; then it is the last error.
    ///
    /// It begins no attempt after [`Options::patience`], and the last one may take [`Options::attempt`] more.
    pub(crate) async fn ask(
        &self,
        request: &Request<Bytes>,
        repeat: Repeat,
    ) -> Result<Answer, RequestError> {
        let Options { patience, attempt, backoff, .. } = self.inner.options;
        let end = Instant::now() + patience;
        let mut failures = 0;
        loop {
            let error = match self.ask_in_turn(request, end, attempt).await {
                Ok(answer) => return Ok(answer),
                Err(error) if !repeat.allows(&error) => return Err(error),
                Err(error) => error,
            };
            failures += 1;
            let pause = backoff.pause(failures, rand::random()).max(error.retry_after());
            if Instant::now() + pause >= end {
                return Err(error);
            }
            sleep(pause).await;
        }
    }

    /// One attempt, when it is its turn.
    async fn ask_in_turn(
        &self,
        request: &Request<Bytes>,
        end: Instant,
        time: Duration,
    ) -> Result<Answer, RequestError> {
        let place = timeout_at(end, self.inner.places.acquire()).await;
        // The semaphore is never closed, so there is a place or there is none in time.
        let _place = place.map_err(|_| RequestError::unsent_in_time())?;
        self.attempt(request, Take::Body, time).await
    }

    /// One attempt, which ends in so much time.
    pub(crate) async fn attempt(
        &self,
        request: &Request<Bytes>,
        take: Take,
        time: Duration,
    ) -> Result<Answer, RequestError> {
        let deadline = Instant::now() + time;
        let mut connection = match timeout_at(deadline, self.connection()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(RequestError::Unsent(error)),
            Err(_) => return Err(RequestError::unsent_in_time()),
        };
        let mut request = request.clone();
        request.headers_mut().insert(HOST, self.inner.host.clone());
        let asked = connection.ask(request, take, self.inner.options.largest_answer);
        match timeout_at(deadline, asked).await.unwrap_or(Err(RequestError::Late(time))) {
            Ok(answer) => {
                self.inner.idle.put(connection);
                answer.accepted()
            }
            Err(error) => {
                self.inner.idle.clear();
                Err(error)
            }
        }
    }

    /// A connection that takes a request: one that is idle, or a new one.
    async fn connection(&self) -> std::io::Result<Connection> {
        while let Some(mut connection) = self.inner.idle.take() {
            if connection.is_usable().await {
                return Ok(connection);
            }
        }
        Connection::open(&self.inner.address).await
    }
}
