//! Late visibility of the memory adapter's shared mode: a handle shows a prefix, and catches up when it is told to.
#![allow(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use headwater_core::storage::{Confirmation, UnitResult, Watcher};
use headwater_core::{Slot, Storage, StreamKey, Version};
use headwater_storage::testkit::{Harness, Restarts, Rig, make};
use headwater_storage::{MemoryStorage, SharedMemory};

/// One handle of a shared store.
struct Handle(Arc<MemoryStorage>);

impl Harness for Handle {
    fn open(&self) -> Arc<dyn Storage> {
        self.0.clone()
    }

    fn restarts(&self) -> Restarts {
        Restarts::Never
    }
}

fn handles() -> [Handle; 2] {
    let shared = SharedMemory::new();
    [Handle(Arc::new(shared.attach())), Handle(Arc::new(shared.attach()))]
}

fn revision(rig: &Rig<'_>, key: &StreamKey) -> u64 {
    rig.version(key).unwrap().revision
}

#[test]
fn a_handle_that_is_held_back_shows_a_prefix_and_catches_up_step_by_step() {
    let [writer, late] = handles();
    let (writes, reads) = (Rig::open(&writer).unwrap(), Rig::open(&late).unwrap());
    let key = make::key("a").unwrap();
    late.0.hold_back();
    writes.create(&key, make::birth()).unwrap();
    for seed in 0..4 {
        writes.append(&key, make::batch(seed, &[3]).unwrap()).unwrap();
    }
    assert_eq!((late.0.hidden(), reads.slot(&key).unwrap()), (5, Slot::Absent));
    assert_eq!(late.0.reveal(2), 2);
    assert_eq!((late.0.hidden(), revision(&reads, &key)), (3, 2));
    assert_eq!(reads.content(&key).unwrap(), make::pattern(0, 3));
    assert_eq!(reads.space("", 100).unwrap().len(), 1);
    assert_eq!(late.0.reveal(100), 3);
    assert_eq!((late.0.hidden(), revision(&reads, &key)), (0, 5));
    writes.append(&key, make::batch(9, &[3]).unwrap()).unwrap();
    assert_eq!(revision(&reads, &key), 5);
    late.0.follow();
    assert_eq!(revision(&reads, &key), 6);
    writes.append(&key, make::batch(9, &[3]).unwrap()).unwrap();
    assert_eq!(revision(&reads, &key), 7);
    assert_eq!(reads.rows(&key).unwrap(), writes.rows(&key).unwrap());
}

#[test]
fn an_own_commit_shows_what_was_held_back_before_it_and_nothing_after() {
    let [writer, late] = handles();
    let (writes, own) = (Rig::open(&writer).unwrap(), Rig::open(&late).unwrap());
    let keys = ["before", "own", "after"].map(|name| make::key(name).unwrap());
    late.0.hold_back();
    writes.create(&keys[0], make::birth()).unwrap();
    own.create(&keys[1], make::birth()).unwrap();
    writes.create(&keys[2], make::birth()).unwrap();
    let shown = keys.each_ref().map(|key| own.slot(key).unwrap() != Slot::Absent);
    assert_eq!(shown, [true, true, false]);
}

#[test]
fn what_is_decided_on_a_late_state_conflicts_and_is_not_confirmed() {
    let [writer, late] = handles();
    let (writes, own) = (Rig::open(&writer).unwrap(), Rig::open(&late).unwrap());
    let key = make::key("a").unwrap();
    writes.create(&key, make::birth()).unwrap();
    late.0.hold_back();
    writes.append(&key, make::batch(1, &[3]).unwrap()).unwrap();
    let stale = own.version(&key).unwrap();
    assert_eq!(stale.revision, 1);
    assert_eq!(own.confirm(&[(key.clone(), stale)]).unwrap(), Confirmation::Stale);
    let unit = make::unit([make::append(&key, stale, make::batch(2, &[3]).unwrap())]);
    assert_eq!(own.try_unit(unit).unwrap(), UnitResult::Conflict);
    // A conflict is not a commit of one's own: what others did stays hidden.
    assert_eq!(own.version(&key).unwrap(), stale);
    late.0.follow();
    own.append(&key, make::batch(2, &[3]).unwrap()).unwrap();
}

#[derive(Default)]
struct Told(Mutex<BTreeSet<StreamKey>>);

impl Told {
    fn take(&self) -> BTreeSet<StreamKey> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Watcher for Told {
    fn changed(&self, key: &StreamKey) {
        self.0.lock().unwrap().insert(key.clone());
    }
}

#[test]
fn the_watcher_is_told_when_a_foreign_commit_becomes_visible_and_not_before() {
    let [writer, late] = handles();
    let (writes, own) = (Rig::open(&writer).unwrap(), Rig::open(&late).unwrap());
    let told = Arc::new(Told::default());
    late.0.watch(told.clone());
    let keys = ["a", "b", "c", "own"].map(|name| make::key(name).unwrap());
    writes.create(&keys[0], make::birth()).unwrap();
    assert_eq!(told.take(), BTreeSet::from([keys[0].clone()]));
    late.0.hold_back();
    writes.create(&keys[1], make::birth()).unwrap();
    writes.create(&keys[2], make::birth()).unwrap();
    assert_eq!(told.take(), BTreeSet::new());
    late.0.reveal(1);
    assert_eq!(told.take(), BTreeSet::from([keys[1].clone()]));
    // An own commit is reported, not told; what it brings with it is told.
    own.create(&keys[3], make::birth()).unwrap();
    assert_eq!(told.take(), BTreeSet::from([keys[2].clone()]));
}

#[test]
fn a_handle_attached_later_has_seen_everything() {
    let shared = SharedMemory::new();
    let first = Handle(Arc::new(shared.attach()));
    let writes = Rig::open(&first).unwrap();
    let key = make::key("a").unwrap();
    writes.create(&key, make::birth()).unwrap();
    writes.append(&key, make::batch(1, &[3]).unwrap()).unwrap();
    let second = Handle(Arc::new(shared.attach()));
    let reads = Rig::open(&second).unwrap();
    assert_eq!(reads.content(&key).unwrap(), make::pattern(1, 3));
    drop(writes);
    drop(first);
    reads.append(&key, make::batch(2, &[3]).unwrap()).unwrap();
    assert_ne!(reads.version(&key).unwrap(), Version::ABSENT);
}

#[test]
fn a_store_with_one_writer_has_nothing_to_hold_back() {
    let sole = Handle(Arc::new(MemoryStorage::new()));
    let rig = Rig::open(&sole).unwrap();
    sole.0.hold_back();
    rig.create(&make::key("a").unwrap(), make::birth()).unwrap();
    assert_eq!((sole.0.hidden(), sole.0.reveal(5)), (0, 0));
    sole.0.follow();
}
