//! Every header this server reads or writes beyond the standard ones, and the set that is on every response.
//!
//! Names live here alone, so that the list that browsers may see ([`EXPOSED`]) and the list they may send
//! ([`ALLOWED`]) stand beside them.

use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderMap, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};

/// The offset to read from next; the tail on answers to writes.
pub const NEXT_OFFSET: HeaderName = HeaderName::from_static("stream-next-offset");
/// Where a read began that looked for its place.
pub const START_OFFSET: HeaderName = HeaderName::from_static("stream-start-offset");
/// Where a stream begins that has given something up.
pub const EARLIEST_OFFSET: HeaderName = HeaderName::from_static("stream-earliest-offset");
/// Present when everything there was at the time of the answer has been returned.
pub const UP_TO_DATE: HeaderName = HeaderName::from_static("stream-up-to-date");
/// Asks to close, and tells that a stream is closed.
pub const CLOSED: HeaderName = HeaderName::from_static("stream-closed");
/// The cursor of a live read.
pub const CURSOR: HeaderName = HeaderName::from_static("stream-cursor");
/// The sliding lifetime, in seconds.
pub const TTL: HeaderName = HeaderName::from_static("stream-ttl");
/// The lifetime after closing, in seconds.
pub const TTL_AFTER_CLOSE: HeaderName = HeaderName::from_static("stream-ttl-after-close");
/// The fixed end of life, RFC 3339.
pub const EXPIRES_AT: HeaderName = HeaderName::from_static("stream-expires-at");
/// How many payload bytes a stream keeps.
pub const RETENTION_BYTES: HeaderName = HeaderName::from_static("stream-retention-bytes");
/// How many seconds a stream keeps a record.
pub const RETENTION_SECONDS: HeaderName = HeaderName::from_static("stream-retention-seconds");
/// The application's writer sequence.
pub const STREAM_SEQ: HeaderName = HeaderName::from_static("stream-seq");
/// The path of the stream to fork.
pub const FORKED_FROM: HeaderName = HeaderName::from_static("stream-forked-from");
/// Where to fork it.
pub const FORK_OFFSET: HeaderName = HeaderName::from_static("stream-fork-offset");
/// Bytes or messages past the fork offset.
pub const FORK_SUB_OFFSET: HeaderName = HeaderName::from_static("stream-fork-sub-offset");
/// How the payload of events is encoded; `base64` or absent.
pub const SSE_DATA_ENCODING: HeaderName = HeaderName::from_static("stream-sse-data-encoding");
/// A producer's name.
pub const PRODUCER_ID: HeaderName = HeaderName::from_static("producer-id");
/// A producer's epoch.
pub const PRODUCER_EPOCH: HeaderName = HeaderName::from_static("producer-epoch");
/// A producer's sequence; on answers the highest accepted one.
pub const PRODUCER_SEQ: HeaderName = HeaderName::from_static("producer-seq");
/// The sequence that would have been next.
pub const PRODUCER_EXPECTED_SEQ: HeaderName = HeaderName::from_static("producer-expected-seq");
/// The sequence that came instead.
pub const PRODUCER_RECEIVED_SEQ: HeaderName = HeaderName::from_static("producer-received-seq");
/// The id of the last event a reconnecting `EventSource` saw.
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells a well-known proxy to pass events on as they come.
pub const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Lets pages of other origins load a response.
pub const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// The name of a request in logs, taken from the client or made.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The trace a request is a part of.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// `Cache-Control` of a page that was read by offset, the one that is sent often enough not to be checked each time.
pub(crate) const CACHE_PAGE: HeaderValue =
    HeaderValue::from_static(headwater_core::cache::CACHE_PAGE);

/// The value of every header that is `true` or absent.
pub const TRUE: HeaderValue = HeaderValue::from_static("true");

/// Methods that a stream has.
pub const STREAM_METHODS: HeaderValue =
    HeaderValue::from_static("GET, POST, PUT, DELETE, HEAD, OPTIONS");
/// Methods of what can only be done.
pub const DO_METHODS: HeaderValue = HeaderValue::from_static("POST, OPTIONS");
/// Methods of resources that can only be looked at.
pub const READ_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Request headers that a page of another origin may send.
pub const ALLOWED: HeaderValue = HeaderValue::from_static(
    "Content-Type, Authorization, If-Match, If-None-Match, Last-Event-ID, Stream-Seq, Stream-TTL, \
     Stream-TTL-After-Close, Stream-Expires-At, Stream-Retention-Bytes, Stream-Retention-Seconds, Stream-Closed, Producer-Id, Producer-Epoch, Producer-Seq, Stream-Forked-From, \
     Stream-Fork-Offset, Stream-Fork-Sub-Offset, X-Request-Id, traceparent",
);

/// Response headers that a page of another origin may see.
pub const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Stream-Next-Offset, Stream-Start-Offset, Stream-Earliest-Offset, Stream-Cursor, Stream-Up-To-Date, Stream-Closed, Stream-TTL, Stream-TTL-After-Close, Stream-Expires-At, \
     Stream-Retention-Bytes, Stream-Retention-Seconds, \
     Stream-SSE-Data-Encoding, ETag, Location, Content-Type, Content-Encoding, Vary, Retry-After, \
     Producer-Epoch, Producer-Seq, Producer-Expected-Seq, Producer-Received-Seq, X-Request-Id",
);

/// Adds what every response carries, errors and event streams included, unless it was prepared with them.
pub fn put_common(headers: &mut HeaderMap) {
    if headers.contains_key(ACCESS_CONTROL_EXPOSE_HEADERS) {
        return;
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

/// Adds what every response to operators carries: no page of any origin may read them.
pub(crate) fn put_private(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(list: &HeaderValue) -> Vec<String> {
        list.to_str().unwrap().split(',').map(|name| name.trim().to_ascii_lowercase()).collect()
    }

    #[test]
    fn browsers_may_send_what_is_read_and_see_what_is_written() {
        let (allowed, exposed) = (listed(&ALLOWED), listed(&EXPOSED));
        let read = [
            CLOSED,
            TTL,
            TTL_AFTER_CLOSE,
            EXPIRES_AT,
            STREAM_SEQ,
            FORKED_FROM,
            FORK_OFFSET,
            FORK_SUB_OFFSET,
            PRODUCER_ID,
            PRODUCER_EPOCH,
            PRODUCER_SEQ,
            LAST_EVENT_ID,
        ];
        let written = [
            NEXT_OFFSET,
            EARLIEST_OFFSET,
            UP_TO_DATE,
            CLOSED,
            CURSOR,
            TTL,
            TTL_AFTER_CLOSE,
            EXPIRES_AT,
            SSE_DATA_ENCODING,
            PRODUCER_EPOCH,
            PRODUCER_SEQ,
            PRODUCER_EXPECTED_SEQ,
            PRODUCER_RECEIVED_SEQ,
        ];
        for name in read {
            assert!(allowed.iter().any(|one| one == name.as_str()), "{name}");
        }
        for name in written {
            assert!(exposed.iter().any(|one| one == name.as_str()), "{name}");
        }
        for name in allowed.iter().chain(&exposed) {
            assert!(HeaderName::from_bytes(name.as_bytes()).is_ok(), "{name:?}");
        }
    }
}
