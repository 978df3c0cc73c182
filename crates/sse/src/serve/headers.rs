//! The head of an event stream, in one place.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};

const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The media type with the charset that it always has.
pub(super) const WITH_CHARSET: HeaderValue =
    HeaderValue::from_static("text/event-stream; charset=utf-8");

/// What every response with an event stream says.
///
/// That it is one; that nobody keeps it, and that nobody on the way changes it, by compressing it
/// for example, which would hold events back; and that nginx sends on what it gets.
pub const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
    (CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
    (ACCEL_BUFFERING, HeaderValue::from_static("no")),
];
