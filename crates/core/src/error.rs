//! The error taxonomy: one list of codes that every door carries without loss.
//!
//! A [`Code`] tells what happened, whether trying again can help ([`Code::retry`]), and whether the effect may have happened
//! ([`Code::outcome`]). The fields that let a caller act are in the errors of the operations ([`AppendError`] and its kin),
//! which are all a decision can refuse with. Which HTTP status, WebSocket frame or exit code a code becomes is written
//! once, in the server.

use crate::json::InvalidJson;
use crate::offset::{Offset, OffsetError};
use crate::producer::ProducerNumber;
use crate::record::MAX_RECORDS;
use crate::state::Tail;

/// Whether the effect may have happened although the caller got an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did not happen.
    Definite,
    /// It may have happened, or may still happen.
    Unknown,
}

/// Whether the same request can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Not unless the caller changes something.
    No,
    /// Yes, after a while.
    Later,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $retry:ident, $outcome:ident;)*) => {
        /// What went wrong, as stable text for programs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The text that goes over the wire. Clients decide by it, never by the message.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Whether trying again can help.
            #[must_use]
            pub fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry,)* }
            }

            /// Whether the effect may have happened.
            #[must_use]
            pub fn outcome(self) -> Outcome {
                match self { $(Self::$name => Outcome::$outcome,)* }
            }
        }
    };
}

codes! {
    /// No such stream.
    NotFound = "not_found", No, Definite;
    /// The stream was deleted; forks still keep its name.
    Gone = "gone", No, Definite;
    /// The name is taken by a stream that was deleted and is kept for its forks.
    AlreadyExists = "already_exists", No, Definite;
    /// A stream of that name exists with another configuration.
    ConfigMismatch = "config_mismatch", No, Definite;
    /// The stream to fork was deleted.
    SourceGone = "source_gone", No, Definite;
    /// The content type is not the stream's.
    ContentTypeMismatch = "content_type_mismatch", No, Definite;
    /// The stream is closed.
    StreamClosed = "stream_closed", No, Definite;
    /// The expected position or sequence is not the stream's tail.
    SequenceConflict = "sequence_conflict", No, Definite;
    /// `Stream-Seq` is not greater than the last one.
    StreamSeqRegression = "stream_seq_regression", No, Definite;
    /// `If-Match` does not match.
    PreconditionFailed = "precondition_failed", No, Definite;
    /// The producer's epoch is older than the stream knows.
    ProducerFenced = "producer_fenced", No, Definite;
    /// The producer's sequence skips some.
    ProducerGap = "producer_gap", Later, Definite;
    /// A new epoch does not begin with sequence 0.
    ProducerEpochInvalid = "producer_epoch_invalid", No, Definite;
    /// The stream remembers as many producers as it may.
    ProducerLimit = "producer_limit", No, Definite;
    /// The offset is malformed or not on a boundary.
    OffsetInvalid = "offset_invalid", No, Definite;
    /// The offset lies past the tail.
    OffsetBeyondTail = "offset_beyond_tail", No, Definite;
    /// The offset points at data that is not there any more.
    OffsetExpired = "offset_expired", No, Definite;
    /// The request is malformed.
    InvalidRequest = "invalid_request", No, Definite;
    /// The stream's name is malformed.
    InvalidName = "invalid_name", No, Definite;
    /// The body is not the JSON it has to be.
    InvalidJson = "invalid_json", No, Definite;
    /// The method does not exist here.
    MethodNotAllowed = "method_not_allowed", No, Definite;
    /// Larger than a limit.
    TooLarge = "too_large", No, Definite;
    /// No valid credentials.
    Unauthenticated = "unauthenticated", No, Definite;
    /// The credentials do not allow it.
    Forbidden = "forbidden", No, Definite;
    /// Too many requests.
    RateLimited = "rate_limited", Later, Definite;
    /// More than the tenant may have.
    QuotaExceeded = "quota_exceeded", No, Definite;
    /// The server has as much in flight as it may.
    Overloaded = "overloaded", Later, Definite;
    /// No room on disk.
    StorageFull = "storage_full", Later, Definite;
    /// An earlier write failed; the server must be restarted.
    StoragePoisoned = "storage_poisoned", Later, Definite;
    /// Stored data is damaged.
    Corrupt = "corrupt", No, Definite;
    /// The request took too long to arrive.
    Timeout = "timeout", Later, Definite;
    /// The server is stopping.
    Draining = "draining", Later, Definite;
    /// The request may or may not have taken effect.
    UnknownOutcome = "unknown_outcome", Later, Unknown;
    /// A fault of the server's.
    Internal = "internal", Later, Unknown;
}

