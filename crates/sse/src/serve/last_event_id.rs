//! The header that a client comes back with.

use http::{HeaderMap, HeaderName};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The id of the last event a client had, from the header `Last-Event-ID`; with the feature `axum` an
/// extractor that never fails.
///
/// Whether it means anything is for the log to say ([`resume`](crate::replay::resume)). Bytes that
/// are not UTF-8 become U+FFFD, and several headers one list, so that no log takes them for an id
/// of its own by accident.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastEventId(Option<Box<str>>);

impl LastEventId {
    /// The one in a request's headers, if there is one.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(LAST_EVENT_ID).iter();
        let Some(first) = values.next() else { return Self(None) };
        let mut text = String::from_utf8_lossy(first.as_bytes()).into_owned();
        for value in values {
            text.push_str(", ");
            text.push_str(&String::from_utf8_lossy(value.as_bytes()));
        }
        Self(Some(text.into_boxed_str()))
    }

    /// The id, if the client had one.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}
