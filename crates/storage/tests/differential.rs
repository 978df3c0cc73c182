//! Memory and sled do the same on the same scripts, with restarts of the data directory in between.
#![cfg(feature = "sled")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

use std::sync::Arc;
use std::time::Duration;

use headwater_core::Storage;
use headwater_storage::sled::{Options, SledStorage};
use headwater_storage::testkit::differential::{Extent, compare};
use headwater_storage::testkit::{Harness, Restarts, SoleMemory};
use tempfile::TempDir;

/// A data directory of its own, removed with the value.
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

/// Few, because each commit is synced; other seeds try other scripts.
const EXTENT: Extent = Extent { seed: 1, scripts: 24, rounds: 60 };

#[test]
fn memory_and_sled_do_the_same() {
    let sled = || Box::new(Directory::new(|_| {})) as Box<dyn Harness>;
    let report = compare(EXTENT.or_as_asked(), || Box::new(SoleMemory), sled).unwrap();
    println!("{report}");
    report.reached(1).unwrap();
}

#[test]
fn memory_and_sled_that_packs_at_once_do_the_same() {
    let sled = || {
        Box::new(Directory::new(|options| {
            options.recent_bytes = 0;
            options.idle = Duration::ZERO;
        })) as Box<dyn Harness>
    };
    let report = compare(EXTENT.or_as_asked(), || Box::new(SoleMemory), sled).unwrap();
    println!("{report}");
    report.reached(1).unwrap();
}
