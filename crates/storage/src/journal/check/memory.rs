//! A catalogue in memory, for as long as somebody looks.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use headwater_core::storage::StorageError;
use parking_lot::RwLock;
use sled::IVec;

use crate::journal::catalogue::{Catalogue, Edit};
use crate::journal::open::Source;
use crate::local::rows::Entry;

/// Empty catalogues.
pub(in crate::journal) struct InMemory;

impl Source for InMemory {
    fn open(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        Ok(Arc::new(Sorted::default()))
    }

    fn anew(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        self.open()
    }
}

/// Rows in their order.
#[derive(Default)]
struct Sorted {
    // Only one thread looks; the trait wants to be shared.
    rows: RwLock<BTreeMap<IVec, IVec>>,
}

impl fmt::Debug for Sorted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sorted").finish_non_exhaustive()
    }
}

impl Sorted {
    fn next(&self, from: &Bound<IVec>) -> Option<(IVec, IVec)> {
        let rows = self.rows.read();
        let next = rows.range((from.clone(), Bound::Unbounded)).next();
        next.map(|(key, value)| (key.clone(), value.clone()))
    }
}

impl Catalogue for Sorted {
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        Ok(self.rows.read().get(key).cloned())
    }

    fn floor(&self, prefix: &[u8], key: &[u8]) -> Result<Option<(IVec, IVec)>, StorageError> {
        let rows = self.rows.read();
        let found = rows.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back();
        let found = found.filter(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, value)| (key.clone(), value.clone())))
    }

    fn scan<'c>(
        &'c self,
        prefix: Vec<u8>,
        from: Bound<Vec<u8>>,
    ) -> Box<dyn Iterator<Item = Entry> + 'c> {
        let mut from = from.map(IVec::from);
        Box::new(std::iter::from_fn(move || {
            let (key, value) = self.next(&from)?;
            from = Bound::Excluded(key.clone());
            key.starts_with(&prefix).then_some(Ok((key, value)))
        }))
    }

    fn write(&self, edits: Vec<Edit>) -> Result<(), StorageError> {
        let mut rows = self.rows.write();
        for (key, value) in edits {
            match value {
                Some(value) => rows.insert(key.into(), value.into()),
                None => rows.remove(&IVec::from(key)),
            };
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StorageError> {
        Ok(())
    }
}
