//! GET of the catalogue: which streams there are.

use std::num::NonZeroU64;

use bytes::Bytes;
use headwater_core::cache::CACHE_NEVER;
use headwater_core::storage::Listed;
use headwater_core::{Code, Expiry, Retention};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use serde::Serialize;

use crate::app::App;
use crate::errors::Problem;
use crate::request::{catalog, retention};
use crate::response::{self, Reply, ResponseBody, put_cache};
use crate::rfc3339;

#[derive(Serialize)]
struct Page<'a> {
    streams: Vec<Row<'a>>,
    next: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    path: &'a str,
    content_type: &'a str,
    next_offset: String,
    closed: bool,
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_seconds_after_close: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_seconds: Option<u64>,
    /// Bytes that can be read, in stored form; what a fork inherits counts too.
    bytes: u64,
}

impl<'a> Row<'a> {
    fn of(listed: &'a Listed) -> Self {
        let Listed { key, state } = listed;
        let (ttl_seconds, ttl_seconds_after_close, expires_at) = match state.expiry {
            Expiry::Never => (None, None, None),
            Expiry::Ttl(seconds) => (Some(seconds), None, None),
            Expiry::AfterClose(seconds) => (None, Some(seconds), None),
            Expiry::At(at) => (None, None, rfc3339::format(at)),
        };
        let Retention { bytes, seconds } = retention::of(state);
        Self {
            path: key.path(),
            content_type: state.content_type.as_str(),
            next_offset: state.tail_offset().to_string(),
            closed: state.closed.is_some(),
            created_at: rfc3339::format(state.created_at),
            ttl_seconds,
            ttl_seconds_after_close,
            expires_at,
            retention_bytes: bytes.map(NonZeroU64::get),
            retention_seconds: seconds.map(NonZeroU64::get),
            bytes: state.kept_bytes(),
        }
    }
}

pub(crate) async fn catalog(app: &App, parts: &Parts) -> Result<Reply, Problem> {
    let listing = app.engine.list(catalog::parse(parts.uri.query())?).await?;
    let streams = listing.streams.iter().map(Row::of).collect();
    let page = Page { streams, next: listing.next.as_deref() };
    let json = serde_json::to_vec(&page)
        .map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    let mut reply = response::empty(StatusCode::OK);
    *reply.body_mut() = ResponseBody::full(Bytes::from(json));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    put_cache(reply.headers_mut(), CACHE_NEVER);
    Ok(reply)
}
