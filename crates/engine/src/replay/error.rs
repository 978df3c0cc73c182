//! What the engine's errors mean for a log of events.

use headwater_core::AccessError;
use headwater_sse::replay::{AppendError, ReadError};

use crate::{Failure, ServiceError};

/// Only an unknown outcome leaves open whether the event is in the log.
pub(super) fn of_append(failure: Failure<headwater_core::AppendError>) -> AppendError {
    match failure {
        Failure::Service(ServiceError::Unknown) => {
            AppendError::Unknown(Box::new(ServiceError::Unknown))
        }
        failure => AppendError::Refused(Box::new(failure)),
    }
}

pub(super) fn of_access(failure: Failure<AccessError>) -> ReadError {
    match failure {
        Failure::Service(error @ ServiceError::Corrupt(_)) => ReadError::Damaged(Box::new(error)),
        failure => ReadError::Unavailable(Box::new(failure)),
    }
}
