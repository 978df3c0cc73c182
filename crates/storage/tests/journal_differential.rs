//! Memory and the journal do the same on the same scripts, with restarts of the data directory in between.
//!
//! `HEADWATER_SOAK=1` makes forty times as many scripts, from another seed every time; `HEADWATER_SEED` repeats a run.
#![cfg(feature = "journal")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use headwater_core::Storage;
use headwater_storage::journal::{JournalStorage, Options, SyncPolicy};
use headwater_storage::testkit::differential::{Extent, compare};
use headwater_storage::testkit::{Harness, Restarts, SoleMemory};
use tempfile::TempDir;

/// How often the rarest thing that scripts are to reach is reached.
const LEAST: u64 = 4;

const SCRIPTS: Extent = Extent { seed: 3, scripts: 50, rounds: 60 };

/// How many times as many scripts a soak makes.
const SOAK: u32 = 40;

/// A data directory of its own, removed with the value.
struct Directory {
    root: TempDir,
    options: Options,
}

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(JournalStorage::open(self.root.path().join("data"), self.options).unwrap())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

/// Compares, and demands that everything was reached at least so often; in a soak [`SOAK`] times as much of both, less
/// half of what is demanded, because its seed is another one every time.
fn check(options: Options) {
    let soak = std::env::var("HEADWATER_SOAK").is_ok_and(|value| value == "1");
    let (extent, least) = if soak {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let scripts = SCRIPTS.scripts * SOAK;
        let extent = Extent { seed: since.as_nanos() as u64, scripts, ..SCRIPTS };
        (extent, LEAST * u64::from(SOAK) / 2)
    } else {
        (SCRIPTS, LEAST)
    };
    let extent = extent.or_as_asked();
    let journal = || {
        let root = TempDir::new().unwrap();
        Box::new(Directory { root, options }) as Box<dyn Harness>
    };
    println!("{} scripts from seed {}", extent.scripts, extent.seed);
    let report = compare(extent, || Box::new(SoleMemory), journal).unwrap();
    println!("{report}");
    report.reached(least).unwrap();
}

fn options(recent_bytes: usize, idle: Duration) -> Options {
    let mut options = Options::default();
    (options.recent_bytes, options.idle, options.file_bytes) = (recent_bytes, idle, 64 << 10);
    options
}

#[test]
fn memory_and_the_journal_do_the_same() {
    check(options(usize::MAX / 4, Duration::from_secs(3600)));
}

#[test]
fn memory_and_a_journal_that_packs_at_once_do_the_same() {
    check(options(0, Duration::ZERO));
}

#[test]
fn memory_and_a_journal_that_packs_now_and_then_do_the_same() {
    check(options(10_000, Duration::from_secs(3600)));
}

#[test]
fn memory_and_a_journal_that_syncs_later_do_the_same() {
    let mut options = options(10_000, Duration::from_secs(3600));
    options.sync = SyncPolicy::Within(Duration::from_millis(1));
    check(options);
}

#[test]
fn memory_and_a_journal_that_merges_all_the_time_do_the_same() {
    let mut options = options(0, Duration::ZERO);
    (options.merge_files, options.merge_bytes) = (2, 64 << 10);
    check(options);
}

#[test]
fn memory_and_a_journal_that_merges_everything_do_the_same() {
    let mut options = options(2_000, Duration::ZERO);
    (options.merge_files, options.merge_bytes) = (3, 256 << 20);
    check(options);
}
