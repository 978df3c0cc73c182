//! What readers see in the middle of a round: the same as before it and behind it.

use std::io::{self, IoSlice};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use headwater_core::storage::{OpenFile, StorageError};
use parking_lot::Mutex;
use sled::IVec;

use super::crash::{USUAL, script};
use super::life::Life;
use super::model::Model;
use super::options;
use super::still::Still;
use crate::disk::{Disk, DiskFile, FakeDisk};
use crate::journal::catalogue::{Catalogue, Edit, Shelf};
use crate::journal::open::{self, Source};
use crate::journal::packer::Packer;
use crate::journal::planted::{self, Fault};
use crate::journal::shared::Frozen;
use crate::local::rows::Entry;
use crate::testkit::{Failure, Rig};

/// Who looks whenever something was done.
#[derive(Default)]
struct Watch {
    view: Mutex<Option<Still>>,
    model: Mutex<Option<(Model, u64)>>,
    failed: Mutex<Option<Failure>>,
    looks: AtomicUsize,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    fn look(&self, when: &str) {
        let (view, model) = (self.view.lock().clone(), self.model.lock());
        let (Some(view), Some((model, units))) = (view, &*model) else { return };
        self.looks.fetch_add(1, Ordering::Relaxed);
        let seen = Rig::open(&view).and_then(|rig| model.check(&rig, *units, 0));
        if let Err(failure) = seen {
            self.failed.lock().get_or_insert(failure.during(when));
        }
    }
}

/// Passes everything on, and looks.
#[derive(Clone, Debug)]
struct Watched<T> {
    inner: T,
    watch: Arc<Watch>,
}

impl<T> Watched<T> {
    fn after<R>(&self, result: R, what: &str) -> R {
        self.watch.look(&format!("after {what}"));
        result
    }
}

impl Disk for Watched<FakeDisk> {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.inner.create_folder(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.inner.list(folder)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let inner = self.inner.create(path)?;
        self.after(Ok(Arc::new(Watched { inner, watch: self.watch.clone() })), "create")
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.inner.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.after(self.inner.rename(from, to), "rename")
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.after(self.inner.remove(path), "remove")
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.after(self.inner.sync_folder(folder), "sync_folder")
    }

    fn free_bytes(&self) -> Option<u64> {
        self.inner.free_bytes()
    }

    fn describe(&self, path: &Path) -> PathBuf {
        self.inner.describe(path)
    }
}

impl DiskFile for Watched<Arc<dyn DiskFile>> {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        self.inner.read(offset, len)
    }

    fn write(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.after(self.inner.write(pieces, offset), "write")
    }

    fn shared(&self) -> Option<Arc<dyn OpenFile>> {
        self.inner.shared()
    }

    fn sync_data(&self) -> io::Result<()> {
        self.after(self.inner.sync_data(), "sync_data")
    }
}

impl Catalogue for Watched<Arc<dyn Catalogue>> {
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        self.inner.get(key)
    }

    fn floor(&self, prefix: &[u8], key: &[u8]) -> Result<Option<(IVec, IVec)>, StorageError> {
        self.inner.floor(prefix, key)
    }

    fn scan<'c>(
        &'c self,
        prefix: Vec<u8>,
        from: Bound<Vec<u8>>,
    ) -> Box<dyn Iterator<Item = Entry> + 'c> {
        self.inner.scan(prefix, from)
    }

    fn write(&self, edits: Vec<Edit>) -> Result<(), StorageError> {
        self.after(self.inner.write(edits), "an edit")
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.after(self.inner.sync(), "a sync of the catalogue")
    }
}

impl Source for Watched<Shelf> {
    fn open(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        let inner = self.inner.open()?;
        Ok(Arc::new(Watched { inner, watch: self.watch.clone() }))
    }

    fn anew(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        self.inner.anew()
    }
}

/// Packs what a life has left in the journal, and looks after each step. Says how often.
fn pack_and_look(seed: u64) -> Result<usize, Failure> {
    let life = Life::new(options());
    life.play(&script(seed, USUAL))?;
    let (disk, known) = (life.disk.at_rest(), life.known());
    let watch = Arc::new(Watch::default());
    let shelf = Shelf::holding(&life.past.images()[known.synced]);
    let shelf = Watched { inner: shelf, watch: watch.clone() };
    let disk: Arc<dyn Disk> = Arc::new(Watched { inner: disk, watch: watch.clone() });
    let opened = open::open(&disk, &shelf, options().settings())?;
    let (view, supply, through) = (opened.view, opened.supply, opened.through);
    *watch.model.lock() = Some((Model::of(&life.told(), 0)?, through.unit));
    *watch.view.lock() = Some(Still(view.clone()));
    watch.look("before the round");
    if through == opened.progress.through {
        return Ok(0);
    }
    let layer = view.recent.write().freeze();
    let (exchange, progress) = (Arc::default(), opened.progress);
    let durability = Arc::clone(opened.writer.durability());
    Packer { disk, view, supply, durability, exchange, progress }
        .pack(&Frozen { layer, through })?;
    watch.look("behind the round");
    match watch.failed.lock().take() {
        Some(failure) => Err(failure),
        None => Ok(watch.looks.load(Ordering::Relaxed)),
    }
}

#[test]
fn readers_find_everything_in_the_middle_of_a_round() {
    let looks: usize = (0..12).map(|seed| pack_and_look(seed).unwrap()).sum();
    assert!(looks > 60, "{looks}");
}

#[test]
fn a_layer_that_is_forgotten_early_is_noticed() {
    let found = planted::with(Fault::ForgetsEarly, || {
        (0..12).try_for_each(|seed| pack_and_look(seed).map(drop))
    });
    assert!(found.is_err());
}
