//! What a request's errors mean for a log of events.

use headwater_core::{Code, Outcome};
use headwater_sse::replay::{AppendError, ReadError};

use crate::error::RequestError;

/// What became of an append of so many bytes.
pub(super) fn of_append(error: RequestError, size: usize) -> AppendError {
    if let RequestError::Refused(refusal) = &error
        && refusal.code == Some(Code::TooLarge)
        && let Some(limit) = refusal.limit_bytes
    {
        return AppendError::TooLarge { size, limit: usize::try_from(limit).unwrap_or(usize::MAX) };
    }
    match error.outcome() {
        Outcome::Definite => AppendError::Refused(error.into()),
        Outcome::Unknown => AppendError::Unknown(error.into()),
    }
}

pub(super) fn of_read(error: RequestError) -> ReadError {
    match error.code() {
        Some(Code::Corrupt) => ReadError::Damaged(error.into()),
        _ => ReadError::Unavailable(error.into()),
    }
}
