//! Responses: their type, their bodies, and the headers that several operations share.
//!
//! The rooms: [`line`] (short text without a buffer on the heap), [`body`] (what can be sent), [`chunks`] (a page as a body), [`envelope`]
//! (records with what is known about them), [`page`] (the answer to a read that
//! found its place), [`prepared`] (that of many who waited for the same), [`sending`] (a body on its way).

pub(crate) mod body;
mod chunks;
pub(crate) mod envelope;
mod line;
pub(crate) mod page;
pub(crate) mod prepared;
mod sending;

pub(crate) use body::ResponseBody;
pub(crate) use sending::{Place, Sending};

use std::fmt;

use headwater_core::cache::StreamTag;
use headwater_core::content_type::ContentType;
use headwater_core::{Offset, StreamState};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue};
use http::{Response, StatusCode};

use self::line::Line;
use crate::headers;

/// What every operation answers.
pub(crate) type Reply = Response<ResponseBody>;

/// Room for the headers of nearly any response, so that the map does not grow while they are added. The map takes a power of two, and
/// a quarter of it stays free.
const HEADERS: usize = 12;

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut reply = Reply::new(ResponseBody::EMPTY);
    *reply.status_mut() = status;
    *reply.headers_mut() = HeaderMap::with_capacity(HEADERS);
    reply
}

/// A header value from text of our own making: digits, tokens, tags, media types. None of these can hold a
/// byte that a header may not; if one ever did, the header is empty rather than the process gone.
pub(crate) fn text(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A header value from something short of our own making, such as a token or a tag, without a buffer on the heap in between.
/// As with [`text`], what a header may not hold leaves it empty; so does what has more bytes than a line.
pub(crate) fn short(write: impl FnOnce(&mut Line) -> fmt::Result) -> HeaderValue {
    let mut line = Line::default();
    let written = write(&mut line).ok();
    let value = written.and_then(|()| HeaderValue::from_bytes(line.as_bytes()).ok());
    value.unwrap_or_else(|| HeaderValue::from_static(""))
}

pub(crate) fn number(number: u64) -> HeaderValue {
    HeaderValue::from(number)
}

/// Adds `Stream-Next-Offset`.
pub(crate) fn put_next_offset(headers: &mut HeaderMap, offset: Offset) {
    headers.insert(headers::NEXT_OFFSET, short(|line| offset.write_to(line)));
}

/// Adds `Stream-Start-Offset`, where the reader did not know it.
pub(crate) fn put_start_offset(headers: &mut HeaderMap, offset: Offset) {
    headers.insert(headers::START_OFFSET, short(|line| offset.write_to(line)));
}

/// Adds `Stream-Earliest-Offset`, where the stream has given something up.
pub(crate) fn put_earliest_offset(headers: &mut HeaderMap, state: &StreamState) {
    if let Some(offset) = earliest_offset(state) {
        headers.insert(headers::EARLIEST_OFFSET, offset);
    }
}

/// Where a stream begins that has given something up.
pub(crate) fn earliest_offset(state: &StreamState) -> Option<HeaderValue> {
    (state.floor.sequence > 0).then(|| short(|line| state.floor_offset().write_to(line)))
}

/// Adds `Content-Type` of a stream, as it was created.
pub(crate) fn put_content_type(headers: &mut HeaderMap, content_type: &ContentType) {
    let value = HeaderValue::from_str(content_type.as_str());
    // Parameters may hold letters beyond ASCII, which are sent as the bytes they came as.
    let value = value.or_else(|_| HeaderValue::from_bytes(content_type.as_str().as_bytes()));
    headers.insert(CONTENT_TYPE, value.unwrap_or_else(|_| HeaderValue::from_static("")));
}

/// Adds `Stream-Closed: true` when the stream is closed.
pub(crate) fn put_closed(headers: &mut HeaderMap, state: &StreamState) {
    if state.closed.is_some() {
        headers.insert(headers::CLOSED, headers::TRUE);
    }
}

/// Adds the tag of the stream as a whole, which `If-Match` takes.
pub(crate) fn put_stream_tag(headers: &mut HeaderMap, state: &StreamState) {
    headers.insert(ETAG, short(|line| StreamTag::of(state).write_to(line)));
}

/// Adds `Cache-Control`.
pub(crate) fn put_cache(headers: &mut HeaderMap, policy: &'static str) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(policy));
}
