//! What one lineage wrote: payload, record table, producer rows, and the pins of forks.
//!
//! A stream that has written nothing has none, which is most of what makes an idle stream small.

use std::collections::BTreeMap;

use headwater_core::change::PinChange;
use headwater_core::producer::ProducerState;
use headwater_core::record::{Batch, Entry, RecordMeta};
use headwater_core::storage::{Detail, Page, ReadRange, SpaceSequence, Stamp, StorageError};
use headwater_core::{ProducerId, StreamKey, Tail};

use super::payload::Payload;
use super::table::Table;

/// What one lineage wrote.
#[derive(Clone, Debug)]
pub(super) struct Log {
    key: StreamKey,
    payload: Payload,
    table: Table,
    producers: BTreeMap<ProducerId, ProducerState>,
    /// How many forks diverge at each position.
    pins: BTreeMap<u64, u32>,
    /// The first row that is not given up.
    floor: usize,
}

impl Log {
    /// An empty one, whose first record will follow this tail.
    pub(super) fn starting_at(key: StreamKey, base: Tail) -> Self {
        Self {
            key,
            payload: Payload::starting_at(base.position),
            table: Table::starting_at(base),
            producers: BTreeMap::new(),
            pins: BTreeMap::new(),
            floor: 0,
        }
    }

    /// The stream that this lineage is the own one of.
    pub(super) fn key(&self) -> &StreamKey {
        &self.key
    }

    /// Appends a batch, and returns the row of its first record.
    pub(super) fn append(&mut self, batch: &Batch, first: SpaceSequence, stamp: &Stamp) -> usize {
        let row = self.table.len();
        self.payload.push(batch.payload());
        self.table.push(batch.records(), first, stamp);
        row
    }

    /// Sets a producer's row.
    pub(super) fn set_producer(&mut self, (id, state): (&ProducerId, ProducerState)) {
        self.producers.insert(id.clone(), state);
    }

    /// A producer's row.
    pub(super) fn producer(&self, id: &ProducerId) -> Option<ProducerState> {
        self.producers.get(id).copied()
    }

    /// Adds or drops a fork point.
    pub(super) fn pin(&mut self, change: PinChange) {
        match change {
            PinChange::Add(at) => *self.pins.entry(at).or_default() += 1,
            PinChange::Drop(at) => {
                if let Some(count) = self.pins.get_mut(&at) {
                    *count = count.saturating_sub(1);
                }
                self.pins.retain(|_, count| *count > 0);
            }
        }
    }

    /// Gives up the records up to a floor. Returns where they stand in the order of their space, and the first row after them.
    pub(super) fn give_up(&mut self, floor: Tail) -> (Vec<u64>, usize) {
        let before = std::mem::replace(&mut self.floor, self.table.after(floor.sequence));
        (self.table.space_sequences_of(before..self.floor), self.floor)
    }

    /// Gives back what was given up, where no fork needs it.
    pub(super) fn release(&mut self, floor: Tail) {
        self.payload.release(floor.position);
        self.table.release(self.floor);
    }

    /// Gives back what no fork needs of a stream that is soft-deleted: everything past the last fork point.
    pub(super) fn reclaim(&mut self) {
        let end = self.pins.last_key_value().map_or(0, |(at, _)| *at);
        self.payload.truncate(end);
        self.table.truncate(end);
    }

    /// A page of it.
    pub(super) fn read(&self, range: ReadRange, detail: Detail) -> Result<Page, StorageError> {
        let chunks = match self.payload.read(range.from, range.to, range.budget) {
            Some(chunks) => chunks,
            None if range.from < range.to => return Err(StorageError::Gone),
            None => Vec::new(),
        };
        let mut page = Page { chunks, records: Vec::new() };
        if detail == Detail::Records {
            page.records = self.table.touching(range.from, range.from + page.len());
        }
        Ok(page)
    }

    /// The row at an index.
    pub(super) fn row(&self, index: usize) -> Option<RecordMeta> {
        self.table.get(index)
    }

    /// The record of a row, with its bytes.
    pub(super) fn entry(&self, meta: RecordMeta) -> Result<Entry, StorageError> {
        let chunks = if meta.len == 0 {
            Vec::new()
        } else {
            let read = self.payload.read(meta.position, meta.end(), usize::MAX);
            read.ok_or(StorageError::Gone)?
        };
        // A batch is never divided between pieces, so a record is one.
        let payload = chunks.into_iter().next().unwrap_or_default();
        Ok(Entry { key: self.key.clone(), meta, payload })
    }

    /// Where its records stand in the order of their space.
    pub(super) fn space_sequences(&self) -> impl Iterator<Item = u64> {
        self.table.space_sequences()
    }
}
