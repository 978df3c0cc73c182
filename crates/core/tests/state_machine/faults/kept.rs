//! Rules that say too much or too little, and stores in which something changes by itself.

use std::sync::Arc;

use headwater_core::change::Unit;
use headwater_core::{Slot, StreamState, Tail, Timestamp};

use super::Planted;
use crate::namespace::Fault;

pub(super) const FAULTS: &[Planted] = &[
    ("is told of a change twice", || Box::new(Decided(twice))),
    ("is told of one change alone", || Box::new(Decided(|unit| unit.changes.truncate(1)))),
    ("forgets a use after a reply", || Box::new(Replied(|state| state.used_at = state.created_at))),
    ("counts commits it did not make", || Box::new(Left(|state| state.revision += 1))),
    ("takes a reply for a use", || Box::new(Replied(use_later))),
    ("opens what was closed", || Box::new(Replied(|state| state.closed = None))),
    ("forgets when a stream began", || Box::new(Replied(|state| state.created_at.0 += 1))),
    ("shows again what was given up", || Box::new(Replied(begin_anew))),
    ("begins inside a record", || Box::new(Replied(begin_later))),
    ("loses the last byte", || Box::new(Replied(lose_a_byte))),
];

struct Decided(fn(&mut Unit));

impl Fault for Decided {
    fn decided(&mut self, unit: &mut Unit) {
        (self.0)(unit);
    }
}

struct Left(fn(&mut StreamState));

impl Fault for Left {
    fn left(&mut self, slot: &mut Slot) {
        in_state(slot, self.0);
    }
}

struct Replied(fn(&mut StreamState));

impl Fault for Replied {
    fn replied(&mut self, slot: &mut Slot) {
        in_state(slot, self.0);
    }
}

fn in_state(slot: &mut Slot, fault: fn(&mut StreamState)) {
    if let Slot::Live(state) = slot {
        fault(Arc::make_mut(state));
    }
}

fn twice(unit: &mut Unit) {
    unit.changes.extend(unit.changes.first().cloned());
}

fn begin_anew(state: &mut StreamState) {
    state.floor = Tail::default();
}

fn begin_later(state: &mut StreamState) {
    state.floor.position = (state.floor.position + 1).min(state.tail.position);
}

fn lose_a_byte(state: &mut StreamState) {
    state.tail.position = state.tail.position.saturating_sub(1);
}

fn use_later(state: &mut StreamState) {
    state.used_at = Timestamp(state.used_at.0 + 1);
}
