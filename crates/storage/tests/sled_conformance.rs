//! The sled adapter keeps the contract: as it comes, with everything packed at once, and with nothing packed until it is closed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use headwater_core::Storage;
use headwater_storage::sled::{Options, SledStorage};
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
        change(&mut options);
        Self { root: TempDir::new().unwrap(), options }
    }
}

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(SledStorage::open(self.root.path().join("data"), self.options).unwrap())
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

mod packed_when_closed {
    headwater_storage::conformance!(super::Directory::new(|options| {
        options.recent_bytes = usize::MAX;
        options.idle = super::Duration::from_secs(3600);
    }));
}
