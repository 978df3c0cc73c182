//! The handle: what an engine holds.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;
use std::{fmt, thread};

use futures_channel::oneshot;
use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, ListQuery, Listed, Loaded, Page, ReadRange,
    SpacePage, SpaceRead, StorageError, Watcher, Writers,
};
use headwater_core::{ProducerId, Storage, StreamKey, Timestamp, Version};
use parking_lot::RwLock;

use super::committer::{self, Committer, Ending, Pace, Request};
use super::open::{self, DATABASE, Settings};
use super::safeguards::{Safeguards, Strict};
use super::seal;
use super::tree::View;
use crate::directory::OpenError;
use crate::local::database::is_released;
use crate::local::database::tuning::CACHE_BYTES;
use crate::local::pool::Pool;
use crate::local::read::page::Snapshot;
use crate::local::read::{catalogue, space};

/// Threads that read. More than one, so that a long page does not hold up short ones; few, because sled's reads are short.
const READERS: usize = 3;

/// How a directory is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// sled's page cache, in bytes. The operating system caches the file too.
    pub cache_bytes: u64,
    /// Memory that committed data takes, in bytes, when packing begins; it may take twice as much. More makes packing
    /// cheaper, and a start after a crash slower.
    pub recent_bytes: usize,
    /// How long nothing must be committed before all that is recent is packed. From then on, idle streams take no memory.
    pub idle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { cache_bytes: CACHE_BYTES, recent_bytes: 4 << 20, idle: Duration::from_secs(1) }
    }
}

/// Streams in a directory, kept by sled.
///
/// See the [module](super) for what it promises. Dropping it without closing it leaves the directory as a crash would:
/// what was reported as committed is found again.
pub struct SledStorage {
    requests: Sender<Request>,
    reading: Arc<Reading>,
    /// Set when closing begins: nothing is read any more.
    closing: AtomicBool,
}

/// What readers need, until the directory is closed.
#[derive(Debug)]
struct Reading {
    pool: Pool,
    /// A lock, because closing takes the view away from everyone; held to copy the reference.
    view: RwLock<Option<Arc<View>>>,
}

impl SledStorage {
    /// Opens a data directory, or creates it where there is none or an empty one.
    ///
    /// Looks at everything that is stored, so it takes time in proportion to it. Waits up to two seconds for another
    /// process to let go of the directory. Blocks the calling thread.
    ///
    /// # Errors
    /// [`OpenError`]. A foreign directory is left as it is, and so is one that changed while nothing had it open.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        Self::start(directory.as_ref(), options, Arc::new(Strict))
    }

    /// As [`open`](Self::open), with some of what keeps data safe taken away or made to fail.
    ///
    /// # Errors
    /// As [`open`](Self::open), as far as that is still noticed.
    #[cfg(any(test, feature = "testkit"))]
    pub fn open_with(
        directory: impl AsRef<Path>,
        options: Options,
        safeguards: Arc<dyn Safeguards>,
    ) -> Result<Self, OpenError> {
        Self::start(directory.as_ref(), options, safeguards)
    }

    fn start(
        directory: &Path,
        options: Options,
        safeguards: Arc<dyn Safeguards>,
    ) -> Result<Self, OpenError> {
        let Options { cache_bytes, recent_bytes, idle } = options;
        let settings = Settings { cache_bytes, pace: Pace { recent_bytes, idle }, safeguards };
        let committer = open::open(directory, &settings)?;
        let pool =
            Pool::start(READERS).map_err(OpenError::io("cannot start threads for", directory))?;
        let view = RwLock::new(Some(Arc::clone(&committer.writer.view)));
        let reading = Arc::new(Reading { pool, view });
        let (requests, queue) = mpsc::channel();
        let release = {
            let reading = Arc::clone(&reading);
            move |committer, ending| reading.release(committer, ending)
        };
        thread::Builder::new()
            .name("sled-commit".to_owned())
            .spawn(move || committer::run(committer, &queue, release))
            .map_err(OpenError::io("cannot start a thread for", directory))?;
        Ok(Self { requests, reading, closing: AtomicBool::new(false) })
    }

    /// Bytes that recent data takes in memory, about.
    #[cfg(test)]
    pub(super) fn recent_bytes(&self) -> usize {
        let view = self.reading.view.read();
        view.as_ref().map_or(0, |view| view.recent.read().weight())
    }

    fn view(&self) -> Result<Arc<View>, StorageError> {
        if self.closing.load(Ordering::Acquire) {
            return Err(StorageError::Closed);
        }
        self.reading.view.read().clone().ok_or(StorageError::Closed)
    }

    /// Answers from memory, or else on a thread that may wait for a disk.
    fn answer<'a, T: Send + 'static>(
        &'a self,
        recent: impl FnOnce(&View) -> Option<T> + Send + 'a,
        durable: impl FnOnce(&View) -> Result<T, StorageError> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StorageError>> {
        Box::pin(async move {
            let view = self.view()?;
            if let Some(answer) = recent(&view) {
                return Ok(answer);
            }
            self.reading.pool.run(move || durable(&view)).await
        })
    }
}

