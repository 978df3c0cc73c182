//! What a store keeps, in the plainest form: a slot per key, and a log per lineage with its bytes, its record table, its
//! producer rows and its pins.
//!
//! Space is given back as early as the rules allow, so that a pin that is missing shows as bytes that are gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use headwater_core::change::{Birth, Change, Effect, PinChange, Unit, Update};
use headwater_core::decide::{BoundaryAnswer, BoundaryQuestion};
use headwater_core::offset::LineageRange;
use headwater_core::producer::ProducerState;
use headwater_core::{Batch, Lineage, Metadata, ProducerId, Slot, StreamKey, StreamState, Tail};

/// A row of a record table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) sequence: u64,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) metadata: Option<Arc<Metadata>>,
}

/// What one incarnation of a stream wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    /// The fork point, where its own bytes begin.
    pub(crate) base: Tail,
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: Vec<Record>,
    pub(crate) producers: BTreeMap<ProducerId, ProducerState>,
    /// Where forks diverge, one entry per fork.
    pub(crate) pins: Vec<u64>,
}

/// Everything stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) slots: BTreeMap<StreamKey, Slot>,
    pub(crate) logs: BTreeMap<Lineage, Log>,
}

impl Log {
    fn end(&self) -> u64 {
        self.base.position + self.bytes.len() as u64
    }

    fn append(&mut self, batch: &Batch) {
        let mut from = self.end();
        for record in batch.records() {
            let sequence = self.records.last().map_or(self.base.sequence, |last| last.sequence) + 1;
            let to = from + record.len;
            self.records.push(Record { sequence, from, to, metadata: record.metadata.clone() });
            from = to;
        }
        self.bytes.extend_from_slice(batch.payload());
    }

    /// Keeps what some fork still reads.
    fn reclaim(&mut self) {
        let needed = self.pins.iter().copied().max().unwrap_or_default();
        self.records.retain(|record| record.from < needed || record.to == needed);
        for record in &mut self.records {
            record.to = record.to.min(needed);
        }
        self.bytes.truncate(needed.saturating_sub(self.base.position) as usize);
    }
}

impl Contents {
    pub(crate) fn slot(&self, key: &StreamKey) -> Slot {
        self.slots.get(key).cloned().unwrap_or_default()
    }

    /// Commits a unit under this number, or says which of its changes is not based on the present.
    pub(crate) fn commit(&mut self, unit: &Unit, number: u64) -> Result<(), String> {
        for Change { key, basis, .. } in &unit.changes {
            let present = self.slot(key).version();
            if present != *basis {
                return Err(format!("{key} is at {present:?}, the unit is based on {basis:?}"));
            }
        }
        for change in &unit.changes {
            let before = self.slot(&change.key);
            let after = change.apply(&before, Lineage(number));
            self.keep(change, &before, Lineage(number))?;
            match after {
                Slot::Absent => self.slots.remove(&change.key),
                slot => self.slots.insert(change.key.clone(), slot),
            };
        }
        Ok(())
    }

    fn keep(&mut self, change: &Change, before: &Slot, born: Lineage) -> Result<(), String> {
        if let Effect::Create(birth) = &change.effect {
            self.logs.insert(born, new_log(birth));
            return Ok(());
        }
        let state = before.state().ok_or("a change of nothing")?;
        let own = state.ranges.own();
        if change.effect == Effect::Remove {
            self.logs.remove(&own);
            return Ok(());
        }
        let log = self.logs.get_mut(&own).ok_or_else(|| format!("{own:?} has no log"))?;
        let mut deleted = matches!(before, Slot::SoftDeleted(_));
        match &change.effect {
            Effect::Update(update) => advance(log, update),
            _ => deleted = true,
        }
        if deleted {
            log.reclaim();
        }
        Ok(())
    }

    /// The bytes of a stream, inherited ones first.
    pub(crate) fn bytes(&self, state: &StreamState) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::with_capacity(state.tail.position as usize);
        for range in ranges(state) {
            let log = self.log(range.lineage)?;
            let index = |position: u64| position.checked_sub(log.base.position).map(|i| i as usize);
            let stretch = index(range.from).zip(index(range.to));
            let stretch = stretch.and_then(|(from, to)| log.bytes.get(from..to));
            bytes.extend(stretch.ok_or_else(|| format!("the bytes of {range:?} are gone"))?);
        }
        Ok(bytes)
    }

    /// The record table of a stream, inherited rows first. A record in which a fork diverges ends there.
    pub(crate) fn records(&self, state: &StreamState) -> Result<Vec<Record>, String> {
        let ranges: Vec<_> = ranges(state).collect();
        let mut records = Vec::new();
        // Records without bytes may stand on both sides of a fork point; which are inherited is told by their sequence.
        let mut last = state.tail.sequence;
        for range in ranges.into_iter().rev() {
            let log = self.log(range.lineage)?;
            let rows = log.records.iter().filter(|row| row.sequence <= last).rev();
            records.extend(rows.map(|row| Record { to: row.to.min(range.to), ..row.clone() }));
            last = last.min(log.base.sequence);
        }
        records.reverse();
        Ok(records)
    }

    /// Where records divide around a position.
    pub(crate) fn boundary(&self, question: &BoundaryQuestion) -> Option<BoundaryAnswer> {
        let slot = self.slot(&question.key);
        let state = slot.state().filter(|state| state.ranges.own() == question.lineage)?;
        let records = self.records(state).ok()?;
        let holds = |r: &Record| r.from <= question.position && question.position < r.to;
        let index = records.iter().position(holds)?;
        let holding = records.get(index)?;
        let counted = usize::try_from(question.records).ok()?.checked_sub(1);
        let last = counted.and_then(|more| records.get(index.checked_add(more)?));
        Some(BoundaryAnswer {
            start: holding.from,
            end: holding.to,
            sequence: holding.sequence,
            after: last.map(|record| record.to),
        })
    }

    fn log(&self, lineage: Lineage) -> Result<&Log, String> {
        self.logs.get(&lineage).ok_or_else(|| format!("the log of {lineage:?} is gone"))
    }
}

/// The stretches that a stream consists of, its own at the end.
pub(crate) fn ranges(state: &StreamState) -> impl Iterator<Item = LineageRange> {
    let own = LineageRange {
        lineage: state.ranges.own(),
        from: state.ranges.base(),
        to: state.tail.position,
    };
    state.ranges.inherited().iter().copied().chain([own])
}

fn new_log(birth: &Birth) -> Log {
    let mut log = Log { base: birth.base, ..Log::default() };
    if let Some(batch) = &birth.batch {
        log.append(batch);
    }
    log
}

fn advance(log: &mut Log, update: &Update) {
    if let Some(batch) = &update.batch {
        log.append(batch);
    }
    if let Some(change) = &update.producer {
        let (id, row) = change.row();
        log.producers.insert(id.clone(), row);
    }
    match update.pin {
        Some(PinChange::Add(at)) => log.pins.push(at),
        Some(PinChange::Drop(at)) => {
            if let Some(index) = log.pins.iter().position(|pin| *pin == at) {
                log.pins.remove(index);
            }
        }
        None => {}
    }
}
