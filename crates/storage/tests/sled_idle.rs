//! What idle streams cost in memory. Alone in its process, because it looks at the process as a whole.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says what it measured"
)]

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headwater_core::Storage;
use headwater_core::change::Birth;
use headwater_storage::sled::{Options, SledStorage};
use headwater_storage::testkit::{Harness, Restarts, Rig, committed, make};
use tempfile::TempDir;

const STREAMS: u64 = 100_000;

/// Most that all of them may add. The server's own part comes on top, and all of it has to stay below 40 MB.
const MOST: u64 = 38 << 20;

/// How long they may take to become idle: a while after the last commit, all is packed.
const PATIENCE: Duration = Duration::from_secs(60);

struct Directory(TempDir);

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(SledStorage::open(self.0.path().join("data"), Options::default()).unwrap())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

/// Resident memory of this process in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4_096
}

#[test]
fn a_hundred_thousand_idle_streams_cost_little() {
    let directory = Directory(TempDir::new().unwrap());
    let rig = Rig::open(&directory).unwrap();
    let create = |numbers: std::ops::Range<u64>| {
        for first in numbers.clone().step_by(200) {
            let units = (first..numbers.end.min(first + 200)).map(|number| {
                let batch = Some(make::batch(number, &[100]).unwrap());
                let key = make::key(&format!("idle-{}/stream-{number:06}", number % 10)).unwrap();
                make::unit([make::creation(&key, Birth { batch, ..make::birth() })])
            });
            for result in rig.commit(units.collect()).unwrap() {
                committed(result).unwrap();
            }
        }
    };
    // The first ones pay for what any use of the process costs.
    create(0..5_000);
    let before = resident();
    create(5_000..5_000 + STREAMS);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let added = resident().saturating_sub(before);
        if added <= MOST {
            println!("{STREAMS} idle streams add {} KiB", added >> 10);
            break;
        }
        assert!(Instant::now() < deadline, "{STREAMS} idle streams add {} KiB", added >> 10);
        std::thread::yield_now();
    }
    let found = rig.list("idle-3/", None, usize::MAX).unwrap().len();
    assert_eq!(found as u64, (5_000 + STREAMS) / 10);
}
