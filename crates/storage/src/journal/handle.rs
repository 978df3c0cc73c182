//! The handle: what an engine holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs, io, thread};

use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, ListQuery, Listed, Loaded, Page, Portion,
    ReadRange, SpacePage, SpaceRead, StorageError, Watcher, Writers,
};
use headwater_core::{ProducerId, StreamKey, Timestamp, Version};

use super::backup::Backups;
use super::catalogue::{Catalogue, DatabaseCatalogue};
use super::chunks;
use super::committer::{Committer, Pace};
use super::identity;
use super::index::Index;
use super::log::{self, Durability, SyncPolicy};
use super::merge::{Limits, Merger};
use super::open::{self, FOLDER, Opened, Source};
use super::packer::Packer;
use super::scrub::{self, Scrubber};
use super::shared::Exchange;
use crate::directory::{Claimed, DataDir, Layout, OpenError, sync_directory};
use crate::disk::{Disk, RealDisk};
use crate::local::database::tuning::CACHE_BYTES;
use crate::local::handle::{Handle, sole_storage};
use crate::local::metrics::Metrics;

/// The folder of the catalogue.
const CATALOGUE: &str = "catalogue";

pub(super) const LAYOUT: Layout = Layout {
    adapter: "journal",
    format: 1,
    owns: &[FOLDER, chunks::FOLDER, CATALOGUE, identity::NAME, log::SEAL],
};

/// How long to wait, on a full disk for example, before a journal file is prepared again.
const RETRY: Duration = Duration::from_secs(1);

/// Files that are kept ready to be written: one is being written to its end while the next is taken.
const SPARES: usize = 2;

/// How long nothing must be packed until merging is free to go on as it likes, where packing does not wait for less itself.
const QUIET: Duration = Duration::from_secs(1);

/// How a directory is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The catalogue's page cache, in bytes. The operating system caches its file too.
    pub cache_bytes: u64,
    /// Memory that committed data takes, in bytes, when packing begins; until that is done it may take three times as much, and
    /// then commits wait. More makes larger chunk files, and a start after a crash slower.
    pub recent_bytes: usize,
    /// How long nothing must be committed before what is recent is packed, unless that is little.
    pub idle: Duration,
    /// When what is committed is made durable.
    pub sync: SyncPolicy,
    /// Bytes of a journal file.
    pub file_bytes: u32,
    /// How many chunk files that lie beside each other are merged into one, at least. Fewer means more writing; 0, that none are.
    pub merge_files: usize,
    /// Bytes of a chunk file that several are merged into, at most.
    pub merge_bytes: u64,
    /// Bytes of chunk files that are read in a second to see whether they are sound; 0, to read none.
    pub scrub_bytes: u64,
    /// How long after the start, and after it has been through all files, looking for damage begins.
    pub scrub_every: Duration,
}

impl Options {
    fn pace(&self) -> Pace {
        let Self { recent_bytes, idle, file_bytes, .. } = *self;
        Pace { recent_bytes, idle, file_bytes }
    }

    fn limits(&self) -> Limits {
        Limits { files: self.merge_files, most: self.merge_bytes }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: CACHE_BYTES,
            recent_bytes: 16 << 20,
            idle: Duration::from_secs(1),
            sync: SyncPolicy::Always,
            file_bytes: 8 << 20,
            merge_files: 8,
            merge_bytes: 256 << 20,
            scrub_bytes: 1 << 20,
            scrub_every: Duration::from_secs(6 * 3600),
        }
    }
}

impl Options {
    /// How the log is written.
    pub(super) fn settings(&self) -> log::Settings {
        log::Settings { capacity: self.file_bytes, spares: SPARES, sync: self.sync }
    }
}

/// Streams in a directory, kept in a journal and in chunk files.
///
/// See the [module](super) for what it promises. Dropping it without closing it leaves the directory as a crash would:
/// what was reported as committed is found again.
pub struct JournalStorage(Handle<Index>, Backups);

sole_storage!(JournalStorage);

impl JournalStorage {
    /// Opens a data directory, or creates it where there is none or an empty one.
    ///
    /// Reads what was not packed, and looks at every row of the catalogue. Waits up to two seconds for another process to let go
    /// of the directory. Blocks the calling thread.
    ///
    /// # Errors
    /// [`OpenError`]. A foreign directory is left as it is.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let path = directory.as_ref();
        let directory = match DataDir::claim(path, LAYOUT)? {
            Claimed::New(claimed) => create(claimed)?,
            Claimed::Existing(claimed) => claimed,
        };
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(path));
        let source = Folder { directory: path.to_owned(), cache_bytes: options.cache_bytes };
        Self::over(disk, &source, options, Some(directory)).map_err(|error| failed(error, path))
    }

    /// Opens what is on a disk, which holds at least what [`lay_out`] makes. The directory, if there is one, is let go last.
    pub(super) fn over(
        disk: Arc<dyn Disk>,
        source: &dyn Source,
        options: Options,
        directory: Option<DataDir>,
    ) -> Result<Self, StorageError> {
        let opened = open::open(&disk, source, options.settings())?;
        let view = Arc::clone(&opened.view);
        let threads =
            |error| StorageError::Unavailable(format!("threads cannot be started: {error}"));
        let (supply, through) = (Arc::clone(&opened.supply), opened.through);
        let committer = start(Arc::clone(&disk), opened, &options, directory).map_err(threads)?;
        let exchange = Arc::clone(&committer.exchange);
        exchange.reach(through);
        let backups = Backups { disk, view: Arc::downgrade(&view), supply, exchange };
        // The log was sealed when it was closed, if it was; what is left is to let go.
        let release = |committer: Committer, _| {
            drop(committer);
            Ok(())
        };
        let handle = Handle::start("journal", &view, committer, release);
        drop(view);
        handle.map(|handle| Self(handle, backups)).map_err(threads)
    }

    /// What makes backups of it while it is open.
    #[must_use]
    pub fn backups(&self) -> Backups {
        self.1.clone()
    }
}

