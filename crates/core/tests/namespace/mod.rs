//! The system under test: streams in memory that are changed by decisions alone.
//!
//! It does what a shard does and nothing else: it asks for a decision, loads what the decision needs, numbers and
//! applies the units, and tells what happened on the way. Nothing is loaded before it was asked for.

pub(crate) mod contents;
pub(crate) mod desk;

use std::collections::BTreeSet;
use std::fmt::Debug;

use headwater_core::change::Unit;
use headwater_core::command::{Append, Create};
use headwater_core::decide::{
    self, Appended, BoundaryAnswer, Created, Decision, Limits, Truncated,
};
use headwater_core::producer::ProducerState;
use headwater_core::{
    AccessError, AppendError, CreateError, Offset, Slot, StreamKey, Timestamp, Version,
};

use contents::Contents;
use desk::{Desk, Known};

/// Most decisions for one command. A decision asks for one thing at a time, along a chain of forks at the longest.
const MAX_ROUNDS: usize = 200;

/// What goes wrong between decisions and the store: the place for planted faults.
pub(crate) trait Fault {
    /// Changes a unit before anybody sees it, as if the rules had decided so.
    fn decided(&mut self, _unit: &mut Unit) {}

    /// Changes a unit and its number on the way into the store.
    fn unit(&mut self, _unit: &mut Unit, _number: &mut u64) {}

    /// Changes what a commit left under one of its keys.
    fn left(&mut self, _slot: &mut Slot) {}

    /// Changes what stands under a key after a reply, which commits nothing.
    fn replied(&mut self, _slot: &mut Slot) {}

    /// Changes what a decision sees of a stream.
    fn slot(&self, slot: Slot) -> Slot {
        slot
    }

    /// Changes what a decision sees of a producer.
    fn row(&self, row: Option<ProducerState>) -> Option<ProducerState> {
        row
    }

    /// Changes what a decision is told about records.
    fn boundary(&self, answer: BoundaryAnswer) -> BoundaryAnswer {
        answer
    }
}

/// Nothing goes wrong.
pub(crate) struct Sound;

impl Fault for Sound {}

/// Streams, and the number of the next unit.
pub(crate) struct Namespace {
    pub(crate) contents: Contents,
    limits: Limits,
    fault: Box<dyn Fault>,
    next_unit: u64,
}

/// Why a unit was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    /// A stream's time was up, which had to be dealt with first.
    Overdue,
    /// It is what the command does.
    Command,
}

/// A unit as it was decided, and the number it was stored under.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    pub(crate) unit: Unit,
    pub(crate) number: u64,
    reason: Reason,
}

impl Committed {
    pub(crate) fn is_overdue(&self) -> bool {
        self.reason == Reason::Overdue
    }
}

/// What became of a command.
#[derive(Debug)]
pub(crate) struct Run<T, E> {
    pub(crate) outcome: Result<T, E>,
    /// The units it took, in order; the last is the command's own, unless it was a reply.
    pub(crate) units: Vec<Committed>,
    /// What a reply relies on; nothing for a commit, whose unit tells.
    pub(crate) relies_on: Vec<(StreamKey, Version)>,
    /// The streams that the last decision looked at.
    pub(crate) looked: BTreeSet<StreamKey>,
}

/// A run, or how the rules of deciding were broken: asked in circles, not the same answer twice, a stale basis.
pub(crate) type Ran<T, E> = Result<Run<T, E>, String>;

impl Namespace {
    pub(crate) fn new(limits: Limits, fault: Box<dyn Fault>) -> Self {
        Self { contents: Contents::default(), limits, fault, next_unit: 1 }
    }

    pub(crate) fn create(
        &mut self,
        key: &StreamKey,
        command: &Create,
        now: Timestamp,
    ) -> Ran<Created, CreateError> {
        self.drive(|desk| decide::create(desk, key, command, now))
    }

    pub(crate) fn append(
        &mut self,
        key: &StreamKey,
        command: &Append,
        now: Timestamp,
    ) -> Ran<Appended, AppendError> {
        let limits = self.limits;
        self.drive(|desk| decide::append(desk, limits, key, command, now))
    }

    pub(crate) fn delete(&mut self, key: &StreamKey, now: Timestamp) -> Ran<(), AccessError> {
        self.drive(|desk| decide::delete(desk, key, now))
    }

    pub(crate) fn expire(&mut self, key: &StreamKey, now: Timestamp) -> Ran<(), AccessError> {
        self.drive(|desk| decide::expire(desk, key, now))
    }

    pub(crate) fn mark_used(&mut self, key: &StreamKey, at: Timestamp) -> Ran<(), AccessError> {
        self.drive(|desk| decide::mark_used(desk, key, at))
    }

    pub(crate) fn truncate(
        &mut self,
        key: &StreamKey,
        offset: Offset,
        now: Timestamp,
    ) -> Ran<Truncated, AccessError> {
        self.drive(|desk| decide::truncate(desk, key, offset, now))
    }

    /// Decides something, as often as it takes.
    pub(crate) fn drive<T, E>(&mut self, decide: impl Fn(&Desk<'_>) -> Decision<T, E>) -> Ran<T, E>
    where
        Decision<T, E>: PartialEq + Debug,
    {
        let mut known = Known::default();
        let mut units = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let desk = Desk::new(&self.contents, &known, &*self.fault);
            let decision = decide(&desk);
            if decide(&desk) != decision {
                return Err(format!("the same question got another answer than {decision:?}"));
            }
            let looked = desk.looked();
            match decision {
                Decision::Need(need) => known.learn(need)?,
                Decision::First(unit) => units.push(self.commit(unit, Reason::Overdue)?),
                Decision::Commit { unit, outcome } => {
                    units.push(self.commit(unit, Reason::Command)?);
                    let relies_on = Vec::new();
                    return Ok(Run { outcome: Ok(outcome), units, relies_on, looked });
                }
                Decision::Reply { outcome, relies_on } => {
                    let slots = self.contents.slots.values_mut();
                    slots.for_each(|slot| self.fault.replied(slot));
                    return Ok(Run { outcome, units, relies_on, looked });
                }
            }
        }
        Err(format!("no answer after {MAX_ROUNDS} decisions"))
    }

    fn commit(&mut self, mut unit: Unit, reason: Reason) -> Result<Committed, String> {
        self.fault.decided(&mut unit);
        let mut number = self.next_unit;
        self.next_unit += 1;
        let mut stored = unit.clone();
        self.fault.unit(&mut stored, &mut number);
        self.contents.commit(&stored, number)?;
        for change in &unit.changes {
            let slot = self.contents.slots.get_mut(&change.key);
            slot.into_iter().for_each(|slot| self.fault.left(slot));
        }
        Ok(Committed { unit, number, reason })
    }
}
