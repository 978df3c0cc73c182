//! A round: what was recent becomes one chunk file, and an edit of the catalogue.
//!
//! What was recent is frozen while the round goes on, so readers find it there until all of it can be found in the catalogue.
//! Whatever a round does can be done again from the same frozen layer or, after a crash, from the journal.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use headwater_core::producer::ProducerState;
use headwater_core::storage::StorageError;
use headwater_core::{Lineage, ProducerId, Slot, StreamKey, Timestamp};

use super::begins::{Beginning, Begins};
use super::chunks::{ChunkWriter, Ledger};
use super::index::Index;
#[cfg(test)]
use super::planted::{Fault, planted};
use crate::local::frame::Verify;
use crate::local::read::rows::Start;
use crate::local::recent::{Recent, RecentRun, RecentStream, SpaceName};
use crate::local::row::{Row, of_lineage, tag};
use crate::local::rows::Rows;
use crate::local::stored::{
    Stored, StoredDeadline, StoredGrave, StoredLineage, StoredPin, StoredProducer, StoredRanges,
    StoredSlot, StoredTrim, decode, encode,
};

/// Writes everything that a layer has. Returns what the states come to that it replaces.
pub(super) fn write(
    writer: &mut ChunkWriter,
    index: &Index,
    frozen: &Recent,
) -> Result<Ledger, StorageError> {
    for lineage in frozen.lineages() {
        if let Some(stream) = frozen.stream(lineage) {
            Lineages { writer, index, frozen }.put(lineage, stream)?;
        }
    }
    for name in frozen.spaces() {
        put_order(writer, index, frozen, &name)?;
    }
    let mut replaced = Ledger::default();
    for (key, slot) in frozen.slots() {
        put_slot(writer, index, &mut replaced, (key, slot))?;
    }
    Ok(replaced)
}

fn put<T: Stored>(writer: &mut ChunkWriter, row: Row<'_>, value: &T) -> Result<(), StorageError> {
    let key = row.key();
    let value = encode(&key, value)?;
    writer.row(key, Some(value))
}

struct Lineages<'r> {
    writer: &'r mut ChunkWriter,
    index: &'r Index,
    frozen: &'r Recent,
}

impl Lineages<'_> {
    fn put(&mut self, lineage: Lineage, stream: &RecentStream) -> Result<(), StorageError> {
        if stream.removed {
            return self.remove(lineage, stream);
        }
        let slot = self.frozen.slot(&stream.key).cloned().unwrap_or_default();
        let begins = Beginning { index: self.index, lineage, stream }.of(&slot)?;
        let dead = begins.as_ref().map_or(0, |begins| begins.dead);
        self.put_records(lineage, stream.runs.get(dead..).unwrap_or_default())?;
        for (id, state) in producers(stream) {
            let row = Row::Producer { lineage, id: id.as_str() };
            put(self.writer, row, &StoredProducer::of(*state))?;
        }
        let pins = self.put_pins(lineage, stream, &slot)?;
        let mut listed = stream.unlisted.map(|base| StoredLineage::new(&stream.key, base));
        if let Some(state) = slot.state().filter(|_| listed.is_some()) {
            for (index, row) in (0..).zip(StoredRanges::rows_of(state)) {
                put(self.writer, Row::Ranges { lineage, index }, &row)?;
            }
        }
        if matches!(slot, Slot::SoftDeleted(_)) {
            let last = pins.last_key_value().map_or(0, |(position, _)| *position);
            listed = self.reclaim(lineage, last, listed)?;
        }
        if let Some(Begins { base, listed: known, .. }) = begins {
            if stream.unlisted.is_none() {
                let trim = StoredTrim(base.position, base.sequence.saturating_add(1));
                put(self.writer, Row::Trim(lineage), &trim)?;
            }
            listed = Some(listed.unwrap_or(known).kept_from(base));
        }
        match listed {
            Some(listed) => put(self.writer, Row::Lineage(lineage), &listed),
            None => Ok(()),
        }
    }

    fn put_records(
        &mut self,
        lineage: Lineage,
        runs: &[Arc<RecentRun>],
    ) -> Result<(), StorageError> {
        let Some(first) = runs.first().map(|run| run.head) else { return Ok(()) };
        let start = Start { lineage, position: first.position, sequence: first.sequence };
        self.writer.stream(start)?;
        for run in runs {
            let payload = std::slice::from_ref(run.batch.payload());
            self.writer.push(run.head, run.batch.records(), payload)?;
        }
        Ok(())
    }

    /// Writes the pins that changed, and returns all there are; empty where nobody will ask.
    fn put_pins(
        &mut self,
        lineage: Lineage,
        stream: &RecentStream,
        slot: &Slot,
    ) -> Result<BTreeMap<u64, u64>, StorageError> {
        if stream.pins.is_empty() && matches!(slot, Slot::Live(_)) {
            return Ok(BTreeMap::new());
        }
        let mut pins = BTreeMap::new();
        let prefix = of_lineage(tag::PIN, lineage);
        for entry in self.index.scan_from(prefix.clone(), Bound::Included(prefix)) {
            let (key, value) = entry?;
            let stored: StoredPin = decode(&key, &value, Verify::Checksum)?;
            if let Some(Row::Pin { position, .. }) = Row::parse(&key) {
                pins.insert(position, stored.forks);
            }
        }
        for (&position, &change) in &stream.pins {
            let before = pins.get(&position).copied();
            let forks = before.unwrap_or_default().saturating_add_signed(change);
            let row = Row::Pin { lineage, position };
            #[cfg(test)]
            if planted(Fault::SkipsPins) {
                continue;
            }
            if forks > 0 {
                pins.insert(position, forks);
                put(self.writer, row, &StoredPin { forks })?;
            } else if before.is_some() {
                pins.remove(&position);
                self.writer.row(row.key(), None)?;
            }
        }
        Ok(pins)
    }

    /// Gives up what lies past the last fork point of a soft-deleted stream.
    fn reclaim(
        &mut self,
        lineage: Lineage,
        last: u64,
        listed: Option<StoredLineage>,
    ) -> Result<Option<StoredLineage>, StorageError> {
        let stored = listed.map_or_else(|| known(self.index, lineage), Ok)?;
        if stored.kept().is_some_and(|kept| kept <= last) {
            return Ok(None);
        }
        put(self.writer, Row::Grave(lineage), &StoredGrave::Past(last))?;
        Ok(Some(stored.kept_to(last)))
    }

    fn remove(&mut self, lineage: Lineage, stream: &RecentStream) -> Result<(), StorageError> {
        // What came and went between two rounds leaves no trace.
        if stream.unlisted.is_some() {
            return Ok(());
        }
        self.writer.row(Row::Lineage(lineage).key(), None)?;
        put(self.writer, Row::Grave(lineage), &StoredGrave::Whole)
    }
}

