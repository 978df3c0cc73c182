//! The journal adapter keeps the contract: as it comes, with everything packed at once, with a little packed now and then,
//! with what is packed merged all the time, with nothing packed, and with syncs that come later.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use headwater_core::Storage;
use headwater_storage::journal::{JournalStorage, Options, SyncPolicy};
use headwater_storage::testkit::{Harness, Restarts};
use tempfile::TempDir;

/// A directory, and how it is opened.
struct Directory {
    root: TempDir,
    options: Options,
}

impl Directory {
    fn new(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::default();
        // Most checks write little, and each begins with an empty directory.
        options.file_bytes = 1 << 20;
        change(&mut options);
        Self { root: TempDir::new().unwrap(), options }
    }
}

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(JournalStorage::open(self.root.path().join("data"), self.options).unwrap())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

mod as_it_comes {
    headwater_storage::conformance!(super::Directory::new(|_| {}));
}

mod packed_at_once {
    headwater_storage::conformance!(super::Directory::new(|options| {
        options.recent_bytes = 0;
        options.idle = super::Duration::ZERO;
    }));
}

mod packed_now_and_then {
    headwater_storage::conformance!(super::Directory::new(|options| {
        options.recent_bytes = 10_000;
        options.file_bytes = 64 << 10;
    }));
}

mod merged_all_the_time {
    headwater_storage::conformance!(super::Directory::new(|options| {
        options.recent_bytes = 0;
        options.idle = super::Duration::ZERO;
        options.merge_files = 2;
        options.merge_bytes = 64 << 10;
    }));
}

mod synced_later {
    headwater_storage::conformance!(super::Directory::new(|options| {
        options.sync = super::SyncPolicy::Within(super::Duration::from_millis(1));
        options.recent_bytes = 10_000;
        options.file_bytes = 64 << 10;
    }));
}

mod never_packed {
    headwater_storage::conformance!(super::Directory::new(|options| {
        options.recent_bytes = usize::MAX / 4;
        options.idle = super::Duration::from_secs(3600);
    }));
}
