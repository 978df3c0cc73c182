//! Compare and set: which units of a group commit, and with which numbers.

use std::collections::{HashMap, HashSet};

use headwater_core::change::{Change, Effect, Unit};
use headwater_core::storage::{
    Refusal, SpaceSequence, Stamp, StorageError, UnitNumber, UnitResult,
};
use headwater_core::{Lineage, Slot, StreamKey, Tail, Timestamp};

use super::recent::{Committed, SpaceName};
use super::stored::{GroupUnit, Place};
use super::view::View;
use crate::group::Fallen;

/// A unit that commits.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) unit: GroupUnit,
    number: u64,
    /// What stands under the key of each change after it.
    slots: Vec<Slot>,
}

impl Accepted {
    /// Its changes, with what they did.
    pub(super) fn committed(&self, group: u64, at: u64) -> impl Iterator<Item = Committed<'_>> {
        let changes = self.unit.unit.changes.iter().zip(&self.unit.first).zip(&self.slots);
        changes.map(move |((change, first), after)| Committed {
            group,
            unit: self.number,
            at,
            change,
            after,
            first: *first,
        })
    }
}

/// A group on which it is decided. What the units so far left is seen by the ones behind them, and by nobody else.
#[derive(Debug)]
pub(super) struct Deciding<'v> {
    view: &'v View,
    at: Timestamp,
    next_unit: u64,
    slots: HashMap<StreamKey, Slot>,
    spaces: HashMap<SpaceName, u64>,
    fallen: Fallen,
    pub(super) accepted: Vec<Accepted>,
}

/// What became of a unit that was tried.
enum Trial {
    /// It commits, with what then stands under its keys, and the places of its first records.
    Accepted(Stamp, Vec<Slot>, Vec<Option<Place>>),
    /// It does not.
    Not(UnitResult),
}

/// Whether there is room on the disk for what a unit may add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiskSpace {
    Enough,
    /// Only what makes room is accepted.
    Short,
}

impl<'v> Deciding<'v> {
    /// Begins with the number of the first unit and the commit timestamp of all of them.
    pub(super) fn new(view: &'v View, next_unit: u64, at: Timestamp) -> Self {
        let (slots, spaces) = (HashMap::new(), HashMap::new());
        Self { view, at, next_unit, slots, spaces, fallen: Fallen::default(), accepted: Vec::new() }
    }

    /// Decides on the next unit.
    pub(super) fn decide(
        &mut self,
        unit: Unit,
        space: DiskSpace,
    ) -> Result<UnitResult, StorageError> {
        let mut fallen = std::mem::take(&mut self.fallen);
        // What is based on a unit that fell falls untried.
        let mut outcome = Ok(Trial::Not(UnitResult::Conflict));
        fallen.attempt(&unit, |unit| {
            outcome = self.attempt(unit, space);
            matches!(outcome, Ok(Trial::Accepted(..))).then_some(())
        });
        self.fallen = fallen;
        match outcome? {
            Trial::Not(result) => Ok(result),
            Trial::Accepted(stamp, slots, first) => {
                let number = stamp.unit.0;
                self.accepted.push(Accepted { unit: GroupUnit { unit, first }, number, slots });
                Ok(UnitResult::Committed(stamp))
            }
        }
    }

    fn attempt(&mut self, unit: &Unit, space: DiskSpace) -> Result<Trial, StorageError> {
        if space == DiskSpace::Short && adds(unit) {
            return Ok(Trial::Not(UnitResult::Refused(Refusal::Full)));
        }
        if !is_sound(unit) {
            return Ok(Trial::Not(UnitResult::Conflict));
        }
        let mut before = Vec::with_capacity(unit.changes.len());
        for change in &unit.changes {
            let slot = self.slot(&change.key)?;
            if slot.version() != change.basis || !fits(change, &slot) {
                return Ok(Trial::Not(UnitResult::Conflict));
            }
            before.push(slot);
        }
        let number = self.next_unit;
        self.next_unit += 1;
        let mut slots = Vec::with_capacity(before.len());
        let mut first = Vec::with_capacity(before.len());
        for (change, before) in unit.changes.iter().zip(before) {
            let after = change.apply(&before, Lineage(number));
            first.push(self.place_records(change, &before)?);
            self.slots.insert(change.key.clone(), after.clone());
            slots.push(after);
        }
        let stamp = Stamp {
            unit: UnitNumber(number),
            at: self.at,
            first: first.iter().flatten().map(|place| SpaceSequence(place.space)).collect(),
        };
        Ok(Trial::Accepted(stamp, slots, first))
    }

    fn slot(&self, key: &StreamKey) -> Result<Slot, StorageError> {
        match self.slots.get(key) {
            Some(slot) => Ok(slot.clone()),
            None => self.view.slot(key),
        }
    }

    /// Gives places to the records of a change, if it has any, and returns the first one.
    fn place_records(
        &mut self,
        change: &Change,
        before: &Slot,
    ) -> Result<Option<Place>, StorageError> {
        let count = change.batch().map_or(0, |batch| batch.records().len() as u64);
        if count == 0 {
            return Ok(None);
        }
        let tail = match &change.effect {
            Effect::Create(birth) => birth.base,
            _ => before.state().map_or(Tail::default(), |state| state.tail),
        };
        let name = SpaceName::of(&change.key);
        let last = match self.spaces.get(&name) {
            Some(last) => *last,
            None => self.view.last_of_space(&name)?,
        };
        self.spaces.insert(name, last + count);
        let (position, sequence) = (tail.position, tail.sequence + 1);
        Ok(Some(Place { space: last + 1, position, sequence }))
    }
}

/// Whether a change can be made to what stands there at all.
pub(super) fn fits(change: &Change, slot: &Slot) -> bool {
    match &change.effect {
        Effect::Create(_) => matches!(slot, Slot::Absent),
        Effect::Update(_) | Effect::Remove => slot.state().is_some(),
        Effect::SoftDelete => matches!(slot, Slot::Live(_)),
    }
}

/// A unit's number is the lineage of what it creates, and rows are found by lineage: two creations would share them.
fn is_sound(unit: &Unit) -> bool {
    let creations = unit.changes.iter().filter(|change| matches!(change.effect, Effect::Create(_)));
    let mut keys = HashSet::new();
    creations.count() <= 1 && unit.changes.iter().all(|change| keys.insert(&change.key))
}

/// Whether a unit adds something that stays.
fn adds(unit: &Unit) -> bool {
    unit.changes.iter().any(|change| match &change.effect {
        Effect::Create(_) => true,
        Effect::Update(update) => update.batch.is_some() || update.producer.is_some(),
        Effect::SoftDelete | Effect::Remove => false,
    })
}
