//! sled, as the adapters use it: how it is opened, what its values may weigh, and the sync that it lacks.

mod barrier;
mod open;
mod room;
pub(crate) mod tuning;

use std::ops::Bound;

use headwater_core::storage::StorageError;
use sled::IVec;

pub(crate) use barrier::{Barrier, DATA_FILE, Syncs};
pub(crate) use open::{is_released, open, sync_files};
pub(crate) use room::{Held, Room};

use super::rows::Entry;

/// Bytes of entries after which a scan accesses one once more. sled evicts a leaf only when its shard of the page cache has been
/// accessed 64 times, and a scan accesses each leaf once: without this, it would keep up to 16,384 leaves in memory. With it, they
/// have 32 MiB together, whatever the size of their entries is.
const TOUCH_EVERY: usize = 2048;

/// Accesses after which sled has freed what was waiting: 32 rounds of its garbage collector, which goes round every 128.
const SETTLING: usize = 4096;

/// The one tree.
#[derive(Debug)]
pub(crate) struct Database(sled::Db);

impl Database {
    pub(crate) fn new(db: sled::Db) -> Self {
        Self(db)
    }

    /// A value.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        self.0.get(key).map_err(failure)
    }

    /// A value, for a reader that goes through many: see [`TOUCH_EVERY`].
    pub(crate) fn get_in_passing(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        self.get(key)?;
        self.get(key)
    }

    /// The last entry at or before a key, among those that begin with a prefix.
    pub(crate) fn floor(
        &self,
        prefix: &[u8],
        key: &[u8],
    ) -> Result<Option<(IVec, IVec)>, StorageError> {
        self.0.range(prefix..=key).next_back().transpose().map_err(failure)
    }

    /// The last entry that begins with a prefix.
    pub(crate) fn last(&self, prefix: &[u8]) -> Result<Option<(IVec, IVec)>, StorageError> {
        self.0.scan_prefix(prefix).next_back().transpose().map_err(failure)
    }

    /// Entries that begin with a prefix, in order.
    pub(crate) fn scan<'t>(&'t self, prefix: &[u8]) -> impl Iterator<Item = Entry> + use<'t> {
        self.touching(self.0.scan_prefix(prefix))
    }

    /// Entries that begin with a prefix, in order, from a key on.
    pub(crate) fn scan_from(
        &self,
        prefix: Vec<u8>,
        from: Bound<Vec<u8>>,
    ) -> impl Iterator<Item = Entry> + use<'_> {
        let inside =
            move |entry: &Entry| entry.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix));
        self.touching(self.0.range::<Vec<u8>, _>((from, Bound::Unbounded))).take_while(inside)
    }

    /// The last keys that begin with a prefix, from the end backwards.
    pub(crate) fn keys_backwards<'t>(
        &'t self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<IVec, StorageError>> + use<'t> {
        self.0.scan_prefix(prefix).keys().rev().map(|key| key.map_err(failure))
    }

    fn touching(&self, entries: sled::Iter) -> impl Iterator<Item = Entry> {
        let mut bytes = 0;
        entries.map(move |entry| {
            let (key, value) = entry.map_err(failure)?;
            bytes += key.len() + value.len();
            while bytes >= TOUCH_EVERY {
                bytes -= TOUCH_EVERY;
                self.get(&key)?;
            }
            Ok((key, value))
        })
    }

    /// Writes entries, all or none. In the file when the next flush returns.
    pub(crate) fn apply(&self, batch: sled::Batch) -> Result<(), StorageError> {
        self.0.apply_batch(batch).map_err(failure)
    }

    /// Lets sled free the memory that it put aside. It does so only while it is used, and now it will not be. The key is one that
    /// is there.
    pub(crate) fn settle(&self, key: &[u8]) {
        for _ in 0..SETTLING {
            // Only being looked at matters here; whoever needs the row will see the error.
            if self.0.get(key).is_err() {
                return;
            }
        }
    }

    /// Hands everything to the operating system. Not a sync: see [`Barrier`].
    pub(crate) fn flush(&self) -> Result<(), StorageError> {
        self.0.flush().map(drop).map_err(failure)
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
