//! A catalogue in memory that remembers what it was.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use headwater_core::storage::StorageError;
use parking_lot::Mutex;
use sled::IVec;

use crate::disk::FakeDisk;
use crate::journal::catalogue::{Catalogue, Edit};
use crate::journal::open::Source;
use crate::local::rows::Entry;

/// Rows by key.
pub(super) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Marks in the history of the disk, above the number that goes with each.
pub(super) const WRITTEN: u64 = 1 << 60;
pub(super) const SYNCED: u64 = 2 << 60;

/// A catalogue in memory that remembers what it was after each write.
#[derive(Debug)]
pub(super) struct Table {
    disk: FakeDisk,
    rows: Mutex<Rows>,
    past: Mutex<Vec<Rows>>,
}

impl Table {
    pub(super) fn of(disk: &FakeDisk, rows: Rows) -> Arc<Self> {
        let past = Mutex::new(vec![rows.clone()]);
        Arc::new(Self { disk: disk.clone(), rows: Mutex::new(rows), past })
    }

    /// What it was after so many writes.
    pub(super) fn past(&self, writes: u64) -> Rows {
        self.past.lock()[writes as usize].clone()
    }

    /// What it is.
    pub(super) fn now(&self) -> Rows {
        self.rows.lock().clone()
    }

    /// Loses a row, as a database with a fault may.
    pub(super) fn lose(&self, key: &[u8]) {
        self.rows.lock().remove(key).unwrap();
    }
}

impl Catalogue for Table {
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        Ok(self.rows.lock().get(key).map(|value| value.as_slice().into()))
    }

    fn floor(&self, prefix: &[u8], key: &[u8]) -> Result<Option<(IVec, IVec)>, StorageError> {
        let rows = self.rows.lock();
        let found = rows.range(prefix.to_vec()..=key.to_vec()).next_back();
        Ok(found.map(|(key, value)| (key.as_slice().into(), value.as_slice().into())))
    }

    fn scan<'c>(
        &'c self,
        prefix: Vec<u8>,
        from: Bound<Vec<u8>>,
    ) -> Box<dyn Iterator<Item = Entry> + 'c> {
        let rows = self.rows.lock();
        let all = rows.range((from, Bound::Unbounded));
        let found = all.take_while(|(key, _)| key.starts_with(&prefix));
        let found: Vec<Entry> = found
            .map(|(key, value)| Ok((key.as_slice().into(), value.as_slice().into())))
            .collect();
        Box::new(found.into_iter())
    }

    fn write(&self, edits: Vec<Edit>) -> Result<(), StorageError> {
        let mut rows = self.rows.lock();
        for (key, value) in edits {
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        let mut past = self.past.lock();
        past.push(rows.clone());
        self.disk.mark(WRITTEN | (past.len() as u64 - 1));
        Ok(())
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.disk.mark(SYNCED | (self.past.lock().len() as u64 - 1));
        Ok(())
    }
}

/// Where it comes from.
pub(super) struct TableSource(pub(super) Arc<Table>);

impl Source for TableSource {
    fn open(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        Ok(Arc::clone(&self.0) as _)
    }

    fn anew(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        self.0.rows.lock().clear();
        self.open()
    }
}
