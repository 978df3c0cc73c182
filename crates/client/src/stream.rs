//! One stream of a server: what is asked about it, and what the answers mean.
//!
//! Promises that an answer is the protocol's or an error; nothing is guessed from a part of one. How long it may take and what is tried
//! again is the [`client`](crate::client)'s.

mod page;
mod target;

use std::time::Duration;

use bytes::Bytes;
use headwater_core::{NameError, Offset, Retention, StoreId, StreamKey};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};

pub(crate) use self::page::{Page, Record};
use crate::client::{Answer, Client, Repeat, Take};
use crate::error::RequestError;

const NEXT_OFFSET: &str = "stream-next-offset";
const EARLIEST_OFFSET: &str = "stream-earliest-offset";
const UP_TO_DATE: &str = "stream-up-to-date";
const CLOSED: &str = "stream-closed";
const RETENTION_BYTES: HeaderName = HeaderName::from_static("stream-retention-bytes");
const RETENTION_SECONDS: HeaderName = HeaderName::from_static("stream-retention-seconds");

/// A stream of a server, which need not exist.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    client: Client,
    key: StreamKey,
    /// The path of its URL.
    target: String,
}

/// Where a stream begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Where it begins, if it has given something up.
    pub(crate) earliest: Option<Offset>,
    pub(crate) tail: Offset,
}

/// What came of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// There is something.
    Come,
    /// Nothing came in time.
    NotYet,
    /// The stream is closed, and there is nothing behind the offset.
    Closed,
}

impl Stream {
    /// A stream by its percent-encoded path.
    pub(crate) fn new(client: Client, path: &str) -> Result<Self, NameError> {
        let key = StreamKey::parse(StoreId::DEFAULT, path)?;
        let target = target::of(client.address().root(), &key);
        Ok(Self { client, key, target })
    }

    pub(crate) fn key(&self) -> &StreamKey {
        &self.key
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Creates it as a stream of JSON values, or confirms that it is one that keeps as much.
    pub(crate) async fn create(&self, retention: Retention) -> Result<(), RequestError> {
        let mut request = self.request(Method::PUT, "", Bytes::new())?;
        put_json(request.headers_mut());
        let limits = [(RETENTION_BYTES, retention.bytes), (RETENTION_SECONDS, retention.seconds)];
        for (name, limit) in limits {
            if let Some(limit) = limit {
                request.headers_mut().insert(name, HeaderValue::from(limit.get()));
            }
        }
        // Creating it again confirms it.
        self.client.ask(&request, Repeat::Always).await.map(drop)
    }

    /// Where it begins and ends.
    pub(crate) async fn extent(&self) -> Result<Extent, RequestError> {
        let request = self.request(Method::HEAD, "", Bytes::new())?;
        let answer = self.client.ask(&request, Repeat::Always).await?;
        Ok(Extent { earliest: answer.offset(EARLIEST_OFFSET)?, tail: next_offset(&answer)? })
    }

    /// Appends a JSON value, which is no array, and returns where it ends. What may have been appended is not sent again.
    pub(crate) async fn append(&self, value: Bytes) -> Result<Offset, RequestError> {
        let mut request = self.request(Method::POST, "", value)?;
        put_json(request.headers_mut());
        let answer = self.client.ask(&request, Repeat::WhileNothingHappened).await?;
        next_offset(&answer)
    }

    /// Reads records behind an offset.
    pub(crate) async fn read(&self, after: Offset) -> Result<Page, RequestError> {
        let request =
            self.request(Method::GET, &format!("?offset={after}&records=true"), Bytes::new())?;
        let answer = self.client.ask(&request, Repeat::Always).await?;
        let (next, up_to_date) = (next_offset(&answer)?, answer.says(UP_TO_DATE));
        Page::parse(answer.body, up_to_date)?.between(after, next)
    }

    /// Asks once whether there is something behind an offset; the server answers when there is, or after a while.
    pub(crate) async fn news(&self, after: Offset, time: Duration) -> Result<News, RequestError> {
        let target = format!("?offset={after}&live=long-poll");
        let request = self.request(Method::GET, &target, Bytes::new())?;
        let answer = self.client.attempt(&request, Take::Head, time).await?;
        match answer.status {
            StatusCode::NO_CONTENT if answer.says(CLOSED) => Ok(News::Closed),
            StatusCode::NO_CONTENT => Ok(News::NotYet),
            _ => next_offset(&answer).map(|_| News::Come),
        }
    }

    fn request(
        &self,
        method: Method,
        query: &str,
        body: Bytes,
    ) -> Result<Request<Bytes>, RequestError> {
        let target = [&self.target, query].concat();
        let uri: Uri = target.parse().map_err(|_| RequestError::Foreign("its path is too long"))?;
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        // A cache between here and the server would show the past.
        let headers = request.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(request)
    }
}

fn put_json(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

fn next_offset(answer: &Answer) -> Result<Offset, RequestError> {
    answer.offset(NEXT_OFFSET)?.ok_or(RequestError::Foreign("it has no Stream-Next-Offset"))
}
