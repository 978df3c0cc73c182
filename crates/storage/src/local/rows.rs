//! Packed rows: what adapters have beside what is recent, whatever keeps it.

use std::fmt;
use std::ops::Bound;

use bytes::Bytes;
use headwater_core::producer::ProducerState;
use headwater_core::record::RecordMeta;
use headwater_core::storage::{Portion, StorageError};
use headwater_core::{Lineage, ProducerId, Slot, StreamKey};
use sled::IVec;

use super::frame::Verify;
use super::recent::SpaceName;
use super::row::Row;
use super::stored::{
    Stored, StoredProducer, StoredRanges, StoredSlot, StoredSpace, Stretch, Unacceptable, decode,
};

/// A key and its value in its frame.
pub(crate) type Entry = Result<(IVec, IVec), StorageError>;

/// Rows by key.
pub(crate) trait Rows: fmt::Debug + Send + Sync + Sized {
    /// Whether checksums are compared.
    fn verify(&self) -> Verify;

    /// A value in its frame.
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError>;

    /// Entries that begin with a prefix, in order, from a key on.
    fn scan_from(&self, prefix: Vec<u8>, from: Bound<Vec<u8>>) -> impl Iterator<Item = Entry>;

    /// How many edits have been begun. Counted before each is applied, so that a reader that looks at several rows that belong
    /// together can compare the count before and after.
    fn edits(&self) -> u64;

    /// A row.
    fn read<T: Stored>(&self, row: Row<'_>) -> Result<Option<T>, StorageError> {
        let key = row.key();
        self.get(&key)?.map(|value| decode(&key, &value, self.verify())).transpose()
    }

    /// What stands under a key.
    fn slot(&self, key: &StreamKey) -> Result<Slot, StorageError> {
        let row = Row::state(key);
        loop {
            let edits = self.edits();
            let Some(stored) = self.read::<StoredSlot>(row)? else { return Ok(Slot::Absent) };
            match self.whole_slot(row, stored) {
                // The rows of a stream that is being removed may go between two looks.
                Err(_) if self.edits() != edits => {}
                outcome => return outcome,
            }
        }
    }

    /// Adds to a state row the inherited ranges that are in rows of their own.
    fn whole_slot(&self, row: Row<'_>, stored: StoredSlot) -> Result<Slot, StorageError> {
        let lineage = stored.lineage();
        let ranges = (0..stored.range_rows()).map(|index| {
            let row = Row::Ranges { lineage, index };
            let missing = || StorageError::Corrupt(format!("{row} is missing"));
            self.read::<StoredRanges>(row)?.ok_or_else(missing)
        });
        let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
        stored.into_slot(ranges).map_err(Unacceptable::at(&row.key()))
    }

    /// A producer's row.
    fn producer(
        &self,
        lineage: Lineage,
        id: &ProducerId,
    ) -> Result<Option<ProducerState>, StorageError> {
        let row = Row::Producer { lineage, id: id.as_str() };
        let stored = self.read::<StoredProducer>(row)?;
        stored.map(|stored| stored.into_state().map_err(Unacceptable::at(&row.key()))).transpose()
    }

    /// The counters of a space.
    fn space(&self, name: &SpaceName) -> Result<StoredSpace, StorageError> {
        let row = Row::Space { store: name.store, space: &name.space };
        Ok(self.read(row)?.unwrap_or_default())
    }
}

/// Bytes of a lineage that are stored together.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The position of the first one.
    pub(crate) from: u64,
    pub(crate) bytes: Bytes,
}

impl Piece {
    /// The position after its last byte.
    pub(crate) fn end(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }

    /// Its bytes in `from..to`, as far as it has them.
    pub(crate) fn within(&self, from: u64, to: u64) -> Bytes {
        let from = from.clamp(self.from, self.end()) - self.from;
        let to = to.clamp(self.from, self.end()) - self.from;
        // Both are at most the length of the bytes.
        self.bytes.slice(from as usize..(to as usize).max(from as usize))
    }
}

/// Packed rows, and what they tell about records.
pub(crate) trait Packed: Rows {
    /// What is stored together with the byte at a position.
    fn piece(&self, lineage: Lineage, position: u64) -> Result<Option<Piece>, StorageError>;

    /// Bytes from one position to another, none of them empty, up to the first that is not there.
    fn bytes(&self, lineage: Lineage, from: u64, to: u64) -> Result<Vec<Bytes>, StorageError>;

    /// The same bytes for who only sends them on, so many of them in memory at most.
    fn portions(
        &self,
        lineage: Lineage,
        (from, to): (u64, u64),
        budget: u64,
    ) -> Result<Vec<Portion>, StorageError> {
        let bytes = self.bytes(lineage, from, to.min(from.saturating_add(budget)))?;
        Ok(bytes.into_iter().map(Portion::from).collect())
    }

    /// The rows of the records that belong to a page ([`touches`](super::read::page::touches)); none from the sequence `before`
    /// on, where something newer than this tells.
    fn records(
        &self,
        lineage: Lineage,
        span: (u64, u64),
        before: Option<u64>,
    ) -> Result<Vec<RecordMeta>, StorageError>;

    /// The row of the record at a place.
    fn record(
        &self,
        lineage: Lineage,
        position: u64,
        sequence: u64,
    ) -> Result<Option<RecordMeta>, StorageError>;

    /// The stretch of the order of a space that holds a place.
    fn stretch(&self, name: &SpaceName, sequence: u64) -> Result<Option<Stretch>, StorageError>;
}
