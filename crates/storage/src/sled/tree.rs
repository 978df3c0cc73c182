//! The database, as this adapter uses it: one tree, typed rows, and batches that keep account.
//!
//! The **ledger** counts the packed rows and sums up their fingerprints. It is written with each batch that changes one, so the
//! rows found when the directory is opened either add up or some are missing, stale, or too many.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

use headwater_core::storage::StorageError;
use sled::IVec;

use super::tuning::{BATCH_BYTES, BATCH_KEYS, VALUE_LIMIT};
use crate::local::frame::{Verify, fingerprint};
use crate::local::row::{Row, describe, tag};
use crate::local::stored::{Stored, StoredCheckpoint, decode, encode};

/// Accesses beside the first to each entry that a scan meets. sled evicts a leaf only when its shard of the page cache has
/// been accessed 64 times; without these, a scan would keep up to 16,384 leaves in memory.
pub(super) const TOUCHES: usize = 2;

/// Accesses after which sled has freed what was waiting: 32 rounds of its garbage collector, which goes round every 128.
const SETTLING: usize = 4096;

/// A key and its value in its frame.
pub(super) type Entry = Result<(IVec, IVec), StorageError>;

/// The one tree.
#[derive(Debug)]
pub(super) struct Tree {
    db: sled::Db,
    verify: Verify,
    /// Counts edits, before each is applied. A reader that looks at several rows that belong together compares the count
    /// before and after.
    edits: AtomicU64,
}

/// Rows to be changed together.
#[derive(Debug, Default)]
pub(super) struct Edit {
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    bytes: usize,
}

impl Edit {
    /// Sets a row.
    pub(super) fn put<T: Stored>(&mut self, row: Row<'_>, value: &T) -> Result<(), StorageError> {
        let key = row.key();
        let value = encode(&key, value)?;
        self.put_value(key, value)
    }

    /// Sets a row to a value in its frame.
    pub(super) fn put_value(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StorageError> {
        if value.len() > VALUE_LIMIT {
            let place = describe(&key);
            return Err(StorageError::Corrupt(format!("{place} would take {} bytes", value.len())));
        }
        self.bytes += key.len() + value.len();
        self.rows.insert(key, Some(value));
        Ok(())
    }

    /// Deletes a row, whether or not it is there.
    pub(super) fn delete(&mut self, key: Vec<u8>) {
        self.bytes += key.len();
        self.rows.insert(key, None);
    }

    /// Bytes of keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Rows in it.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it should be applied before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_KEYS || self.bytes >= BATCH_BYTES
    }
}

/// The sum of all packed rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) rows: u64,
    pub(super) streams: u64,
    pub(super) digest: u64,
}

impl Sum {
    /// What a checkpoint says.
    pub(super) fn of(checkpoint: &StoredCheckpoint) -> Self {
        let digest = u64::from_le_bytes(checkpoint.digest);
        Self { rows: checkpoint.rows, streams: checkpoint.streams, digest }
    }

    /// Counts a row in.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_add(1);
        self.digest = self.digest.wrapping_add(fingerprint(value));
        self.streams = self.streams.wrapping_add(u64::from(is_state(key)));
    }

    fn subtract(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.digest = self.digest.wrapping_sub(fingerprint(value));
        self.streams = self.streams.wrapping_sub(u64::from(is_state(key)));
    }
}

fn is_state(key: &[u8]) -> bool {
    key.first() == Some(&tag::STATE)
}

/// Whether a row is one of those that the ledger counts.
pub(super) fn is_packed(key: &[u8]) -> bool {
    !matches!(key.first(), Some(&(tag::GROUP | tag::CHECKPOINT)))
}

impl Tree {
    pub(super) fn new(db: sled::Db, verify: Verify) -> Self {
        Self { db, verify, edits: AtomicU64::new(0) }
    }

    /// Whether checksums are compared.
    pub(super) fn verify(&self) -> Verify {
        self.verify
    }

