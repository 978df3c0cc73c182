//! Packing what is recent about one lineage.

use std::collections::BTreeMap;
use std::sync::Arc;

use headwater_core::producer::ProducerState;
use headwater_core::storage::StorageError;
use headwater_core::{Lineage, ProducerId, Slot, StreamKey, Tail, Timestamp};

use super::super::chunk::{self, Cutter};
use super::super::tree::Edit;
use super::super::tree::View;
use super::{Batch, Done, Rest, trims};
use crate::local::database::tuning::{BATCH_BYTES, BATCH_KEYS, MERGE_BELOW};
use crate::local::read::rows::{Part, Start};
use crate::local::recent::{RecentRun, RecentStream, SpaceName};
use crate::local::row::{Row, of_lineage, tag};
use crate::local::rows::Rows;
use crate::local::stored::{
    StoredDeadline, StoredGrave, StoredLineage, StoredPin, StoredProducer, StoredRanges,
    StoredSlot, decode,
};

/// What is recent about a lineage, copied out of memory.
struct Item {
    lineage: Lineage,
    key: StreamKey,
    slot: Slot,
    unlisted: Option<Tail>,
    pins: BTreeMap<u64, i64>,
    /// The first runs, as many as fit into a batch.
    runs: Vec<Arc<RecentRun>>,
    /// Some producers, as many as fit into a batch; none before all runs are taken.
    producers: Vec<(ProducerId, ProducerState)>,
    /// Whether there are more runs or producers.
    rest: Rest,
}

/// Adds what is recent about a lineage to a batch, or the first part of it.
pub(super) fn add(view: &View, lineage: Lineage, batch: &mut Batch) -> Result<Rest, StorageError> {
    let (removed, item) = {
        let recent = &view.recent.read().active;
        let Some(stream) = recent.stream(lineage) else { return Ok(Rest::Nothing) };
        let slot = recent.slot(&stream.key).cloned().unwrap_or_default();
        (stream.removed, Item::copy(lineage, stream, slot))
    };
    if removed {
        remove(view, &item, batch)?;
        batch.done.push(Done::Stream(lineage));
        return Ok(Rest::Nothing);
    }
    if let Some(base) = item.unlisted {
        batch.edit.put(Row::Lineage(lineage), &StoredLineage::new(&item.key, base))?;
        put_ranges(&item, &mut batch.edit)?;
    }
    put_records(view, &item, &mut batch.edit)?;
    put_producers(&item, &mut batch.edit)?;
    if item.rest == Rest::More {
        batch.done.push(Done::Runs(lineage, item.runs.len()));
        let producers = item.producers.into_iter().map(|(id, _)| id).collect();
        batch.done.push(Done::Producers(lineage, producers));
        return Ok(Rest::More);
    }
    put_rows(view, &item, &mut batch.edit)?;
    trims::note(view, lineage, &item.key, &item.slot, batch)?;
    batch.done.push(Done::Stream(lineage));
    Ok(Rest::Nothing)
}

impl Item {
    fn copy(lineage: Lineage, stream: &RecentStream, slot: Slot) -> Self {
        let mut bytes = 0;
        let fits = |run: &&Arc<RecentRun>| {
            let fits = bytes < BATCH_BYTES;
            bytes += run.batch.payload().len() + run.batch.records().len() * 8;
            fits
        };
        let runs: Vec<_> = stream.runs.iter().take_while(fits).cloned().collect();
        let all = runs.len() == stream.runs.len();
        let now = stream.producers.iter().take(if all { BATCH_KEYS } else { 0 });
        let producers: Vec<_> = now.map(|(id, state)| (id.clone(), *state)).collect();
        let all = all && producers.len() == stream.producers.len();
        let rest = if all { Rest::Nothing } else { Rest::More };
        let (key, unlisted, pins) = (stream.key.clone(), stream.unlisted, stream.pins.clone());
        Self { lineage, key, slot, unlisted, pins, runs, producers, rest }
    }
}

/// Appends records to the chunks of the lineage.
fn put_records(view: &View, item: &Item, edit: &mut Edit) -> Result<(), StorageError> {
    let Some(first) = item.runs.first().map(|run| run.head) else { return Ok(()) };
    let start = Start { lineage: item.lineage, position: first.position, sequence: first.sequence };
    let mut cutter = match chunk::last(&view.packed, item.lineage)? {
        Some(last) if last.next() != start => {
            let lineage = item.lineage.0;
            let what =
                format!("the chunks of lineage {lineage} do not end where its next record begins");
            return Err(StorageError::Corrupt(what));
        }
        Some(last) if last.size() < MERGE_BELOW => Cutter::reopen(&last)?,
        _ => Cutter::new(start),
    };
    for run in &item.runs {
        cutter.push(run.head, run.batch.records(), run.batch.payload())?;
    }
    cutter.finish()?.into_iter().try_for_each(|(key, value)| edit.put_value(key, value))
}

/// Writes the inherited ranges that have rows of their own. They never change, so they are written once, together with the
/// lineage: whatever is packed of a stream afterwards, and in however many steps, finds them there.
fn put_ranges(item: &Item, edit: &mut Edit) -> Result<(), StorageError> {
    let Some(state) = item.slot.state() else { return Ok(()) };
    for (index, ranges) in (0u16..).zip(StoredRanges::rows_of(state)) {
        edit.put(Row::Ranges { lineage: item.lineage, index }, &ranges)?;
    }
    Ok(())
}