/// What the catalogue says of a lineage.
pub(super) fn known(index: &Index, lineage: Lineage) -> Result<StoredLineage, StorageError> {
    let row = Row::Lineage(lineage);
    let missing = || StorageError::Corrupt(format!("{row} is missing"));
    index.read::<StoredLineage>(row)?.ok_or_else(missing)
}

fn put_order(
    writer: &mut ChunkWriter,
    index: &Index,
    frozen: &Recent,
    name: &SpaceName,
) -> Result<(), StorageError> {
    let runs = frozen.space(name).map_or(&[][..], |space| &space.runs);
    let Some(last) = runs.last() else { return Ok(()) };
    let mut space = index.space(name)?;
    let (first, to) = (space.last + 1, last.end().space);
    let kept = runs.iter().filter(|run| stays(frozen, run));
    writer.order(
        (name.store, &name.space),
        (first, to),
        kept.map(|run| (run.head, run.batch.records())),
    )?;
    space.last = to - 1;
    put(writer, Row::Space { store: name.store, space: &name.space }, &space)
}

/// Whether records have a place in the order of their space: some are not given up, of a stream that is there.
fn stays(frozen: &Recent, run: &RecentRun) -> bool {
    let removed = frozen.stream(run.head.lineage).is_some_and(|stream| stream.removed);
    let given_up = match frozen.slot(&run.key) {
        Some(Slot::Live(state)) if state.ranges.own() == run.head.lineage => state.floor.sequence,
        _ => 0,
    };
    !removed && run.end().sequence > given_up.saturating_add(1)
}

/// Writes what stands under a key, and when it ends. What stood there before is counted.
fn put_slot(
    writer: &mut ChunkWriter,
    index: &Index,
    replaced: &mut Ledger,
    (key, slot): (&StreamKey, &Slot),
) -> Result<(), StorageError> {
    let row = Row::state(key);
    let at = row.key();
    let old = match index.get(&at)? {
        Some(value) => {
            replaced.add(&at, &value);
            // Nobody else writes, so the rows that belong to it are those of this moment.
            index.whole_slot(row, decode(&at, &value, index.verify())?)?
        }
        None => Slot::Absent,
    };
    match StoredSlot::of(slot) {
        Some(stored) => put(writer, row, &stored)?,
        None if old != Slot::Absent => writer.row(at, None)?,
        None => {}
    }
    let (before, after) = (deadline(&old), deadline(slot));
    if before != after {
        if let Some((at, lineage)) = before.filter(|_| goes()) {
            writer.row(Row::Deadline { at, lineage }.key(), None)?;
        }
        if let Some((at, lineage)) = after {
            put(writer, Row::Deadline { at, lineage }, &StoredDeadline::of(key))?;
        }
    }
    Ok(())
}

/// The producers that a file tells of.
fn producers(stream: &RecentStream) -> impl Iterator<Item = (&ProducerId, &ProducerState)> {
    #[cfg(test)]
    let left_out = planted(Fault::SkipsProducers);
    #[cfg(not(test))]
    let left_out = false;
    stream.producers.iter().filter(move |_| !left_out)
}

/// Whether a deadline that passed away is deleted.
fn goes() -> bool {
    #[cfg(test)]
    let stays = planted(Fault::KeepsDeadlines);
    #[cfg(not(test))]
    let stays = false;
    !stays
}

/// When a slot ends, and of which lineage.
fn deadline(slot: &Slot) -> Option<(Timestamp, Lineage)> {
    match slot {
        Slot::Live(state) => Some((Arc::as_ref(state).due()?, state.ranges.own())),
        Slot::Absent | Slot::SoftDeleted(_) => None,
    }
}