    /// A value in its frame.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        self.db.get(key).map_err(failure)
    }

    /// A row.
    pub(super) fn read<T: Stored>(&self, row: Row<'_>) -> Result<Option<T>, StorageError> {
        let key = row.key();
        self.get(&key)?.map(|value| decode(&key, &value, self.verify)).transpose()
    }

    /// A value in its frame, for a reader that goes through many: see [`TOUCHES`].
    pub(super) fn get_in_passing(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        self.get(key)?;
        self.get(key)
    }

    /// The last entry at or before a key, among those that begin with a prefix.
    pub(super) fn floor(
        &self,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<Option<(IVec, IVec)>, StorageError> {
        self.db.range(prefix..=key).next_back().transpose().map_err(failure)
    }

    /// The last entry that begins with a prefix.
    pub(super) fn last(&self, prefix: &[u8]) -> Result<Option<(IVec, IVec)>, StorageError> {
        self.db.scan_prefix(prefix).next_back().transpose().map_err(failure)
    }

    /// Entries that begin with a prefix, in order.
    pub(super) fn scan<'t>(&'t self, prefix: &[u8]) -> impl Iterator<Item = Entry> + use<'t> {
        self.touching(self.db.scan_prefix(prefix))
    }

    /// Entries that begin with a prefix, in order, from a key on.
    pub(super) fn scan_from<'t>(
        &'t self,
        prefix: &[u8],
        from: Bound<&[u8]>,
    ) -> impl Iterator<Item = Entry> + use<'t> {
        let prefix = prefix.to_vec();
        let inside =
            move |entry: &Entry| entry.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix));
        self.touching(self.db.range::<&[u8], _>((from, Bound::Unbounded))).take_while(inside)
    }

    /// The last keys that begin with a prefix, from the end backwards.
    pub(super) fn keys_backwards<'t>(
        &'t self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<IVec, StorageError>> + use<'t> {
        self.db.scan_prefix(prefix).keys().rev().map(|key| key.map_err(failure))
    }

    fn touching(&self, entries: sled::Iter) -> impl Iterator<Item = Entry> {
        entries.map(|entry| {
            let (key, value) = entry.map_err(failure)?;
            for _ in 0..TOUCHES {
                self.get(&key)?;
            }
            Ok((key, value))
        })
    }

    /// How many edits have been begun.
    pub(super) fn edits(&self) -> u64 {
        self.edits.load(Ordering::Acquire)
    }

    /// Changes rows together, and the checkpoint with them. In the file when the next flush returns.
    pub(super) fn apply(
        &self,
        edit: Edit,
        checkpoint: &mut StoredCheckpoint,
    ) -> Result<(), StorageError> {
        let mut sum = Sum::of(checkpoint);
        let mut batch = sled::Batch::default();
        for (key, value) in edit.rows {
            if is_packed(&key) {
                if let Some(old) = self.get(&key)? {
                    sum.subtract(&key, &old);
                }
                if let Some(new) = &value {
                    sum.add(&key, new);
                }
            }
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let after = StoredCheckpoint {
            rows: sum.rows,
            streams: sum.streams,
            digest: sum.digest.to_le_bytes(),
            ..*checkpoint
        };
        let key = Row::Checkpoint.key();
        let value = encode(&key, &after)?;
        batch.insert(key, value);
        self.edits.fetch_add(1, Ordering::AcqRel);
        self.db.apply_batch(batch).map_err(failure)?;
        *checkpoint = after;
        Ok(())
    }

    /// Adds rows that the ledger does not count, all or none.
    pub(super) fn append(&self, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        rows.into_iter().for_each(|(key, value)| batch.insert(key, value));
        self.db.apply_batch(batch).map_err(failure)
    }

    /// Lets sled free the memory that it put aside. It does so only while it is used, and now it will not be.
    pub(super) fn settle(&self) {
        let key = Row::Checkpoint.key();
        for _ in 0..SETTLING {
            // Only being looked at matters here; whoever needs the row will see the error.
            if self.db.get(&key).is_err() {
                return;
            }
        }
    }

    /// Hands everything to the operating system. Not a sync: see [`super::safeguards::Safeguards::sync`].
    pub(super) fn flush(&self) -> Result<(), StorageError> {
        self.db.flush().map(drop).map_err(failure)
    }
}

fn failure(error: sled::Error) -> StorageError {
    match error {
        sled::Error::Corruption { .. } => {
            StorageError::Corrupt("the database's file does not match its own checksums".to_owned())
        }
        sled::Error::ReportableBug(what) => StorageError::Corrupt(what),
        other => StorageError::Unavailable(other.to_string()),
    }
}
