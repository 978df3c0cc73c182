//! Records: what is appended, and what is read back.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::key::StreamKey;
use crate::storage::{SpaceSequence, UnitNumber};
use crate::time::Timestamp;

/// Most metadata of one record, keys and values together, in bytes.
///
/// Metadata lives in tables that are read as a whole; a record table must stay small beside its payload.
pub const MAX_METADATA_BYTES: usize = 8 * 1024;

/// Most records of one append.
///
/// A record of two bytes takes many times that in memory. This is far more than a batch needs to be efficient, and so few
/// that their table weighs less than the largest body.
pub const MAX_RECORDS: usize = 262_144;

/// What a record counts for in budgets of memory, beside its bytes: its row in the table, and twice that while the
/// table is made.
pub const RECORD_BYTES: usize = 48;

const _: () = assert!(3 * size_of::<BatchRecord>() <= RECORD_BYTES);

/// What an entry of a record's metadata counts for beside its text: the two strings and their place in the map.
const METADATA_ENTRY_BYTES: usize = 64;

/// What so many records count for in budgets of memory, beside their bytes.
///
/// The first one is free. Every request brings one, and it is small beside what the request itself takes.
#[must_use]
pub fn table_bytes(records: usize) -> usize {
    records.saturating_sub(1).saturating_mul(RECORD_BYTES)
}

/// Names and values that travel with a record, outside its payload.
pub type Metadata = BTreeMap<String, String>;

/// One record of a batch: how many stored bytes it takes, and its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    /// Bytes as stored: a JSON value counts itself plus one separator.
    pub len: u64,
    /// Shared, because a batch is kept for a retry while it is being committed.
    pub metadata: Option<Arc<Metadata>>,
}

impl BatchRecord {
    /// A record of so many stored bytes without metadata.
    #[must_use]
    pub fn plain(len: u64) -> Self {
        Self { len, metadata: None }
    }
}

/// Why records cannot be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBatch {
    /// No records.
    #[error("a batch holds at least one record")]
    Empty,
    /// The lengths of the records do not add up to the payload.
    #[error("the records do not cover the payload")]
    Lengths,
    /// A record's metadata exceeds [`MAX_METADATA_BYTES`].
    #[error("metadata must not exceed {MAX_METADATA_BYTES} bytes per record")]
    Metadata,
}

/// Records that are appended together, in stored form: one stretch of bytes and where it divides.
///
/// Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    payload: Bytes,
    records: Arc<[BatchRecord]>,
}

impl Batch {
    /// Joins payload and record lengths.
    ///
    /// # Errors
    /// [`InvalidBatch`] when there are no records, lengths and payload disagree, or metadata is too large.
    pub fn new(payload: Bytes, records: Arc<[BatchRecord]>) -> Result<Self, InvalidBatch> {
        if records.is_empty() {
            return Err(InvalidBatch::Empty);
        }
        let mut total = 0u64;
        for record in records.iter() {
            total = total.checked_add(record.len).ok_or(InvalidBatch::Lengths)?;
            let metadata = record.metadata.iter().flat_map(|map| map.iter());
            if metadata.map(|(k, v)| k.len() + v.len()).sum::<usize>() > MAX_METADATA_BYTES {
                return Err(InvalidBatch::Metadata);
            }
        }
        if total == payload.len() as u64 {
            Ok(Self { payload, records })
        } else {
            Err(InvalidBatch::Lengths)
        }
    }

    /// One record of raw bytes.
    #[must_use]
    pub fn single(payload: Bytes) -> Self {
        let records = Arc::new([BatchRecord::plain(payload.len() as u64)]);
        Self { payload, records }
    }

    /// The stored bytes.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The records, in order; at least one.
    #[must_use]
    pub fn records(&self) -> &[BatchRecord] {
        &self.records
    }

    /// What the batch counts for in budgets of memory, in bytes: payload, table and metadata.
    #[must_use]
    pub fn weight(&self) -> usize {
        let entries =
            self.records.iter().flat_map(|record| &record.metadata).flat_map(|map| &**map);
        let metadata: usize = entries.map(|(k, v)| k.len() + v.len() + METADATA_ENTRY_BYTES).sum();
        self.payload.len() + table_bytes(self.records.len()) + metadata
    }
}

/// A row of the record table: everything about a stored record but its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMeta {
    /// 1, 2, 3 … per stream.
    pub sequence: u64,
    /// Where the record stands in the order of its space.
    pub space_sequence: SpaceSequence,
    /// Position of its first byte.
    pub position: u64,
    /// Stored bytes.
    pub len: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// The unit that committed it.
    pub unit: UnitNumber,
    /// Its metadata, if any.
    pub metadata: Option<Arc<Metadata>>,
}

impl RecordMeta {
    /// Position after its last byte.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.position + self.len
    }
}

/// A record as it is read in the order of its space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The stream it was appended to.
    pub key: StreamKey,
    /// Its row.
    pub meta: RecordMeta,
    /// Its stored bytes.
    pub payload: Bytes,
}