/// Why a stream was not created or confirmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The name is kept by a deleted stream that has forks.
    #[error("a deleted stream still holds this name for its forks")]
    SoftDeleted,
    /// It exists and differs; the text names in what.
    #[error("the stream exists with another {0}")]
    ConfigMismatch(&'static str),
    /// The stream to fork does not exist.
    #[error("the stream to fork does not exist")]
    SourceNotFound,
    /// The stream to fork was deleted.
    #[error("the stream to fork was deleted")]
    SourceGone,
    /// The content type is not the source's.
    #[error("the content type is not the source stream's")]
    ContentTypeMismatch,
    /// The fork offset does not point into the source.
    #[error("fork offset: {0}")]
    ForkOffset(OffsetError),
    /// The sub-offset reaches past the next message.
    #[error("the fork sub-offset reaches past the next message of the source")]
    SubOffset,
    /// The body is not JSON.
    #[error(transparent)]
    InvalidJson(#[from] InvalidJson),
    /// The stream would outgrow what offsets can express.
    #[error("the stream has reached its largest size")]
    TooLarge,
    /// More records than [`MAX_RECORDS`].
    #[error("more than {MAX_RECORDS} records at once")]
    TooManyRecords,
}

impl CreateError {
    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::SoftDeleted => Code::AlreadyExists,
            Self::ConfigMismatch(_) => Code::ConfigMismatch,
            Self::SourceNotFound => Code::NotFound,
            Self::SourceGone => Code::SourceGone,
            Self::ContentTypeMismatch => Code::ContentTypeMismatch,
            Self::ForkOffset(OffsetError::Beyond) => Code::OffsetBeyondTail,
            Self::ForkOffset(OffsetError::Expired) => Code::OffsetExpired,
            Self::ForkOffset(OffsetError::Unaligned) | Self::SubOffset => Code::OffsetInvalid,
            Self::InvalidJson(_) => Code::InvalidJson,
            Self::TooLarge | Self::TooManyRecords => Code::TooLarge,
        }
    }
}

/// Why nothing was appended or closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// No such stream.
    #[error("the stream does not exist")]
    NotFound,
    /// Deleted, kept for forks.
    #[error("the stream was deleted")]
    Gone,
    /// Closed; the final offset.
    #[error("the stream is closed")]
    Closed {
        /// The final offset.
        tail: Offset,
    },
    /// Another content type.
    #[error("the content type is not the stream's, which is {expected}")]
    ContentTypeMismatch {
        /// The stream's.
        expected: String,
    },
    /// An older epoch.
    #[error("the producer was fenced by epoch {current}")]
    ProducerFenced {
        /// The epoch the stream knows.
        current: ProducerNumber,
    },
    /// Skipped sequences.
    #[error("the producer skipped sequences: expected {expected}, received {received}")]
    ProducerGap {
        /// The next one.
        expected: u64,
        /// The one that came.
        received: ProducerNumber,
    },
    /// A new epoch that does not begin with 0.
    #[error("a new producer epoch must begin with sequence 0")]
    ProducerEpochInvalid,
    /// Too many producers.
    #[error("the stream remembers as many producers as it may")]
    ProducerLimit,
    /// The expected tail is not the tail.
    #[error("the stream is at position {}, sequence {}", actual.position, actual.sequence)]
    SequenceConflict {
        /// Where it is.
        actual: Tail,
    },
    /// `If-Match` does not match.
    #[error("the stream is not at the state that If-Match names")]
    PreconditionFailed {
        /// The tag it has.
        current: crate::cache::StreamTag,
        /// The tail.
        tail: Offset,
    },
    /// Not greater than the last one.
    #[error("the stream sequence is not greater than the last accepted one")]
    StreamSeqRegression,
    /// Nothing to append and not a close.
    #[error("an append needs a body")]
    EmptyBody,
    /// A JSON body without a message.
    #[error("an append needs at least one JSON message")]
    EmptyArray,
    /// Not JSON.
    #[error(transparent)]
    InvalidJson(#[from] InvalidJson),
    /// The stream would outgrow what offsets can express.
    #[error("the stream has reached its largest size")]
    TooLarge,
    /// More records than [`MAX_RECORDS`].
    #[error("more than {MAX_RECORDS} records at once")]
    TooManyRecords,
}

impl AppendError {
    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Gone => Code::Gone,
            Self::Closed { .. } => Code::StreamClosed,
            Self::ContentTypeMismatch { .. } => Code::ContentTypeMismatch,
            Self::ProducerFenced { .. } => Code::ProducerFenced,
            Self::ProducerGap { .. } => Code::ProducerGap,
            Self::ProducerEpochInvalid => Code::ProducerEpochInvalid,
            Self::ProducerLimit => Code::ProducerLimit,
            Self::SequenceConflict { .. } => Code::SequenceConflict,
            Self::PreconditionFailed { .. } => Code::PreconditionFailed,
            Self::StreamSeqRegression => Code::StreamSeqRegression,
            Self::EmptyBody => Code::InvalidRequest,
            Self::EmptyArray | Self::InvalidJson(_) => Code::InvalidJson,
            Self::TooLarge | Self::TooManyRecords => Code::TooLarge,
        }
    }
}

/// Why a stream could not be deleted, looked at, or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// No such stream.
    #[error("the stream does not exist")]
    NotFound,
    /// Deleted, kept for forks.
    #[error("the stream was deleted")]
    Gone,
    /// The offset does not point into it.
    #[error(transparent)]
    Offset(#[from] OffsetError),
}

impl AccessError {
    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Gone => Code::Gone,
            Self::Offset(OffsetError::Beyond) => Code::OffsetBeyondTail,
            Self::Offset(OffsetError::Expired) => Code::OffsetExpired,
            Self::Offset(OffsetError::Unaligned) => Code::OffsetInvalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_unique_and_snake_case() {
        let texts: std::collections::BTreeSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        assert!(texts.iter().all(|t| t.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }
}
