//! What came back.

use bytes::Bytes;
use headwater_core::Offset;
use http::{HeaderMap, StatusCode};

use crate::error::{Refusal, RequestError};

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The same, if it is no refusal.
    pub(super) fn accepted(self) -> Result<Self, RequestError> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(RequestError::Refused(Refusal::of(&self)))
    }

    /// A header, if it is there and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether a header that is `true` or absent is there.
    pub(crate) fn says(&self, name: &str) -> bool {
        self.header(name) == Some("true")
    }

    /// A header that holds an offset, if it is there.
    pub(crate) fn offset(&self, name: &str) -> Result<Option<Offset>, RequestError> {
        let Some(value) = self.headers.get(name) else { return Ok(None) };
        let offset = value.to_str().ok().and_then(|token| token.parse().ok());
        offset.map(Some).ok_or(RequestError::Foreign("an offset is none"))
    }
}
