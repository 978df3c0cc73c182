//! Retain: giving up what a stream has beyond its policy.
//!
//! What was found is true of records that never change, and the floor only rises: so it does no harm when the stream goes on
//! in between. It is no use of the stream.

use crate::change::{Change, Effect, Unit, Update};
use crate::decide::{Decision, Need, View};
use crate::error::AccessError;
use crate::key::StreamKey;
use crate::offset::Lineage;
use crate::retention::Found;
use crate::state::{Slot, Tail};
use crate::time::Timestamp;

/// Decides to give up what was found to be too much or too old of a stream: how many bytes that are, 0 where there is nothing to do.
pub fn retain(
    view: &impl View,
    key: &StreamKey,
    lineage: Lineage,
    found: Found,
    now: Timestamp,
) -> Decision<u64, AccessError> {
    let Some(slot) = view.slot(key) else { return Decision::Need(Need::Stream(key.clone())) };
    let nothing = || Decision::reply(Ok(0), key, &slot);
    let state = match &slot {
        Slot::Live(state) if state.ranges.own() == lineage && !state.expired(now) => state,
        _ => return nothing(),
    };
    let Some(retained) = &state.retained else { return nothing() };
    let behind = |found: Option<Tail>| found.unwrap_or(state.floor);
    let floor = [behind(found.behind_byte), behind(found.behind_old), state.floor];
    let floor = floor.into_iter().max_by_key(|floor| (floor.position, floor.sequence));
    let there = |floor: &Tail| {
        floor.position <= state.tail.position && floor.sequence <= state.tail.sequence
    };
    let floor = floor.filter(|floor| *floor != state.floor && there(floor));
    let oldest = found.oldest.filter(|oldest| *oldest > retained.oldest);
    if floor.is_none() && oldest.is_none() {
        return nothing();
    }
    let outcome = floor.map_or(0, |floor| floor.position.saturating_sub(state.floor.position));
    let update = Update { floor, oldest, ..Update::default() };
    let effect = Effect::Update(Box::new(update));
    let unit = Unit::of(Change { key: key.clone(), basis: slot.version(), effect });
    Decision::Commit { unit, outcome }
}
