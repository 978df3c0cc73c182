//! Everything a store holds, as plain data: one unit after another is applied to it.
//!
//! The same type is the authority that compares versions ([`Replica::commit`]) and what a handle that lags behind has
//! seen so far ([`Replica::apply`]). What a change does to a stream's state is core's business alone; here is only what
//! else has to be kept: bytes, tables, rows, pins, and the orders in which things are found again.

mod catalogue;
mod log;
mod order;
mod payload;
mod table;
mod types;

use std::collections::HashMap;

use headwater_core::change::{Change, Effect, Unit, Update};
use headwater_core::storage::{
    Confirmation, Detail, ListQuery, Listed, Loaded, Page, ReadRange, SpacePage, SpaceRead,
    SpaceSequence, Stamp, StorageError, UnitNumber,
};
use headwater_core::{Lineage, ProducerId, Slot, StreamKey, Tail, Timestamp, Version};

use catalogue::Catalogue;
use log::Log;
pub(crate) use order::Numbering;
use order::{Order, Run};
use types::Types;

/// What each entry of a page of a space counts beside its payload, so that a page of empty records is bounded too.
const ENTRY_OVERHEAD: usize = 128;

/// The state of a store after some unit.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    catalogue: Catalogue,
    /// By lineage; boxed, because a hash table keeps many empty places.
    logs: HashMap<u64, Box<Log>>,
    order: Order,
    types: Types,
    last_unit: UnitNumber,
    last_at: Timestamp,
}

impl Replica {
    /// Nothing yet.
    pub(crate) fn new(numbering: Numbering) -> Self {
        Self {
            catalogue: Catalogue::default(),
            logs: HashMap::new(),
            order: Order::new(numbering),
            types: Types::default(),
            last_unit: UnitNumber(0),
            last_at: Timestamp(0),
        }
    }

    /// Commits a unit if it is sound and every stream is at the version it names; `None` is a conflict, and nothing happened.
    pub(crate) fn commit(&mut self, unit: &Unit, now: Timestamp) -> Option<Stamp> {
        if !unit.is_sound() || !unit.changes.iter().all(|change| self.accepts(change)) {
            return None;
        }
        let number = UnitNumber(self.last_unit.0 + 1);
        let mut stamp = Stamp { unit: number, at: self.last_at.max(now), first: Vec::new() };
        self.last_unit = stamp.unit;
        self.last_at = stamp.at;
        for change in &unit.changes {
            let first = self.order.next(&change.key);
            self.apply_change(change, first, &stamp);
            if change.batch().is_some_and(|batch| !batch.records().is_empty()) {
                stamp.first.push(first);
            }
        }
        Some(stamp)
    }

    /// Applies a unit that the authority committed with this stamp.
    pub(crate) fn apply(&mut self, unit: &Unit, stamp: &Stamp) {
        self.last_unit = stamp.unit;
        self.last_at = stamp.at;
        let mut numbers = stamp.first.iter().copied();
        for change in &unit.changes {
            let has_records = change.batch().is_some_and(|batch| !batch.records().is_empty());
            let first = if has_records { numbers.next() } else { None };
            self.apply_change(change, first.unwrap_or_default(), stamp);
        }
    }

    /// Whether a change is based on what stands there, and can be made to it at all.
    fn accepts(&self, change: &Change) -> bool {
        let slot = self.catalogue.get(&change.key);
        change.fits(slot) && slot.version() == change.basis
    }

    fn apply_change(&mut self, change: &Change, first: SpaceSequence, stamp: &Stamp) {
        let before = self.catalogue.get(&change.key);
        let tail = before.state().map_or(Tail::default(), |state| state.tail);
        let mut after = change.apply(before, Lineage(stamp.unit.0));
        if let Effect::Create(_) = &change.effect {
            after = self.types.share(after);
        }
        let lineage = before.state().or(after.state()).map_or(0, |state| state.version().lineage);
        let kept_for_forks = matches!(after, Slot::SoftDeleted(_));
        self.catalogue.set(&change.key, after);
        match &change.effect {
            Effect::Create(birth) => self.append(change, lineage, birth.base, first, stamp),
            Effect::Update(update) => {
                self.append(change, lineage, tail, first, stamp);
                self.update_rows(&change.key, lineage, tail, update);
            }
            Effect::SoftDelete => self.leave_order(lineage),
            Effect::Remove => {
                self.leave_order(lineage);
                self.logs.remove(&lineage);
            }
        }
        if kept_for_forks && let Some(log) = self.logs.get_mut(&lineage) {
            log.reclaim();
        }
        if let Effect::Update(update) = &change.effect
            && (update.floor.is_some() || update.pin.is_some())
        {
            self.give_up(&change.key, lineage);
        }
    }