/// Creates what a directory has from the beginning.
fn create(directory: DataDir) -> Result<DataDir, OpenError> {
    let path = directory.path().to_owned();
    lay_out(&RealDisk::new(&path)).map_err(OpenError::io("cannot write to", &path))?;
    sync_directory(&path)?;
    directory.finish()?;
    Ok(directory)
}

/// Makes what is there before the first opening. Durable when the disk's root is synced.
pub(super) fn lay_out(disk: &dyn Disk) -> io::Result<()> {
    disk.create_folder(Path::new(FOLDER))?;
    disk.create_folder(Path::new(chunks::FOLDER))?;
    identity::create(disk)
}

/// Starts the threads beside the one that commits.
fn start(
    disk: Arc<dyn Disk>,
    opened: Opened,
    options: &Options,
    directory: Option<DataDir>,
) -> io::Result<Committer> {
    let Opened { view, writer, supply, progress, through, .. } = opened;
    let exchange = Arc::new(Exchange::quiet_after(options.idle.min(QUIET)));
    let durability = Arc::clone(writer.durability());
    let mut committer = Committer {
        disk: Arc::clone(&disk),
        view: Arc::clone(&view),
        writer: Some(writer),
        supply: Arc::clone(&supply),
        durability: Arc::clone(&durability),
        numbers: 0,
        exchange: Arc::clone(&exchange),
        threads: Vec::new(),
        through,
        pace: options.pace(),
        packing_helps: false,
        batch: Default::default(),
        encoder: Default::default(),
        metrics: Metrics::new(),
        _directory: directory,
    };
    let merger =
        Merger::new(Arc::clone(&disk), Arc::clone(&view), Arc::clone(&exchange), options.limits());
    let scrub = scrub::Pace { bytes: options.scrub_bytes, every: options.scrub_every };
    let scrubber = Scrubber::new(Arc::clone(&view), Arc::clone(&exchange), scrub);
    let (supplied, told) = (Arc::clone(&supply), Arc::clone(&exchange));
    let kept = Arc::clone(&durability);
    let packer = Packer { disk, view, supply: supplied, durability, exchange, progress };
    let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
        thread::Builder::new().name(name.to_owned()).spawn(work)
    };
    #[cfg(test)]
    let packing = super::planted::along(|| packer.run());
    #[cfg(not(test))]
    let packing = || packer.run();
    committer.threads.push(spawn("journal-pack", Box::new(packing))?);
    committer.threads.push(spawn("journal-merge", Box::new(|| merger.run()))?);
    if options.scrub_bytes > 0 {
        committer.threads.push(spawn("journal-scrub", Box::new(|| scrubber.run()))?);
    }
    committer.threads.push(spawn("journal-prepare", Box::new(move || prepare(&supply)))?);
    if let SyncPolicy::Within(time) = options.sync {
        let sync = move || keep_durable(&kept, time, &told);
        committer.threads.push(spawn("journal-sync", Box::new(sync))?);
    }
    Ok(committer)
}

/// Makes durable, in time, what was acknowledged before it was.
fn keep_durable(durability: &Durability, within: Duration, exchange: &Exchange) {
    let metrics = Metrics::new();
    let kept = durability.keep(within, |synced| {
        metrics.sync_seconds.record(synced.took);
        metrics.unsynced_seconds.record(synced.age);
        metrics.unsynced_bytes.set(durability.unsynced() as f64);
    });
    if let Err(error) = kept {
        // Nothing is written after it; the next group is told.
        exchange.fail(StorageError::Unavailable(error.to_string()));
    }
}

/// Keeps journal files ready.
fn prepare(supply: &log::Supply) {
    while supply.wait() {
        if let Err(error) = supply.prepare_one() {
            tracing::warn!(%error, "a journal file cannot be prepared");
            // Where names are uncertain no file can be prepared any more; the committer is told when it needs one.
            if supply.is_broken() || !supply.pause(RETRY) {
                return;
            }
        }
    }
}

/// What a failure says about a directory.
fn failed(error: StorageError, directory: &Path) -> OpenError {
    match error {
        StorageError::Corrupt(place) => OpenError::corrupt(directory, &place),
        other => OpenError::io("cannot open", directory)(io::Error::other(other)),
    }
}

/// The catalogue's folder.
struct Folder {
    directory: PathBuf,
    cache_bytes: u64,
}

impl Folder {
    fn path(&self) -> PathBuf {
        self.directory.join(CATALOGUE)
    }
}

impl Source for Folder {
    fn open(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        let opened = DatabaseCatalogue::open(&self.directory, &self.path(), self.cache_bytes);
        match opened {
            Ok(catalogue) => Ok(Arc::new(catalogue)),
            Err(OpenError::Corrupt(what)) => Err(StorageError::Corrupt(what)),
            Err(error) => Err(StorageError::Unavailable(error.to_string())),
        }
    }

    fn anew(&self) -> Result<Arc<dyn Catalogue>, StorageError> {
        let path = self.path();
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let what = format!("cannot remove {}: {error}", path.display());
                Err(StorageError::Unavailable(what))
            }
            _ => self.open(),
        }
    }
}

impl fmt::Debug for JournalStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalStorage").finish_non_exhaustive()
    }
}
