//! What needs to look inside, to take something away, or to damage something.

mod answers;
mod chunks;
mod counting;
mod crash;
mod damage;
mod deep;
mod format;
mod golden;
mod keys;
mod missing;
mod producers;
mod reclaim;
mod together;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use headwater_core::{Storage, StreamKey};
use tempfile::TempDir;

use super::committer::{Committer, Pace};
use super::open::{self, Settings};
use super::{OpenError, Options, Safeguards, SledStorage, Strict};
use crate::testkit::{Harness, Restarts, make};

/// A key in the default store.
fn key(path: &str) -> StreamKey {
    make::key(path).unwrap()
}

/// A directory, and how it is opened.
struct Directory {
    root: TempDir,
    options: Options,
    safeguards: Arc<dyn Safeguards>,
}

impl Directory {
    fn new(options: Options) -> Self {
        Self::guarded(options, Arc::new(Strict))
    }

    fn guarded(options: Options, safeguards: Arc<dyn Safeguards>) -> Self {
        Self { root: TempDir::new().unwrap(), options, safeguards }
    }

    /// A copy of this one's files as they are now.
    fn image(&self) -> Self {
        let copy = Self::new(self.options);
        copy_image(&self.path(), &copy.path());
        copy
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("data")
    }

    fn database(&self) -> PathBuf {
        self.path().join("sled")
    }

    fn try_open(&self) -> Result<SledStorage, OpenError> {
        SledStorage::open_with(self.path(), self.options, Arc::clone(&self.safeguards))
    }

    /// What writes to it, without the thread that would; it packs nothing of its own accord.
    fn committer(&self) -> Committer {
        let pace = Pace { recent_bytes: usize::MAX / 2, idle: Duration::from_secs(3600) };
        let safeguards = Arc::clone(&self.safeguards);
        let settings = Settings { cache_bytes: 1 << 20, pace, safeguards };
        open::open(&self.path(), &settings).unwrap()
    }

    /// Bytes of the database's file.
    fn file_len(&self) -> u64 {
        fs::metadata(self.database().join("db")).unwrap().len()
    }

    /// How many values were too large for the database's file.
    fn large_files(&self) -> usize {
        fs::read_dir(self.database().join("blobs")).unwrap().count()
    }
}

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(self.try_open().unwrap())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

/// Packs after every group.
fn packed_at_once() -> Options {
    Options { recent_bytes: 0, idle: Duration::ZERO, ..Options::default() }
}

/// Packs when it is closed.
fn packed_when_closed() -> Options {
    Options { recent_bytes: usize::MAX / 2, idle: Duration::from_secs(3600), ..Options::default() }
}

/// Packs every few groups, so that there is always something packed, something half-packed, and something not.
fn packed_now_and_then() -> Options {
    Options { recent_bytes: 10_000, idle: Duration::from_secs(3600), ..Options::default() }
}

/// Copies a directory as it stands at one moment: again, until nothing moved meanwhile.
fn copy_image(from: &Path, to: &Path) {
    loop {
        let before = read_all(from);
        if before == read_all(from) {
            for (name, content) in before {
                let path = to.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            fs::create_dir_all(to.join("sled/blobs")).unwrap();
            return;
        }
    }
}

/// Every file below a directory, by its path in it.
fn read_all(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // A file that goes at this moment shows in the comparison.
            let content = fs::read(&path).unwrap_or_default();
            files.push((path.strip_prefix(directory).unwrap().to_owned(), content));
        }
    }
    files.sort();
    files
}
