//! The sync that makes a group durable.
//!
//! sled's `flush` writes data and, on Linux, waits until the device was given it (`sync_file_range`): not until it left the
//! device's cache, nor until the length of a file that grew is noted. So the file is synced once more, through a handle of our own. It is opened once and kept, because an error of
//! writing in the background is reported once per open file: a handle opened later would not hear of it.
//!
//! sled puts what is too large for its file into files of their own, and never syncs them. Values are kept too small for
//! that ([`super::tuning`]); where it happens all the same, those files are synced here as well.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use headwater_core::storage::StorageError;
use parking_lot::Mutex;

use crate::directory::OpenError;

/// sled's own data file, which is also what it locks.
pub(crate) const DATA_FILE: &str = "db";

/// Where sled puts what is too large.
const LARGE: &str = "blobs";

/// Who syncs a file.
pub(crate) trait Syncs: fmt::Debug + Send + Sync + 'static {
    /// Makes what was written to a file durable. Never tried again.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

/// The handle.
#[derive(Debug)]
pub(crate) struct Barrier {
    data: File,
    large: PathBuf,
    /// When something last came or went among the large files, as far as they are synced. A lock only because whoever waits
    /// shares the barrier; there is one thread that does.
    seen: Mutex<Option<SystemTime>>,
    syncs: Arc<dyn Syncs>,
}

impl Barrier {
    /// Opens the database's file in its folder.
    pub(crate) fn open(folder: &Path, syncs: Arc<dyn Syncs>) -> Result<Self, OpenError> {
        let path = folder.join(DATA_FILE);
        let data = File::open(&path).map_err(OpenError::io("cannot open", &path))?;
        Ok(Self { data, large: folder.join(LARGE), seen: Mutex::new(None), syncs })
    }

    /// Waits until all that was flushed is on the device.
    pub(crate) fn wait(&self) -> Result<(), StorageError> {
        let synced = self.sync_large().and_then(|()| self.syncs.sync(&self.data));
        synced.map_err(|error| {
            StorageError::Unavailable(format!("the database's file could not be synced: {error}"))
        })
    }

    fn sync_large(&self) -> io::Result<()> {
        let changed = fs::metadata(&self.large)?.modified()?;
        let mut seen = self.seen.lock();
        if *seen == Some(changed) {
            return Ok(());
        }
        for entry in fs::read_dir(&self.large)? {
            // One that is gone meanwhile is not needed any more.
            match File::open(entry?.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                file => self.syncs.sync(&file?)?,
            }
        }
        File::open(&self.large)?.sync_all()?;
        *seen = Some(changed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Syncs for Counting {
        fn sync(&self, data: &File) -> io::Result<()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            data.sync_data()
        }
    }

    #[test]
    fn the_file_is_synced_each_time_and_large_files_once() {
        let folder = tempfile::TempDir::new().unwrap();
        File::create(folder.path().join(DATA_FILE)).unwrap();
        fs::create_dir(folder.path().join(LARGE)).unwrap();
        let counting = Arc::new(Counting::default());
        let barrier = Barrier::open(folder.path(), counting.clone()).unwrap();
        let syncs = || {
            barrier.wait().unwrap();
            counting.0.swap(0, Ordering::Relaxed)
        };
        assert_eq!((syncs(), syncs()), (1, 1));
        for name in ["1", "2"] {
            fs::write(folder.path().join(LARGE).join(name), "large").unwrap();
        }
        assert_eq!((syncs(), syncs()), (3, 1));
    }
}
