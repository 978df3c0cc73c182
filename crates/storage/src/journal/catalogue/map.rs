//! A catalogue in memory that remembers what it was: a crash may leave each of these, or nothing.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

use headwater_core::storage::StorageError;
use parking_lot::{Mutex, RwLock};
use sled::IVec;

use super::{Catalogue, Edit};
use crate::journal::open::Source;
use crate::local::rows::Entry;

/// Rows as they stood at one moment.
#[derive(Clone, Debug, Default, Hash)]
pub(in crate::journal) struct Image(pub(in crate::journal) Arc<BTreeMap<Vec<u8>, Vec<u8>>>);

impl Image {
    /// A number for what it holds.
    pub(in crate::journal) fn number(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

/// Who is told of a write or a sync, with the number of the image.
pub(in crate::journal) type Told = Box<dyn Fn(Happened, usize) + Send + Sync>;

/// What happened to a catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) enum Happened {
    /// It is about to be changed to this image.
    Write,
    /// This image is durable.
    Sync,
}

/// What a catalogue was, from one write to the next, whoever had it open.
pub(in crate::journal) struct Past {
    images: Mutex<Vec<Image>>,
    told: Told,
    /// How many more writes and syncs pass before one fails; none fails where that is not told.
    passing: Mutex<Option<u64>>,
}

impl std::fmt::Debug for Past {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Past").finish_non_exhaustive()
    }
}

impl Past {
    /// Begins with these images, of which the last one is the present.
    pub(in crate::journal) fn new(images: Vec<Image>, told: Told) -> Self {
        Self { images: Mutex::new(images), told, passing: Mutex::default() }
    }

    /// Lets a write or a sync fail, after so many that pass.
    pub(in crate::journal) fn fail_after(&self, passing: u64) {
        *self.passing.lock() = Some(passing);
    }

    /// Whether the one that was to fail has.
    pub(in crate::journal) fn has_failed(&self) -> bool {
        self.passing.lock().is_none()
    }

    fn check(&self) -> Result<(), StorageError> {
        let mut passing = self.passing.lock();
        match &mut *passing {
            Some(0) => {
                *passing = None;
                Err(StorageError::Unavailable("the catalogue refuses".to_owned()))
            }
            Some(more) => {
                *more -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// All images so far.
    pub(in crate::journal) fn images(&self) -> Vec<Image> {
        self.images.lock().clone()
    }

    fn present(&self) -> Image {
        self.images.lock().last().cloned().unwrap_or_default()
    }

    fn write(&self, rows: &BTreeMap<Vec<u8>, Vec<u8>>) {
        let mut images = self.images.lock();
        (self.told)(Happened::Write, images.len());
        images.push(Image(Arc::new(rows.clone())));
    }

    fn sync(&self) {
        let last = self.images.lock().len().saturating_sub(1);
        (self.told)(Happened::Sync, last);
    }
}

/// Where catalogues are opened that have a past.
#[derive(Debug)]
pub(in crate::journal) struct Shelf {
    pub(in crate::journal) past: Arc<Past>,
    /// How often one was made anew.
    pub(in crate::journal) anew: Mutex<usize>,
}

impl Shelf {
    pub(in crate::journal) fn new(past: Arc<Past>) -> Self {
        Self { past, anew: Mutex::default() }
    }

    /// One whose present is the image, and which tells nobody.
    pub(in crate::journal) fn holding(image: &Image) -> Self {
        Self::new(Arc::new(Past::new(vec![image.clone()], Box::new(|_, _| {}))))
    }
}

impl Source for Shelf {
    fn open(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        let rows = RwLock::new((*self.past.present().0).clone());
        Ok(Arc::new(MapCatalogue { rows, past: Arc::clone(&self.past) }))
    }

    fn anew(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        *self.anew.lock() += 1;
        self.past.write(&BTreeMap::new());
        self.open()
    }
}

/// Rows in a map.
#[derive(Debug)]
pub(in crate::journal) struct MapCatalogue {
    // Read by those who read and written by the one who packs, each for one call.
    rows: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
    past: Arc<Past>,
}

impl Catalogue for MapCatalogue {
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        Ok(self.rows.read().get(key).map(|value| IVec::from(value.as_slice())))
    }

    fn floor(&self, prefix: &[u8], key: &[u8]) -> Result<Option<(IVec, IVec)>, StorageError> {
        let rows = self.rows.read();
        let bounds = (Bound::Included(prefix), Bound::Included(key));
        let found = rows.range::<[u8], _>(bounds).next_back();
        Ok(found.map(|(key, value)| (key.as_slice().into(), value.as_slice().into())))
    }

    fn scan<'c>(
        &'c self,
        prefix: Vec<u8>,
        from: Bound<Vec<u8>>,
    ) -> Box<dyn Iterator<Item = Entry> + 'c> {
        let mut next = Some(from);
        Box::new(std::iter::from_fn(move || {
            let rows = self.rows.read();
            let bounds = (next.take()?, Bound::Unbounded);
            let (key, value) = rows.range::<Vec<u8>, _>(bounds).next()?;
            if !key.starts_with(&prefix) {
                return None;
            }
            next = Some(Bound::Excluded(key.clone()));
            Some(Ok((key.as_slice().into(), value.as_slice().into())))
        }))
    }

    fn write(&self, edits: Vec<Edit>) -> Result<(), StorageError> {
        self.past.check()?;
        let mut rows = self.rows.write();
        for (key, value) in edits {
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        self.past.write(&rows);
        Ok(())
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.past.check()?;
        self.past.sync();
        Ok(())
    }
}
