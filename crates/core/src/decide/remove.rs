//! Delete and expire: the end of a stream, and of the ancestors that only it still needed.

use crate::change::{Change, Effect, PinChange, Unit, Update};
use crate::decide::{Decision, Need, View};
use crate::error::AccessError;
use crate::key::StreamKey;
use crate::state::{Slot, StreamState};
use crate::time::Timestamp;

/// Decides a deletion.
pub fn delete(view: &impl View, key: &StreamKey, now: Timestamp) -> Decision<(), AccessError> {
    let Some(slot) = view.slot(key) else { return Decision::Need(Need::Stream(key.clone())) };
    match &slot {
        Slot::Absent => Decision::refuse(AccessError::NotFound, key, &slot),
        Slot::SoftDeleted(_) => Decision::refuse(AccessError::Gone, key, &slot),
        Slot::Live(state) if state.expired(now) => first(view, key, now),
        Slot::Live(state) => match removal(view, key, state) {
            Ok(unit) => Decision::Commit { unit, outcome: () },
            Err(need) => Decision::Need(need),
        },
    }
}

/// Decides whether a stream's time is up: a commit if so, a reply if not.
pub fn expire(view: &impl View, key: &StreamKey, now: Timestamp) -> Decision<(), AccessError> {
    let Some(slot) = view.slot(key) else { return Decision::Need(Need::Stream(key.clone())) };
    match &slot {
        Slot::Live(state) if state.expired(now) => match removal(view, key, state) {
            Ok(unit) => Decision::Commit { unit, outcome: () },
            Err(need) => Decision::Need(need),
        },
        _ => Decision::reply(Ok(()), key, &slot),
    }
}

/// Decides to make a use of a stream durable that restarted its TTL.
pub fn mark_used(
    view: &impl View,
    key: &StreamKey,
    used_at: Timestamp,
) -> Decision<(), AccessError> {
    let Some(slot) = view.slot(key) else { return Decision::Need(Need::Stream(key.clone())) };
    match &slot {
        Slot::Live(_) => {
            let update = Update { used_at: Some(used_at), ..Update::default() };
            let effect = Effect::Update(Box::new(update));
            let unit = Unit::of(Change { key: key.clone(), basis: slot.version(), effect });
            Decision::Commit { unit, outcome: () }
        }
        _ => Decision::reply(Ok(()), key, &slot),
    }
}

/// The decision to end an expired stream before the command that met it is decided.
pub(super) fn first<T, E>(view: &impl View, key: &StreamKey, now: Timestamp) -> Decision<T, E> {
    match view.slot(key) {
        Some(Slot::Live(state)) if state.expired(now) => match removal(view, key, &state) {
            Ok(unit) => Decision::First(unit),
            Err(need) => Decision::Need(need),
        },
        _ => Decision::Need(Need::Stream(key.clone())),
    }
}

/// The unit that ends a stream.
///
/// With forks it stays, soft-deleted. Without, it goes, and releases what it pinned: an ancestor that was soft-deleted
/// and has no other fork goes too, and so on up the chain.
fn removal(view: &impl View, key: &StreamKey, state: &StreamState) -> Result<Unit, Need> {
    let change = |key: &StreamKey, state: &StreamState, effect| Change {
        key: key.clone(),
        basis: state.version(),
        effect,
    };
    if state.forks > 0 {
        return Ok(Unit::of(change(key, state, Effect::SoftDelete)));
    }
    let mut changes = vec![change(key, state, Effect::Remove)];
    let mut origin = state.origin.clone();
    while let Some(fork) = origin {
        let slot = view.slot(&fork.source).ok_or_else(|| Need::Stream(fork.source.clone()))?;
        let Some(source) = slot.state().filter(|s| s.ranges.own() == fork.source_lineage) else {
            break;
        };
        if matches!(slot, Slot::SoftDeleted(_)) && source.forks <= 1 {
            changes.push(change(&fork.source, source, Effect::Remove));
            origin = source.origin.clone();
            continue;
        }
        let pin = Some(PinChange::Drop(fork.at));
        let update = Update { pin, ..Update::default() };
        changes.push(change(&fork.source, source, Effect::Update(Box::new(update))));
        break;
    }
    Ok(Unit { changes })
}
