//! The handle: what an engine holds.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, ListQuery, Listed, Loaded, Page, Portion,
    ReadRange, SpacePage, SpaceRead, StorageError, Watcher, Writers,
};
use headwater_core::{ProducerId, StreamKey, Timestamp, Version};

use super::committer::{Committer, Pace};
use super::open::{self, DATABASE, Settings};
use super::safeguards::{Safeguards, Strict};
use super::seal;
use super::tree::Tree;
use crate::directory::OpenError;
use crate::local::committer::Ending;
use crate::local::database::is_released;
use crate::local::database::tuning::CACHE_BYTES;
use crate::local::handle::{Handle, sole_storage};

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
pub struct SledStorage(Handle<Tree>);

sole_storage!(SledStorage);

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
        let view = Arc::clone(&committer.writer.view);
        let handle = Handle::start("sled", &view, committer, release);
        handle.map(Self).map_err(OpenError::io("cannot start threads for", directory))
    }

    /// Bytes that recent data takes in memory, about.
    #[cfg(test)]
    pub(super) fn recent_bytes(&self) -> usize {
        self.0.view().map_or(0, |view| view.recent.read().weight())
    }
}

/// Gives up the directory, and seals it after a clean end.
fn release(committer: Committer, ending: Ending) -> Result<(), StorageError> {
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

impl fmt::Debug for SledStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = self.0.view().ok();
        let directory = view.as_ref().map(|view| view.packed.directory().path());
        f.debug_struct("SledStorage").field("directory", &directory).finish_non_exhaustive()
    }
}
