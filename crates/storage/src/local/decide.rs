//! Compare and set: which units of a group commit, and with which numbers.

use headwater_core::change::{Change, Effect, Unit};
use headwater_core::storage::{
    Refusal, SpaceSequence, Stamp, StorageError, UnitNumber, UnitResult,
};
use headwater_core::{Lineage, Slot, StreamKey, Tail, Timestamp};

use super::quick::QuickMap;
use super::recent::{Committed, NamesSpace, SpaceName};
use super::stored::{GroupUnit, Place};
use crate::group::Fallen;

/// A unit that commits.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) unit: GroupUnit,
    number: u64,
    /// What stands under the key of each change after it.
    slots: Vec<Slot>,
}

impl Accepted {
    /// Its changes, with what they did.
    pub(crate) fn committed(&self, group: u64, at: u64) -> impl Iterator<Item = Committed<'_>> {
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

/// What is durable, as far as it has to be known to decide.
pub(crate) trait Durable {
    /// What stands under a key.
    fn slot(&self, key: &StreamKey) -> Result<Slot, StorageError>;

    /// The last space sequence that was given in a space.
    fn last_of_space(&self, name: &SpaceName) -> Result<u64, StorageError>;
}

/// A group on which it is decided. What the units so far left is seen by the ones behind them, and by nobody else.
#[derive(Debug)]
pub(crate) struct Deciding<'v, D> {
    durable: &'v D,
    at: Timestamp,
    next_unit: u64,
    slots: QuickMap<StreamKey, Slot>,
    spaces: QuickMap<SpaceName, u64>,
    /// What stood under the keys of the unit that is tried; kept, so that not each unit allocates it.
    before: Vec<Slot>,
    fallen: Fallen,
    pub(crate) accepted: Vec<Accepted>,
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
pub(crate) enum DiskSpace {
    Enough,
    /// Only what makes room is accepted.
    Short,
}

impl<'v, D: Durable> Deciding<'v, D> {
    /// Begins with the number of the first unit and the commit timestamp of all of them.
    pub(crate) fn new(durable: &'v D, next_unit: u64, at: Timestamp) -> Self {
        let (slots, spaces) = (QuickMap::default(), QuickMap::default());
        Self {
            durable,
            at,
            next_unit,
            slots,
            spaces,
            before: Vec::new(),
            fallen: Fallen::default(),
            accepted: Vec::new(),
        }
    }

    /// Decides on the next unit. What cannot be read refuses this unit alone, and it leaves no trace.
    pub(crate) fn decide(&mut self, unit: Unit, space: DiskSpace) -> UnitResult {
        let mut fallen = std::mem::take(&mut self.fallen);
        // What is based on a unit that fell falls untried.
        let mut outcome = Ok(Trial::Not(UnitResult::Conflict));
        fallen.attempt(&unit, |unit| {
            outcome = self.attempt(unit, space);
            matches!(outcome, Ok(Trial::Accepted(..))).then_some(())
        });
        self.fallen = fallen;
        match outcome {
            Ok(Trial::Not(result)) => result,
            Ok(Trial::Accepted(stamp, slots, first)) => {
                let number = stamp.unit.0;
                self.accepted.push(Accepted { unit: GroupUnit { unit, first }, number, slots });
                UnitResult::Committed(stamp)
            }
            Err(error) => {
                tracing::error!(%error, "a commit is refused, because what it is based on cannot be read");
                UnitResult::Refused(Refusal::Unreadable)
            }
        }
    }

    fn attempt(&mut self, unit: &Unit, space: DiskSpace) -> Result<Trial, StorageError> {
        if space == DiskSpace::Short && adds(unit) {
            return Ok(Trial::Not(UnitResult::Refused(Refusal::Full)));
        }
        if !unit.is_sound() {
            return Ok(Trial::Not(UnitResult::Conflict));
        }
        self.before.clear();
        for change in &unit.changes {
            let slot = self.slot(&change.key)?;
            if slot.version() != change.basis || !change.fits(&slot) {
                return Ok(Trial::Not(UnitResult::Conflict));
            }
            self.before.push(slot);
        }
        // The last thing that can fail: from here on the unit commits, and leaves its trace.
        for change in unit.changes.iter().filter(|change| records(change) > 0) {
            self.look_up_space(&change.key)?;
        }
        let number = self.next_unit;
        self.next_unit += 1;
        let before = std::mem::take(&mut self.before);
        let mut slots = Vec::with_capacity(before.len());
        let mut first = Vec::with_capacity(before.len());
        for (change, before) in unit.changes.iter().zip(&before) {
            let after = change.apply(before, Lineage(number));
            first.push(self.place_records(change, before));
            match self.slots.get_mut(&change.key) {
                Some(slot) => *slot = after.clone(),
                None => drop(self.slots.insert(change.key.clone(), after.clone())),
            }
            slots.push(after);
        }
        self.before = before;
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
            None => self.durable.slot(key),
        }
    }

    /// Notes the last number given in the space of a stream, if it is not known yet.
    fn look_up_space(&mut self, key: &StreamKey) -> Result<(), StorageError> {
        if !self.spaces.contains_key(key as &dyn NamesSpace) {
            let name = SpaceName::of(key);
            let last = self.durable.last_of_space(&name)?;
            self.spaces.insert(name, last);
        }
        Ok(())
    }

    /// Gives places to the records of a change in a space that was looked up, if it has any, and returns the first one.
    fn place_records(&mut self, change: &Change, before: &Slot) -> Option<Place> {
        let count = records(change);
        if count == 0 {
            return None;
        }
        let tail = match &change.effect {
            Effect::Create(birth) => birth.base,
            _ => before.state().map_or(Tail::default(), |state| state.tail),
        };
        let last = self.spaces.get_mut(&change.key as &dyn NamesSpace)?;
        let space = *last + 1;
        *last += count;
        Some(Place { space, position: tail.position, sequence: tail.sequence + 1 })
    }
}

/// How many records a change appends.
fn records(change: &Change) -> u64 {
    change.batch().map_or(0, |batch| batch.records().len() as u64)
}

/// Whether a unit adds something that stays.
fn adds(unit: &Unit) -> bool {
    unit.changes.iter().any(|change| match &change.effect {
        Effect::Create(_) => true,
        Effect::Update(update) => update.batch.is_some() || update.producer.is_some(),
        Effect::SoftDelete | Effect::Remove => false,
    })
}
