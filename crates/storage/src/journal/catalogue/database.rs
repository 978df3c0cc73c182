//! The catalogue in sled.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use headwater_core::storage::StorageError;
use sled::{Batch, IVec};

use super::{Catalogue, Edit};
use crate::directory::OpenError;
use crate::local::database::{self, Barrier, Database, Held, Room, Syncs};
use crate::local::rows::Entry;

/// What is held for the file before rows are written: more than sled keeps in memory and moves about between two writes of them.
const ROOM: u64 = 8 << 20;

/// The operating system's sync.
#[derive(Debug)]
struct Real;

impl Syncs for Real {}

/// Rows in sled's one tree.
#[derive(Debug)]
pub(in crate::journal) struct DatabaseCatalogue {
    db: Database,
    barrier: Barrier,
    room: Room,
}

impl DatabaseCatalogue {
    /// Opens the database in a folder of a data directory, or creates it.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] where sled does not understand its files.
    pub(in crate::journal) fn open(
        directory: &Path,
        folder: &Path,
        cache_bytes: u64,
    ) -> Result<Self, OpenError> {
        let db = Database::new(database::open(directory, folder, cache_bytes)?);
        let barrier = Barrier::open(folder, Arc::new(Real))?;
        Ok(Self { db, barrier, room: Room::open(folder)? })
    }
}

impl Catalogue for DatabaseCatalogue {
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        self.db.get(key)
    }

    fn floor(&self, prefix: &[u8], key: &[u8]) -> Result<Option<(IVec, IVec)>, StorageError> {
        self.db.floor(prefix, key)
    }

    fn scan<'c>(
        &'c self,
        prefix: Vec<u8>,
        from: Bound<Vec<u8>>,
    ) -> Box<dyn Iterator<Item = Entry> + 'c> {
        Box::new(self.db.scan_from(prefix, from))
    }

    fn write(&self, edits: Vec<Edit>) -> Result<(), StorageError> {
        if self.room.hold(ROOM) == Held::No {
            return Err(StorageError::Unavailable("there is no room for the catalogue".to_owned()));
        }
        let mut batch = Batch::default();
        for (key, value) in edits {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.db.apply(batch)
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.db.flush()?;
        self.barrier.wait()
    }
}
