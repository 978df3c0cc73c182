//! Answers in one shape, so that those of the crate and those of the model can be compared.

use headwater_core::decide::{Appended, Created, Existence, Freshness, Truncated};
use headwater_core::error::Code;
use headwater_core::{AccessError, AppendError, CreateError, ProducerTuple};

use crate::model::Token;

/// What a command was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Created,
    Confirmed,
    Appended {
        freshness: Freshness,
        tail: Token,
        sequence: u64,
        closed_by: Option<Option<ProducerTuple>>,
        /// Epoch and sequence.
        producer: Option<(u64, u64)>,
    },
    Truncated {
        freshness: Freshness,
        floor: Token,
        sequence: u64,
    },
    /// So many bytes were given up.
    Retained(u64),
    Done,
    Refused(Code, Detail),
}

/// What lets the caller act on a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    Nothing,
    /// What differs. The crate names the first thing it finds, the model all of them.
    Differs(Vec<&'static str>),
    Type(String),
    Tail(Token),
    Epoch(u64),
    Gap {
        expected: u64,
        received: u64,
    },
    At {
        position: u64,
        sequence: u64,
    },
    Tag {
        text: String,
        tail: Token,
    },
}

impl Answer {
    /// Whether this answer, of the crate, is the one that the model expects.
    pub(crate) fn agrees_with(&self, model: &Self) -> bool {
        match (self, model) {
            (
                Self::Refused(code, Detail::Differs(named)),
                Self::Refused(expected, Detail::Differs(all)),
            ) => code == expected && named.iter().all(|what| all.contains(what)),
            _ => self == model,
        }
    }
}

impl From<Result<Created, CreateError>> for Answer {
    fn from(result: Result<Created, CreateError>) -> Self {
        match result {
            Ok(Created { existence: Existence::New(_) }) => Self::Created,
            Ok(Created { existence: Existence::Confirmed(_) }) => Self::Confirmed,
            Err(error) => {
                let detail = match &error {
                    CreateError::ConfigMismatch(what) => Detail::Differs(vec![what]),
                    _ => Detail::Nothing,
                };
                Self::Refused(error.code(), detail)
            }
        }
    }
}

impl From<Result<Appended, AppendError>> for Answer {
    fn from(result: Result<Appended, AppendError>) -> Self {
        match result {
            Ok(Appended { state, freshness, producer }) => Self::Appended {
                freshness,
                tail: state.tail_offset().into(),
                sequence: state.tail.sequence,
                closed_by: state.closed.as_ref().map(|closed| closed.by.clone()),
                producer: producer.map(|row| (row.epoch.get(), row.seq.get())),
            },
            Err(error) => Self::Refused(error.code(), detail(error)),
        }
    }
}

fn detail(error: AppendError) -> Detail {
    match error {
        AppendError::Closed { tail } => Detail::Tail(tail.into()),
        AppendError::ContentTypeMismatch { expected } => Detail::Type(expected),
        AppendError::ProducerFenced { current } => Detail::Epoch(current.get()),
        AppendError::ProducerGap { expected, received } => {
            Detail::Gap { expected, received: received.get() }
        }
        AppendError::SequenceConflict { actual } => {
            Detail::At { position: actual.position, sequence: actual.sequence }
        }
        AppendError::PreconditionFailed { current, tail } => {
            Detail::Tag { text: current.to_string(), tail: tail.into() }
        }
        _ => Detail::Nothing,
    }
}

impl From<Result<Truncated, AccessError>> for Answer {
    fn from(result: Result<Truncated, AccessError>) -> Self {
        match result {
            Ok(Truncated { state, freshness }) => Self::Truncated {
                freshness,
                floor: state.floor_offset().into(),
                sequence: state.floor.sequence,
            },
            Err(error) => Self::Refused(error.code(), Detail::Nothing),
        }
    }
}

impl From<Result<u64, AccessError>> for Answer {
    fn from(result: Result<u64, AccessError>) -> Self {
        match result {
            Ok(bytes) => Self::Retained(bytes),
            Err(error) => Self::Refused(error.code(), Detail::Nothing),
        }
    }
}

impl From<Result<(), AccessError>> for Answer {
    fn from(result: Result<(), AccessError>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Refused(error.code(), Detail::Nothing),
        }
    }
}
