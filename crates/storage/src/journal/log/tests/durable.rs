//! Syncs that come later: on a thread of their own, while writes go on.

use std::sync::mpsc;
use std::thread;

use super::story::CAPACITY;
use super::*;
use crate::disk::fake::Call;

/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn what_was_written_is_durable_within_the_time_and_writes_do_not_wait_for_it() {
    let disk = FakeDisk::new();
    let (mut log, _) = Log::open(&disk, Mark::default(), relaxed(1 << 20)).expect("an empty disk");
    log.write(&[b"first"]).unwrap();
    assert_eq!(log.durable(), 1, "the first group of a run does not come later");
    let durability = Arc::clone(log.writer.durability());
    let (sender, told) = mpsc::channel();
    let keeper = Arc::clone(&durability);
    let thread = thread::spawn(move || {
        keeper.keep(Duration::from_millis(1), |synced| sender.send(synced).unwrap())
    });
    disk.hold(Call::SyncData);
    log.write(&[b"second"]).unwrap();
    assert!(disk.held(1, PATIENCE), "nobody syncs");
    let held = disk.calls(Call::SyncData);
    for _ in 0..100 {
        log.write(&[b"while it is synced"]).unwrap();
    }
    assert_eq!((log.durable(), disk.calls(Call::SyncData)), (1, held));
    assert!(durability.unsynced() > 100 * 40);
    disk.release();
    let synced = told.recv_timeout(PATIENCE).unwrap();
    assert!(synced.age >= Duration::from_millis(1) && synced.age >= synced.took);
    told.recv_timeout(PATIENCE).unwrap();
    durability.reach(102).unwrap();
    assert_eq!((log.durable(), durability.unsynced()), (102, 0));
    durability.stop();
    thread.join().unwrap().unwrap();
}

#[test]
fn a_sync_that_fails_is_the_last_thing() {
    let disk = FakeDisk::new();
    let (mut log, _) = Log::open(&disk, Mark::default(), relaxed(CAPACITY)).unwrap();
    log.write(&[b"first"]).unwrap();
    log.write(&[b"second"]).unwrap();
    disk.fail_after(Call::SyncData, 0);
    let durability = Arc::clone(log.writer.durability());
    let kept = durability.keep(Duration::ZERO, |_| ());
    assert!(matches!(kept, Err(WriteError::Failed(_))), "{kept:?}");
    assert!(matches!(log.append(&[b"third"]), Err(WriteError::Poisoned)));
    assert!(matches!(log.writer.sync(), Err(WriteError::Poisoned)));
    assert!(matches!(durability.reach(2), Err(WriteError::Poisoned)));
    durability.reach(1).expect_err("nothing is told any more");
    assert!(log.writer.close().is_err());
}

#[test]
fn a_log_that_is_closed_says_what_it_may_have_lost() {
    let disk = FakeDisk::new();
    let (mut log, _) = Log::open(&disk, Mark::default(), relaxed(CAPACITY)).unwrap();
    log.write(&[b"first"]).unwrap();
    drop(log);
    for (run, floor) in [(settings as fn(u32) -> Settings, 1), (relaxed, 1), (settings, 1)] {
        let (log, groups) = Log::open(&disk, Mark::default(), run(CAPACITY)).unwrap();
        assert_eq!((groups[0].1.len(), log.floors.unit), (1, floor));
        log.writer.close().unwrap();
        let (_, recovered) = read(&disk, Mark::default()).unwrap();
        assert_eq!((recovered.sealed, recovered.run.floors.unit), (true, floor));
    }
}