/// Writes the rows of producers. A stream may have thousands, so they are written in as many steps as it takes, ahead of the
/// state: until that is written too, what is recent about the stream wins, after a crash as well.
fn put_producers(item: &Item, edit: &mut Edit) -> Result<(), StorageError> {
    for (id, state) in &item.producers {
        let row = Row::Producer { lineage: item.lineage, id: id.as_str() };
        edit.put(row, &StoredProducer::of(*state))?;
    }
    Ok(())
}

/// Writes state, deadline, and pins.
fn put_rows(view: &View, item: &Item, edit: &mut Edit) -> Result<(), StorageError> {
    let Some(stored) = StoredSlot::of(&item.slot) else { return Ok(()) };
    let old = own(view.packed.slot(&item.key)?, item.lineage);
    edit.put(Row::state(&item.key), &stored)?;
    put_deadline(item, deadline(&old), edit)?;
    let pins = put_pins(view, item, edit)?;
    if matches!(item.slot, Slot::SoftDeleted(_)) {
        let last = pins.last_key_value().map_or(0, |(position, _)| *position);
        reclaim(view, item, last, edit)?;
    }
    Ok(())
}

/// A packed slot, if it is of this lineage; that of an earlier one is deleted with it.
fn own(slot: Slot, lineage: Lineage) -> Slot {
    if slot.version().lineage == lineage.0 { slot } else { Slot::Absent }
}

/// When a slot ends.
fn deadline(slot: &Slot) -> Option<Timestamp> {
    match slot {
        Slot::Live(state) => state.due(),
        Slot::Absent | Slot::SoftDeleted(_) => None,
    }
}

fn put_deadline(item: &Item, old: Option<Timestamp>, edit: &mut Edit) -> Result<(), StorageError> {
    let (lineage, new) = (item.lineage, deadline(&item.slot));
    if old == new {
        return Ok(());
    }
    if let Some(at) = old {
        edit.delete(Row::Deadline { at, lineage }.key());
    }
    match new {
        Some(at) => edit.put(Row::Deadline { at, lineage }, &StoredDeadline::of(&item.key)),
        None => Ok(()),
    }
}

/// Writes the pins that changed, and returns all there are; empty where none changed and nobody will ask.
fn put_pins(view: &View, item: &Item, edit: &mut Edit) -> Result<BTreeMap<u64, u64>, StorageError> {
    if item.pins.is_empty() && matches!(item.slot, Slot::Live(_)) {
        return Ok(BTreeMap::new());
    }
    let mut pins = BTreeMap::new();
    for entry in view.packed.db().scan(&of_lineage(tag::PIN, item.lineage)) {
        let (key, value) = entry?;
        let stored: StoredPin = decode(&key, &value, view.packed.verify())?;
        if let Some(Row::Pin { position, .. }) = Row::parse(&key) {
            pins.insert(position, stored.forks);
        }
    }
    for (&position, &change) in &item.pins {
        let forks = pins.get(&position).copied().unwrap_or_default().saturating_add_signed(change);
        let row = Row::Pin { lineage: item.lineage, position };
        if forks > 0 {
            pins.insert(position, forks);
            edit.put(row, &StoredPin { forks })?;
        } else {
            pins.remove(&position);
            edit.delete(row.key());
        }
    }
    Ok(pins)
}

/// Gives up what lies past the last fork point of a soft-deleted stream.
fn reclaim(view: &View, item: &Item, last: u64, edit: &mut Edit) -> Result<(), StorageError> {
    let row = Row::Lineage(item.lineage);
    let stored = match (item.unlisted, view.packed.read::<StoredLineage>(row)?) {
        (Some(base), None) => StoredLineage::new(&item.key, base),
        (_, Some(stored)) => stored,
        (None, None) => return Err(StorageError::Corrupt(format!("{row} is missing"))),
    };
    if stored.kept().is_none_or(|kept| kept > last) {
        edit.put(row, &stored.kept_to(last))?;
        edit.put(Row::Grave(item.lineage), &StoredGrave::Past(last))?;
    }
    Ok(())
}

/// Deletes a stream's own rows, and leaves the many that may belong to it for later.
fn remove(view: &View, item: &Item, batch: &mut Batch) -> Result<(), StorageError> {
    let (lineage, row) = (item.lineage, Row::Lineage(item.lineage));
    let Some(stored) = view.packed.read::<StoredLineage>(row)? else { return Ok(()) };
    batch.edit.delete(row.key());
    batch.edit.put(Row::Grave(lineage), &StoredGrave::Whole)?;
    batch.edit.delete(Row::Trim(lineage).key());
    let old = own(view.packed.slot(&item.key)?, lineage);
    if let Some(state) = old.state() {
        batch.edit.delete(Row::state(&item.key).key());
        if let Some(at) = deadline(&old) {
            batch.edit.delete(Row::Deadline { at, lineage }.key());
        }
        let records = state.tail.sequence.saturating_sub(stored.base().sequence);
        *batch.dead.entry(SpaceName::of(&item.key)).or_default() += records;
    }
    Ok(())
}
