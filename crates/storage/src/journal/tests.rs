//! The whole adapter on a disk that loses, tears, fails and fills up.
//!
//! `life` is a storage over a fake disk that is told a script; `model` is what it was told, after each group; `still` reads what
//! an opening found without a thread; `recover` compares the two; `crash` does so at every moment of many lives.

mod closing;
mod counts;
mod crash;
mod everywhere;
mod failing;
mod format;
mod full;
mod lanes;
mod life;
mod middle;
mod model;
mod planted;
mod recover;
mod relaxed;
mod still;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use headwater_core::StreamKey;

use self::life::{Life, PATIENCE};
use super::handle::Options;
use super::open::FOLDER;
use crate::disk::Disk;
use crate::disk::fake::Call;
use crate::testkit::{Rig, make};

/// So small that rounds, new journal files and recycled ones come all the time.
fn options() -> Options {
    let mut options = Options::default();
    // Crashes in a merge have tests of their own.
    (options.recent_bytes, options.file_bytes, options.merge_files) = (6_000, 8_192, 0);
    // Packed is what is too much, and nothing else.
    options.idle = Duration::from_secs(3600);
    options
}

/// Packs when a little was committed and nothing happens, and goes on without packing for long.
fn patient() -> Options {
    let mut options = options();
    (options.recent_bytes, options.file_bytes) = (80_000, 1 << 18);
    options.idle = Duration::ZERO;
    options
}

/// Waits until there are journal files to go on with, beside the one that is written.
fn wait_for_spares(life: &Life) {
    wait_until("two spares", || {
        let names = life.disk.list(Path::new(FOLDER)).unwrap();
        names.iter().filter(|name| name.ends_with(".log")).count() >= 3
    });
}

/// Makes a stream of 9,000 bytes, and holds the disk where it begins to be packed. Returns its name.
fn begin_a_round(life: &Life, rig: &Rig<'_>) -> StreamKey {
    let key = make::key("large").unwrap();
    rig.create(&key, make::birth()).unwrap();
    wait_for_spares(life);
    life.disk.hold(Call::Create);
    rig.append(&key, make::batch(1, &[9_000]).unwrap()).unwrap();
    assert!(life.disk.held(1, PATIENCE), "nothing is packed");
    key
}

/// Waits until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not happen");
        thread::yield_now();
    }
}
