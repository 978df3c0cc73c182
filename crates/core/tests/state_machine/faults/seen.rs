//! Stores that keep what was decided, and tell decisions something else.

use std::sync::Arc;

use headwater_core::change::Closed;
use headwater_core::decide::BoundaryAnswer;
use headwater_core::producer::ProducerState;
use headwater_core::{Expiry, ProducerNumber, Slot, StreamState, Tail};

use super::Planted;
use crate::namespace::Fault;

pub(super) const FAULTS: &[Planted] = &[
    ("does not find producers", || Box::new(InRows(|_| None))),
    ("finds every producer in its first epoch", || Box::new(InRows(|row| row.map(first_epoch)))),
    ("finds a row that is one behind", || Box::new(InRows(|row| row.map(one_behind)))),
    ("shows a closed stream as open", || in_states(|state| state.closed = None)),
    ("does not show who closed", || in_states(closed_by_nobody)),
    ("does not show Stream-Seq", || in_states(|state| state.stream_seq = None)),
    ("shows no producers", || in_states(|state| state.producers = 0)),
    ("shows no forks", || in_states(|state| state.forks = 0)),
    ("shows a fork too many", || in_states(|state| state.forks += 1)),
    ("does not show where a fork came from", || in_states(|state| state.origin = None)),
    ("shows no lifetime", || in_states(|state| state.expiry = Expiry::Never)),
    ("shows no last use", || in_states(|state| state.used_at = state.created_at)),
    ("shows no policy", || in_states(|state| state.retained = None)),
    ("shows no floor", || in_states(|state| state.floor = Tail::default())),
    ("shows a tail that is behind", || in_states(tail_behind)),
    ("counts a record too many", || in_states(|state| state.tail.sequence += 1)),
    ("shows a deleted stream as alive", || Box::new(InSlots(alive))),
    ("shows a deleted stream as none", || Box::new(InSlots(absent))),
    ("finds a record a byte late", || Box::new(InBoundaries(|it| it.start += 1))),
    ("finds a record a byte longer", || Box::new(InBoundaries(|it| it.end += 1))),
    ("finds the next sequence", || Box::new(InBoundaries(|it| it.sequence += 1))),
    ("counts messages it does not have", || Box::new(InBoundaries(more_messages))),
];

struct InRows(fn(Option<ProducerState>) -> Option<ProducerState>);

impl Fault for InRows {
    fn row(&self, row: Option<ProducerState>) -> Option<ProducerState> {
        (self.0)(row)
    }
}

struct InSlots(fn(Slot) -> Slot);

impl Fault for InSlots {
    fn slot(&self, slot: Slot) -> Slot {
        (self.0)(slot)
    }
}

/// In the states of streams that are not deleted.
struct InStates(fn(&mut StreamState));

impl Fault for InStates {
    fn slot(&self, mut slot: Slot) -> Slot {
        if let Slot::Live(state) = &mut slot {
            (self.0)(Arc::make_mut(state));
        }
        slot
    }
}

fn in_states(fault: fn(&mut StreamState)) -> Box<dyn Fault> {
    Box::new(InStates(fault))
}

struct InBoundaries(fn(&mut BoundaryAnswer));

impl Fault for InBoundaries {
    fn boundary(&self, mut answer: BoundaryAnswer) -> BoundaryAnswer {
        (self.0)(&mut answer);
        answer
    }
}

fn first_epoch(row: ProducerState) -> ProducerState {
    ProducerState { epoch: ProducerNumber::ZERO, ..row }
}

fn one_behind(row: ProducerState) -> ProducerState {
    let seq = row.seq.get().saturating_sub(1);
    ProducerState { seq: ProducerNumber::new(seq).unwrap(), ..row }
}

fn closed_by_nobody(state: &mut StreamState) {
    if state.closed.is_some() {
        state.closed = Some(Arc::new(Closed { by: None }));
    }
}

fn tail_behind(state: &mut StreamState) {
    let Tail { position, sequence } = state.tail;
    state.tail = Tail { position: position.saturating_sub(1), sequence };
}

fn alive(slot: Slot) -> Slot {
    match slot {
        Slot::SoftDeleted(state) => Slot::Live(state),
        other => other,
    }
}

fn absent(slot: Slot) -> Slot {
    match slot {
        Slot::SoftDeleted(_) => Slot::Absent,
        other => other,
    }
}

fn more_messages(answer: &mut BoundaryAnswer) {
    answer.after = answer.after.or(Some(answer.end));
}
