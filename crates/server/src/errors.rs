//! Errors as this door answers them.
//!
//! A `Problem` is a refusal with its code, text, and the fields and headers that let a caller act. Which
//! status a code becomes is decided here and nowhere else: [`status`]. Turning failures of the engine into
//! problems is in `convert`, writing the JSON body in `render`.

mod convert;
mod problem;
mod render;

pub(crate) use problem::{Field, Problem};

use std::time::Duration;

use headwater_core::Code;
use http::StatusCode;

/// The status of a code: the one table.
#[must_use]
pub fn status(code: Code) -> StatusCode {
    match code {
        Code::InvalidRequest
        | Code::InvalidName
        | Code::InvalidJson
        | Code::OffsetInvalid
        | Code::OffsetBeyondTail
        | Code::ProducerEpochInvalid => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::ProducerFenced | Code::QuotaExceeded => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::Timeout => StatusCode::REQUEST_TIMEOUT,
        Code::AlreadyExists
        | Code::ConfigMismatch
        | Code::SourceGone
        | Code::ContentTypeMismatch
        | Code::StreamClosed
        | Code::SequenceConflict
        | Code::StreamSeqRegression
        | Code::ProducerGap
        | Code::ProducerLimit => StatusCode::CONFLICT,
        Code::Gone | Code::OffsetExpired => StatusCode::GONE,
        Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::UnknownOutcome | Code::Corrupt | Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::Overloaded | Code::StoragePoisoned | Code::Draining => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Code::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
    }
}

/// When a caller may try again, for codes that say so in `Retry-After`; whole seconds.
///
/// What is in flight drains within a second; a server that stops is replaced within a few; space and a failed
/// disk need somebody's hand.
#[must_use]
pub fn retry_after(code: Code) -> Option<Duration> {
    match code {
        Code::Overloaded | Code::RateLimited => Some(Duration::from_secs(1)),
        Code::Draining => Some(Duration::from_secs(2)),
        Code::StorageFull | Code::StoragePoisoned => Some(Duration::from_secs(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::error::{Outcome, Retry};

    #[test]
    fn every_code_has_a_status_that_fits_what_the_code_says() {
        for &code in Code::ALL {
            let status = status(code);
            assert!(status.is_client_error() || status.is_server_error(), "{code:?} {status}");
            if code.outcome() == Outcome::Unknown {
                assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{code:?}");
            }
            if code.retry() == Retry::No && code != Code::Corrupt {
                assert!(status.is_client_error(), "{code:?} {status}");
            }
            let asks_to_wait =
                matches!(status.as_u16(), 429 | 503) || status == StatusCode::INSUFFICIENT_STORAGE;
            assert_eq!(retry_after(code).is_some(), asks_to_wait, "{code:?} {status}");
        }
    }

    #[test]
    fn statuses_that_the_protocol_fixes() {
        for (code, expected) in [
            (Code::NotFound, 404),
            (Code::Gone, 410),
            (Code::AlreadyExists, 409),
            (Code::ConfigMismatch, 409),
            (Code::SourceGone, 409),
            (Code::ContentTypeMismatch, 409),
            (Code::StreamClosed, 409),
            (Code::StreamSeqRegression, 409),
            (Code::ProducerFenced, 403),
            (Code::ProducerGap, 409),
            (Code::ProducerEpochInvalid, 400),
            (Code::PreconditionFailed, 412),
            (Code::OffsetInvalid, 400),
            (Code::OffsetBeyondTail, 400),
            (Code::OffsetExpired, 410),
            (Code::TooLarge, 413),
            (Code::MethodNotAllowed, 405),
            (Code::Overloaded, 503),
        ] {
            assert_eq!(status(code).as_u16(), expected, "{code:?}");
        }
    }
}