    /// Takes what a live stream has given up out of the order of its space, and gives the room back unless forks need it.
    fn give_up(&mut self, key: &StreamKey, lineage: u64) {
        let Slot::Live(state) = self.catalogue.get(key) else { return };
        let Some(log) = self.logs.get_mut(&lineage) else { return };
        let (numbers, row) = log.give_up(state.floor);
        if state.forks == 0 {
            log.release(state.floor);
        }
        self.order.remove_before(key, numbers, row);
    }

    fn append(
        &mut self,
        change: &Change,
        lineage: u64,
        tail: Tail,
        first: SpaceSequence,
        stamp: &Stamp,
    ) {
        let Some(batch) = change.batch().filter(|batch| !batch.records().is_empty()) else {
            return;
        };
        let row = self.log(&change.key, lineage, tail).append(batch, first, stamp);
        self.order.insert(&change.key, first, Run { lineage, row, count: batch.records().len() });
    }

    fn update_rows(&mut self, key: &StreamKey, lineage: u64, tail: Tail, update: &Update) {
        if let Some(producer) = &update.producer {
            self.log(key, lineage, tail).set_producer(producer.row());
        }
        if let Some(pin) = update.pin {
            self.log(key, lineage, tail).pin(pin);
        }
    }

    /// The log of a lineage; where it has none yet, its first record will follow `tail`.
    fn log(&mut self, key: &StreamKey, lineage: u64, tail: Tail) -> &mut Log {
        let new = || Box::new(Log::starting_at(key.clone(), tail));
        self.logs.entry(lineage).or_insert_with(new)
    }

    fn leave_order(&mut self, lineage: u64) {
        if let Some(log) = self.logs.get(&lineage) {
            self.order.remove(log.key(), log.space_sequences());
        }
    }

    /// What stands under a key, and a producer's row of it.
    pub(crate) fn load(&self, key: &StreamKey, producer: Option<&ProducerId>) -> Loaded {
        let slot = self.catalogue.get(key).clone();
        let log = self.logs.get(&slot.version().lineage);
        let producer = producer.and_then(|id| log.and_then(|log| log.producer(id)));
        Loaded { slot, producer }
    }

    /// Whether these versions are the ones that stand here.
    pub(crate) fn confirm(&self, relies_on: &[(StreamKey, Version)]) -> Confirmation {
        let present =
            |(key, version): &(StreamKey, Version)| self.catalogue.get(key).version() == *version;
        if relies_on.iter().all(present) { Confirmation::Current } else { Confirmation::Stale }
    }

    /// A page of a lineage.
    pub(crate) fn read(&self, range: ReadRange, detail: Detail) -> Result<Page, StorageError> {
        match self.logs.get(&range.lineage.0) {
            Some(log) => log.read(range, detail),
            None if range.from < range.to => Err(StorageError::Gone),
            None => Ok(Page::default()),
        }
    }

    /// A page of a space.
    pub(crate) fn read_space(&self, read: &SpaceRead) -> Result<SpacePage, StorageError> {
        let mut page = SpacePage { entries: Vec::new(), next: read.after, end: true };
        let mut used = 0usize;
        for (number, lineage, row) in self.order.after(read.store, &read.space, read.after) {
            let lost =
                || StorageError::Corrupt(format!("no record for space sequence {}", number.0));
            let log = self.logs.get(&lineage).ok_or_else(lost)?;
            let meta = log.row(row).ok_or_else(lost)?;
            let cost = usize::try_from(meta.len).unwrap_or(usize::MAX);
            let cost = cost.saturating_add(ENTRY_OVERHEAD);
            if !page.entries.is_empty() && used.saturating_add(cost) > read.budget {
                page.end = false;
                break;
            }
            used = used.saturating_add(cost);
            page.entries.push(log.entry(meta)?);
            page.next = number;
        }
        Ok(page)
    }

    /// A page of the catalogue.
    pub(crate) fn list(&self, query: &ListQuery) -> Vec<Listed> {
        self.catalogue.list(query)
    }

    /// Streams whose time is up.
    pub(crate) fn expiring(&self, before: Timestamp, limit: usize) -> Vec<(Timestamp, StreamKey)> {
        self.catalogue.expiring(before, limit)
    }
}