impl Reading {
    /// Gives up the directory, and seals it after a clean end.
    fn release(&self, committer: Committer, ending: Ending) -> Result<(), StorageError> {
        drop(self.view.write().take());
        self.pool.close();
        let directory = Arc::clone(committer.writer.view.packed.directory());
        // The last reference to the database, now that all readers are gone.
        drop(committer);
        let folder = directory.path().join(DATABASE);
        if ending == Ending::Unclean {
            return Ok(());
        }
        // Sealed while sled may still write, the files would not match. Without a seal the next start looks more closely.
        if !is_released(&folder) {
            tracing::warn!(folder = %folder.display(), "sled does not let go of its file; it is left unsealed");
            return Ok(());
        }
        let sealed = seal::close(directory.path(), &folder);
        sealed.map_err(|error| StorageError::Unavailable(error.to_string()))
    }
}

impl fmt::Debug for SledStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = self.reading.view.read();
        let directory = view.as_ref().map(|view| view.packed.directory().path());
        f.debug_struct("SledStorage").field("directory", &directory).finish_non_exhaustive()
    }
}

impl Storage for SledStorage {
    fn writers(&self) -> Writers {
        Writers::Sole
    }

    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        let (asked, row) = (key.clone(), producer.cloned());
        self.answer(
            move |view| view.load_recent(key, producer),
            move |view| view.load(&asked, row.as_ref()),
        )
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        let request = Request::Commit { group, now, done };
        // The thread ends when this handle is dropped, and not before.
        drop(self.requests.send(request));
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        let asked = relies_on.to_vec();
        self.answer(move |view| view.confirm_recent(relies_on), move |view| view.confirm(&asked))
    }

    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        Box::pin(async move {
            let view = self.view()?;
            let snapshot = Snapshot::take(&view, range, detail);
            match snapshot.answer() {
                Some(answer) => answer,
                None => self.reading.pool.run(move || snapshot.complete(&view)).await,
            }
        })
    }

    fn read_space(&self, read: SpaceRead) -> BoxFuture<'_, Result<SpacePage, StorageError>> {
        self.answer(|_| None, move |view| space::read_space(view, &read))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Vec<Listed>, StorageError>> {
        self.answer(|_| None, move |view| catalogue::list(view, &query))
    }

    fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
        self.answer(|_| None, move |view| catalogue::expiring(view, before, limit))
    }

    fn watch(&self, _watcher: Arc<dyn Watcher>) {}

    fn close(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.closing.store(true, Ordering::Release);
        let (closed, waiting) = oneshot::channel();
        drop(self.requests.send(Request::Close(closed)));
        // Not answered where sled panicked while it was given up.
        Box::pin(async move { waiting.await.unwrap_or(Err(StorageError::Closed)) })
    }
}
