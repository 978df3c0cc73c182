//! Memory and sled do the same on the same scripts, with restarts of the data directory in between.
//!
//! Most scripts run on a sled adapter whose file is not synced, which changes nothing that can be seen while no machine
//! loses power, and makes many more of them affordable. Some run with everything in place.
//!
//! `HEADWATER_SOAK=1` makes forty times as many scripts, from another seed every time; `HEADWATER_SEED` repeats a run.
#![cfg(feature = "sled")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use headwater_core::Storage;
use headwater_storage::sled::{Options, Safeguards, SledStorage, Strict};
use headwater_storage::testkit::differential::{Extent, compare};
use headwater_storage::testkit::{Harness, Restarts, SoleMemory};
use tempfile::TempDir;

/// How often the rarest thing that scripts are to reach is reached: with the two ways of packing twenty times.
const LEAST: u64 = 10;

/// Enough for that; other seeds try other scripts.
const MANY: Extent = Extent { seed: 1, scripts: 80, rounds: 60 };

/// Few, because each commit is synced.
const FEW: Extent = Extent { seed: 5, scripts: 12, rounds: 60 };

/// How many times as many scripts a soak makes.
const SOAK: u32 = 40;

/// Everything but the sync: data survives a restart of the adapter all the same.
#[derive(Clone, Copy, Debug)]
struct Unsynced;

impl Safeguards for Unsynced {
    fn sync(&self, _data: &File) -> io::Result<()> {
        Ok(())
    }
}

/// A data directory of its own, removed with the value.
struct Directory {
    root: TempDir,
    options: Options,
    safeguards: Arc<dyn Safeguards>,
}

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        let path = self.root.path().join("data");
        let safeguards = Arc::clone(&self.safeguards);
        Arc::new(SledStorage::open_with(path, self.options, safeguards).unwrap())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

/// Compares, and demands that everything was reached at least so often; in a soak [`SOAK`] times as much of both, less
/// half of what is demanded, because its seed is another one every time.
fn check(usual: Extent, least: u64, options: Options, safeguards: impl Safeguards + Copy) {
    let soak = std::env::var("HEADWATER_SOAK").is_ok_and(|value| value == "1");
    let (extent, least) = if soak {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let scripts = usual.scripts * SOAK;
        let extent = Extent { seed: since.as_nanos() as u64, scripts, ..usual };
        (extent, least * u64::from(SOAK) / 2)
    } else {
        (usual, least)
    };
    let extent = extent.or_as_asked();
    let sled = || {
        let root = TempDir::new().unwrap();
        Box::new(Directory { root, options, safeguards: Arc::new(safeguards) }) as Box<dyn Harness>
    };
    println!("{} scripts from seed {}", extent.scripts, extent.seed);
    let report = compare(extent, || Box::new(SoleMemory), sled).unwrap();
    println!("{report}");
    report.reached(least).unwrap();
    let Extent { seed, scripts, rounds } = extent;
    println!(
        "reached: {scripts} scripts of {rounds} rounds from seed {seed}, nothing less than {least} times"
    );
}

/// What has to be packed is packed by the next command.
fn packing_at_once() -> Options {
    let mut options = Options::default();
    options.recent_bytes = 0;
    options.idle = Duration::ZERO;
    options
}

#[test]
fn memory_and_sled_do_the_same() {
    check(MANY, LEAST, Options::default(), Unsynced);
}

#[test]
fn memory_and_sled_that_packs_at_once_do_the_same() {
    check(MANY, LEAST, packing_at_once(), Unsynced);
}

#[test]
fn memory_and_sled_that_syncs_do_the_same() {
    check(FEW, 1, packing_at_once(), Strict);
}
