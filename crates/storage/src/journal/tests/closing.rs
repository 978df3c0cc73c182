//! Ends while a round goes on.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use headwater_core::storage::StorageError;
use headwater_core::{Storage, StreamKey};

use super::counts::Counts;
use super::crash::{Extent, NO_MORE, Walk};
use super::life::{Life, PATIENCE};
use super::recover::chunk_files;
use super::{begin_a_round, patient};
use crate::disk::fake::Call;
use crate::testkit::make;

/// Waits until a storage is being closed.
fn wait_for_the_end(storage: &Arc<dyn Storage>, key: &StreamKey) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let begun = Instant::now();
    while !matches!(runtime.block_on(storage.load(key, None)), Err(StorageError::Closed)) {
        assert!(begun.elapsed() < PATIENCE, "nobody closes");
        thread::yield_now();
    }
}

#[test]
fn a_clean_stop_waits_for_the_round() {
    let life = Life::new(patient());
    let side = life.side().unwrap();
    let key = begin_a_round(&life, side.rig());
    let storage = Arc::clone(side.rig().storage());
    let (disk, asked) = (life.disk.clone(), key.clone());
    let helper = thread::spawn(move || {
        wait_for_the_end(&storage, &asked);
        disk.release();
    });
    side.close().unwrap();
    helper.join().unwrap();
    assert_eq!(chunk_files(&life.disk), (1, 0));
    assert!(life.disk.read_all(Path::new("SEAL")).is_ok());
    let side = life.side().unwrap();
    assert_eq!(side.rig().content(&key).unwrap(), make::pattern(1, 9_000));
    side.close().unwrap();
    let extent = Extent { images: 2, ..NO_MORE };
    Walk::new(&life, 1, extent, &mut Counts::default()).everywhere().unwrap();
}

#[test]
fn a_round_that_fails_at_the_end_makes_it_no_clean_one() {
    let life = Life::new(patient());
    let side = life.side().unwrap();
    let key = begin_a_round(&life, side.rig());
    let storage = Arc::clone(side.rig().storage());
    let (disk, asked) = (life.disk.clone(), key.clone());
    disk.fail_after(Call::Write, 0);
    let helper = thread::spawn(move || {
        wait_for_the_end(&storage, &asked);
        disk.release();
    });
    let closed = side.close().unwrap_err().to_string();
    helper.join().unwrap();
    assert!(closed.contains(".chunk"), "{closed}");
    assert!(life.disk.read_all(Path::new("SEAL")).is_err());
    let side = life.side().unwrap();
    assert_eq!(side.rig().content(&key).unwrap(), make::pattern(1, 9_000));
}
