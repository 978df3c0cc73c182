//! Truncate: giving up the beginning of a stream.
//!
//! The floor rises to an offset between two records, and never falls. What lies before it is answered as expired from
//! then on. Forks inherit the floor that their source has when they are made, so one that was made before keeps what it
//! inherited. A closed stream can be truncated: it ends where it did.

use std::sync::Arc;

use crate::change::{Change, Effect, Unit, Update};
use crate::decide::{BoundaryQuestion, Decision, Freshness, Need, View, remove};
use crate::error::AccessError;
use crate::key::StreamKey;
use crate::offset::{Lineage, Offset, OffsetError};
use crate::state::{Slot, StreamState, Tail};
use crate::time::Timestamp;

/// A successful truncation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncated {
    /// The stream after it.
    pub state: Arc<StreamState>,
    /// Whether it did something: what was given up before is given up.
    pub freshness: Freshness,
}

/// Decides to give up everything before an offset.
pub fn truncate(
    view: &impl View,
    key: &StreamKey,
    offset: Offset,
    now: Timestamp,
) -> Decision<Truncated, AccessError> {
    let Some(slot) = view.slot(key) else { return Decision::Need(Need::Stream(key.clone())) };
    let state = match &slot {
        Slot::Absent => return Decision::refuse(AccessError::NotFound, key, &slot),
        Slot::SoftDeleted(_) => return Decision::refuse(AccessError::Gone, key, &slot),
        Slot::Live(state) if state.expired(now) => return remove::first(view, key, now),
        Slot::Live(state) => state,
    };
    let position = match state.ranges.resolve(offset, state.tail.position) {
        Ok(position) => position,
        Err(error) => return Decision::refuse(error.into(), key, &slot),
    };
    if position <= state.floor.position {
        let (state, freshness) = (Arc::clone(state), Freshness::Duplicate);
        return Decision::reply(Ok(Truncated { state, freshness }), key, &slot);
    }
    match place(view, key, state, position) {
        Ok(Ok(floor)) => raise(key, &slot, state, floor, now),
        Ok(Err(error)) => Decision::refuse(error.into(), key, &slot),
        Err(need) => Decision::Need(need),
    }
}

/// The place between two records at a position.
///
/// Empty records at the position lie before it, at the tail too.
fn place(
    view: &impl View,
    key: &StreamKey,
    state: &StreamState,
    position: u64,
) -> Result<Result<Tail, OffsetError>, Need> {
    if position == state.tail.position {
        return Ok(Ok(state.tail));
    }
    let lineage = state.ranges.own();
    let question = BoundaryQuestion { key: key.clone(), lineage, position, records: 0 };
    match view.boundary(&question) {
        None => Err(Need::Boundary(question)),
        Some(answer) if answer.start != position => Ok(Err(OffsetError::Unaligned)),
        Some(answer) => Ok(Ok(Tail { position, sequence: answer.sequence.saturating_sub(1) })),
    }
}

fn raise(
    key: &StreamKey,
    slot: &Slot,
    state: &StreamState,
    floor: Tail,
    now: Timestamp,
) -> Decision<Truncated, AccessError> {
    let update = Update { floor: Some(floor), used_at: Some(now), ..Update::default() };
    let mut after = state.clone();
    after.advance(&update, Lineage(0));
    let effect = Effect::Update(Box::new(update));
    let unit = Unit::of(Change { key: key.clone(), basis: slot.version(), effect });
    let outcome = Truncated { state: Arc::new(after), freshness: Freshness::Committed };
    Decision::Commit { unit, outcome }
}
