//! The database, as this adapter uses it: one tree, typed rows, and batches that keep account.
//!
//! The **ledger** counts the packed rows and sums up their fingerprints. It is written with each batch that changes one, so the
//! rows found when the directory is opened either add up or some are missing, stale, or too many.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use headwater_core::storage::StorageError;

use crate::directory::DataDir;
use crate::local::database::Database;
use crate::local::database::tuning::{BATCH_BYTES, BATCH_KEYS, VALUE_LIMIT};
use crate::local::frame::{Verify, fingerprint};
use crate::local::row::{Row, describe, tag};
use crate::local::stored::{Stored, StoredCheckpoint, encode};

/// What is durable.
pub(super) type View = crate::local::view::View<Tree>;

/// The one tree.
#[derive(Debug)]
pub(super) struct Tree {
    db: Database,
    verify: Verify,
    /// Counts edits, before each is applied. A reader that looks at several rows that belong together compares the count
    /// before and after.
    edits: AtomicU64,
    /// Stays locked for as long as the database is open; so it comes last, and is dropped last.
    directory: Arc<DataDir>,
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
    pub(super) fn new(db: Database, verify: Verify, directory: Arc<DataDir>) -> Self {
        Self { db, verify, edits: AtomicU64::new(0), directory }
    }

    /// The directory that it is in.
    pub(super) fn directory(&self) -> &Arc<DataDir> {
        &self.directory
    }

    /// Whether checksums are compared.
    pub(super) fn verify(&self) -> Verify {
        self.verify
    }

    /// The database that it is in.
    pub(super) fn db(&self) -> &Database {
        &self.db
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
                if let Some(old) = self.db.get(&key)? {
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
        self.db.apply(batch)?;
        *checkpoint = after;
        Ok(())
    }

    /// Adds rows that the ledger does not count, all or none.
    pub(super) fn append(&self, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        rows.into_iter().for_each(|(key, value)| batch.insert(key, value));
        self.db.apply(batch)
    }
}
