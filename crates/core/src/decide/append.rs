//! Append, append-and-close, and close.
//!
//! The order of checks: missing, deleted, closed, content type, producer, expectation, `Stream-Seq`, body, size. A
//! duplicate is answered before anything after it is looked at, and nothing changes unless all pass.

use std::sync::Arc;

use crate::cache::StreamTag;
use crate::change::{Change, Closed, Effect, ProducerChange, Unit, Update};
use crate::command::{Append, Body, Closing, Expect};
use crate::decide::producer::{Verdict, judge};
use crate::decide::{Decision, Limits, Need, View, remove};
use crate::error::AppendError;
use crate::key::StreamKey;
use crate::offset::{Lineage, MAX_NUMBER};
use crate::producer::ProducerState;
use crate::record::{Batch, MAX_RECORDS};
use crate::state::{Slot, StreamState};
use crate::time::Timestamp;

/// Whether an append did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It was committed now.
    Committed,
    /// It had been committed before: a repeated close, or a producer's duplicate.
    Duplicate,
}

/// A successful append or close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The stream after it. Where it begins a renewal the number of that is known when storage has told it:
    /// [`StreamState::numbered`].
    pub state: Arc<StreamState>,
    /// Whether it did something.
    pub freshness: Freshness,
    /// The producer's row after it: for a duplicate, the highest accepted sequence.
    pub producer: Option<ProducerState>,
}

/// Decides an append.
pub fn append(
    view: &impl View,
    limits: Limits,
    key: &StreamKey,
    command: &Append,
    now: Timestamp,
) -> Decision<Appended, AppendError> {
    let Some(slot) = view.slot(key) else { return Decision::Need(Need::Stream(key.clone())) };
    let state = match &slot {
        Slot::Absent => return Decision::refuse(AppendError::NotFound, key, &slot),
        Slot::SoftDeleted(_) => return Decision::refuse(AppendError::Gone, key, &slot),
        Slot::Live(state) if state.expired(now) => return remove::first(view, key, now),
        Slot::Live(state) => state,
    };
    if let Some(closed) = &state.closed {
        return Decision::reply(repeated_close(state, closed, command), key, &slot);
    }
    if let Err(error) = same_type(state, command) {
        return Decision::refuse(error, key, &slot);
    }
    let producer = match &command.producer {
        None => None,
        Some(tuple) => {
            let Some(known) = view.producer(key, &tuple.id) else {
                return Decision::Need(Need::Producer(key.clone(), tuple.id.clone()));
            };
            match judge(state, known, tuple, limits) {
                Ok(Verdict::Accept(change)) => Some(change),
                Ok(Verdict::Duplicate(row)) => {
                    let outcome = duplicate(state, Some(row));
                    return Decision::reply(Ok(outcome), key, &slot);
                }
                Err(error) => return Decision::refuse(error, key, &slot),
            }
        }
    };
    match update(state, command, producer, now) {
        Ok(update) => commit(key, &slot, state, update),
        Err(error) => Decision::refuse(error, key, &slot),
    }
}

fn commit(
    key: &StreamKey,
    slot: &Slot,
    state: &Arc<StreamState>,
    update: Update,
) -> Decision<Appended, AppendError> {
    let producer = update.producer.as_ref().map(|change| change.row().1);
    let mut after = StreamState::clone(state);
    after.advance(&update, Lineage(0));
    let effect = Effect::Update(Box::new(update));
    let unit = Unit::of(Change { key: key.clone(), basis: slot.version(), effect });
    let outcome = Appended { state: Arc::new(after), freshness: Freshness::Committed, producer };
    Decision::Commit { unit, outcome }
}

fn duplicate(state: &Arc<StreamState>, producer: Option<ProducerState>) -> Appended {
    Appended { state: Arc::clone(state), freshness: Freshness::Duplicate, producer }
}

/// A closed stream accepts nothing, and recognises the request that closed it and a plain repeated close.
fn repeated_close(
    state: &Arc<StreamState>,
    closed: &Closed,
    command: &Append,
) -> Result<Appended, AppendError> {
    let row = command.producer.as_ref().map(|t| ProducerState { epoch: t.epoch, seq: t.seq });
    let same_tuple = command.producer.is_some() && command.producer == closed.by;
    let plain_close = command.producer.is_none()
        && command.closing == Closing::Close
        && command.body == Body::Empty;
    if same_tuple || plain_close {
        Ok(duplicate(state, row))
    } else {
        Err(AppendError::Closed { tail: state.tail_offset() })
    }
}

/// A request without a body is a close, whatever content type a library attached to it.
fn same_type(state: &StreamState, command: &Append) -> Result<(), AppendError> {
    let declared = command.content_type.as_ref();
    let differs = declared.is_some_and(|given| !given.same_type(&state.content_type));
    let framed_for_another =
        matches!(&command.body, Body::Records { kind, .. } if *kind != state.content_type.kind());
    if command.body != Body::Empty && (differs || framed_for_another) {
        return Err(AppendError::ContentTypeMismatch {
            expected: state.content_type.as_str().to_owned(),
        });
    }
    Ok(())
}

fn update(
    state: &StreamState,
    command: &Append,
    producer: Option<ProducerChange>,
    now: Timestamp,
) -> Result<Update, AppendError> {
    expectation(state, command.expect)?;
    if let Some(seq) = &command.stream_seq
        && state.stream_seq.as_ref().is_some_and(|last| seq <= last)
    {
        return Err(AppendError::StreamSeqRegression);
    }
    let batch = match (&command.body, command.closing) {
        (Body::Records { batch, .. }, _) => Some(fitting(state, batch)?),
        (Body::Empty, Closing::Close) => None,
        (Body::Empty, Closing::KeepOpen) => return Err(AppendError::EmptyBody),
        (Body::EmptyArray, _) => return Err(AppendError::EmptyArray),
        (Body::TooMany, _) => return Err(AppendError::TooManyRecords),
        (Body::Invalid(error), _) => return Err(error.clone().into()),
    };
    let closed = (command.closing == Closing::Close)
        .then(|| Arc::new(Closed { by: command.producer.clone() }));
    let stream_seq = command.stream_seq.clone();
    Ok(Update { batch, producer, stream_seq, closed, used_at: Some(now), ..Update::default() })
}

fn expectation(state: &StreamState, expect: Expect) -> Result<(), AppendError> {
    let met = match expect {
        Expect::Anything => true,
        Expect::Position(position) => state.tail.position == position,
        Expect::Sequence(sequence) => state.tail.sequence == sequence,
        Expect::Tag(tag) => {
            let current = StreamTag::of(state);
            if tag != current {
                return Err(AppendError::PreconditionFailed { current, tail: state.tail_offset() });
            }
            true
        }
    };
    if met { Ok(()) } else { Err(AppendError::SequenceConflict { actual: state.tail }) }
}

fn fitting(state: &StreamState, batch: &Batch) -> Result<Batch, AppendError> {
    if batch.records().len() > MAX_RECORDS {
        return Err(AppendError::TooManyRecords);
    }
    let end = state.tail.position.saturating_add(batch.payload().len() as u64);
    if end > MAX_NUMBER { Err(AppendError::TooLarge) } else { Ok(batch.clone()) }
}
