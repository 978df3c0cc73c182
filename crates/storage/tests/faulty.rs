//! The fault-injecting wrapper: transparent until told otherwise, and then does what it was told.
#![allow(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};

use headwater_core::change::Unit;
use headwater_core::storage::{Refusal, StorageError, UnitResult};
use headwater_core::{Slot, Storage, StreamKey, Timestamp, Version};
use headwater_storage::testkit::faulty::{Aftermath, Stage};
use headwater_storage::testkit::{Faulty, Harness, Restarts, Rig, Shared, committed, make};

#[derive(Default)]
struct Wrapped(Shared);

impl Harness for Wrapped {
    fn open(&self) -> Arc<dyn Storage> {
        Faulty::over(self.0.open())
    }

    fn restarts(&self) -> Restarts {
        self.0.restarts()
    }
}

mod untouched {
    headwater_storage::conformance!(super::Wrapped::default());
    headwater_storage::several_writers!(super::Wrapped::default());
}

/// A wrapper that a test has its hands on, and another handle on the same data.
struct Pair {
    shared: Shared,
    faulty: Arc<Faulty>,
}

impl Harness for Pair {
    fn open(&self) -> Arc<dyn Storage> {
        self.faulty.clone()
    }

    fn restarts(&self) -> Restarts {
        Restarts::Never
    }
}

fn pair() -> Pair {
    let shared = Shared::default();
    let faulty = Faulty::over(shared.open());
    Pair { shared, faulty }
}

fn append(key: &StreamKey, basis: Version, seed: u64) -> Unit {
    make::unit([make::append(key, basis, make::batch(seed, &[4]).unwrap())])
}

fn hand_over(faulty: &Faulty, group: Vec<Unit>) -> Receiver<Vec<UnitResult>> {
    let (sender, receiver) = mpsc::channel();
    faulty.commit(group, Timestamp(9), Box::new(move |results| sender.send(results).unwrap()));
    receiver
}

#[test]
fn a_commit_is_held_before_it_is_written() {
    let pair = pair();
    let rig = Rig::open(&pair).unwrap();
    let (key, other) = (make::key("a").unwrap(), make::key("b").unwrap());
    pair.faulty.hold(Stage::Unwritten);
    let first = hand_over(&pair.faulty, vec![make::unit([make::creation(&key, make::birth())])]);
    rig.wait(pair.faulty.held(1)).unwrap();
    assert_eq!(rig.slot(&key).unwrap(), Slot::Absent);
    assert_eq!(first.try_recv(), Err(TryRecvError::Empty));
    pair.faulty.pass();
    committed(rig.receive(&first, "the first group").unwrap().remove(0)).unwrap();
    let second = hand_over(&pair.faulty, vec![make::unit([make::creation(&other, make::birth())])]);
    rig.wait(pair.faulty.held(1)).unwrap();
    assert_eq!(rig.slot(&other).unwrap(), Slot::Absent);
    pair.faulty.release();
    committed(rig.receive(&second, "the second group").unwrap().remove(0)).unwrap();
    rig.append(&other, make::batch(1, &[1]).unwrap()).unwrap();
}

#[test]
fn a_commit_is_held_before_it_is_reported() {
    let pair = pair();
    let rig = Rig::open(&pair).unwrap();
    let key = make::key("a").unwrap();
    pair.faulty.hold(Stage::Unreported);
    let group = hand_over(&pair.faulty, vec![make::unit([make::creation(&key, make::birth())])]);
    rig.wait(pair.faulty.held(1)).unwrap();
    assert!(matches!(rig.slot(&key).unwrap(), Slot::Live(_)));
    assert_eq!(group.try_recv(), Err(TryRecvError::Empty));
    pair.faulty.release();
    committed(rig.receive(&group, "the group").unwrap().remove(0)).unwrap();
}

#[test]
fn a_failed_barrier_is_unknown_and_poisons() {
    for (aftermath, applied) in [(Aftermath::Applied, true), (Aftermath::Lost, false)] {
        let pair = pair();
        let rig = Rig::open(&pair).unwrap();
        let key = make::key("a").unwrap();
        let version = rig.create(&key, make::birth()).unwrap().version();
        pair.faulty.fail_barrier(aftermath);
        let group = vec![append(&key, version, 1), append(&key, make::next(version), 2)];
        assert_eq!(rig.commit(group.clone()).unwrap(), vec![UnitResult::Unknown; 2]);
        let poisoned = UnitResult::Refused(Refusal::Poisoned);
        assert_eq!(rig.commit(group).unwrap(), vec![poisoned.clone(); 2]);
        assert_eq!(rig.commit(vec![make::unit([])]).unwrap(), [poisoned]);
        let records = rig.live(&key).unwrap().tail.sequence;
        assert_eq!(records, if applied { 2 } else { 0 }, "{aftermath:?}");
    }
}

#[test]
fn one_unit_of_a_group_conflicts_and_takes_along_what_follows_it() {
    let pair = pair();
    let rig = Rig::open(&pair).unwrap();
    let (key, other) = (make::key("a").unwrap(), make::key("b").unwrap());
    let version = rig.create(&key, make::birth()).unwrap().version();
    let beside = rig.create(&other, make::birth()).unwrap().version();
    pair.faulty.conflict_on(1);
    let group = || {
        vec![
            append(&other, beside, 1),
            append(&key, version, 2),
            append(&key, make::next(version), 3),
            append(&other, make::next(beside), 4),
        ]
    };
    let fates = |results: Vec<UnitResult>| {
        results.iter().map(|result| matches!(result, UnitResult::Committed(_))).collect::<Vec<_>>()
    };
    assert_eq!(fates(rig.commit(group()).unwrap()), [true, false, false, true]);
    assert_eq!(rig.version(&key).unwrap(), version);
    assert_eq!(fates(rig.commit(group()).unwrap()), [false, true, true, false]);
}

#[test]
fn one_unit_of_a_group_is_unknown() {
    for (aftermath, at_once, later) in
        [(Aftermath::Applied, 1, 1), (Aftermath::Lost, 0, 0), (Aftermath::Late, 0, 1)]
    {
        let pair = pair();
        let rig = Rig::open(&pair).unwrap();
        let (key, other) = (make::key("a").unwrap(), make::key("b").unwrap());
        let version = rig.create(&key, make::birth()).unwrap().version();
        pair.faulty.unknown_on(0, aftermath);
        let creation = make::unit([make::creation(&other, make::birth())]);
        let results = rig.commit(vec![append(&key, version, 1), creation]).unwrap();
        assert_eq!(results[0], UnitResult::Unknown);
        committed(results[1].clone()).unwrap();
        assert_eq!(rig.live(&key).unwrap().tail.sequence, at_once, "{aftermath:?}");
        let settled = rig.wait(pair.faulty.settle()).unwrap();
        assert_eq!(settled.len(), usize::from(aftermath == Aftermath::Late));
        assert_eq!(rig.live(&key).unwrap().tail.sequence, later, "{aftermath:?}");
    }
}

#[test]
fn a_late_unit_that_was_overtaken_does_not_happen() {
    let pair = pair();
    let rig = Rig::open(&pair).unwrap();
    let other = Rig::open(&pair.shared).unwrap();
    let key = make::key("a").unwrap();
    let version = rig.create(&key, make::birth()).unwrap().version();
    pair.faulty.unknown_on(0, Aftermath::Late);
    assert_eq!(rig.commit(vec![append(&key, version, 1)]).unwrap(), [UnitResult::Unknown]);
    other.append(&key, make::batch(2, &[4]).unwrap()).unwrap();
    assert_eq!(rig.wait(pair.faulty.settle()).unwrap(), [UnitResult::Conflict]);
    assert_eq!(rig.content(&key).unwrap(), make::pattern(2, 4));
}

/// What was decided on a unit that fell may name a revision that somebody else's commit takes.
#[test]
fn what_follows_a_unit_that_fell_is_not_under_way() {
    for injected in [true, false] {
        let pair = pair();
        let rig = Rig::open(&pair).unwrap();
        let other = Rig::open(&pair.shared).unwrap();
        let key = make::key("a").unwrap();
        let version = rig.create(&key, make::birth()).unwrap().version();
        let after = Version { revision: version.revision + 1, ..version };
        if injected {
            pair.faulty.conflict_on(0);
        } else {
            other.append(&key, make::batch(3, &[4]).unwrap()).unwrap();
        }
        pair.faulty.unknown_on(1, Aftermath::Late);
        let group = vec![append(&key, version, 1), append(&key, after, 2)];
        assert_eq!(rig.commit(group).unwrap(), [UnitResult::Conflict, UnitResult::Conflict]);
        if injected {
            other.append(&key, make::batch(3, &[4]).unwrap()).unwrap();
        }
        assert_eq!(rig.live(&key).unwrap().version(), after, "the revision that it names");
        assert_eq!(rig.wait(pair.faulty.settle()).unwrap(), []);
        assert_eq!(rig.content(&key).unwrap(), make::pattern(3, 4));
    }
}

#[test]
fn a_full_storage_refuses_until_there_is_room() {
    let pair = pair();
    let rig = Rig::open(&pair).unwrap();
    let unit = make::unit([make::creation(&make::key("a").unwrap(), make::birth())]);
    pair.faulty.refuse(Refusal::Full);
    let refused = UnitResult::Refused(Refusal::Full);
    assert_eq!(rig.commit(vec![unit.clone()]).unwrap(), [refused]);
    pair.faulty.accept();
    committed(rig.try_unit(unit).unwrap()).unwrap();
}

#[test]
fn a_held_load_answers_late_with_what_was_there_when_it_was_asked() {
    let pair = pair();
    let rig = Rig::open(&pair).unwrap();
    let other = Rig::open(&pair.shared).unwrap();
    let key = make::key("a").unwrap();
    pair.faulty.hold_loads();
    let (load, ()) = rig
        .wait(async {
            tokio::join!(pair.faulty.load(&key, None), async {
                pair.faulty.loads_held(1).await;
                // Committed while the load is held: its answer is already taken.
                other.storage().commit(
                    vec![make::unit([make::creation(&key, make::birth())])],
                    Timestamp(5),
                    Box::new(|_| {}),
                );
                while pair.shared.open().load(&key, None).await.unwrap().slot == Slot::Absent {
                    tokio::task::yield_now().await;
                }
                pair.faulty.release_loads();
            })
        })
        .unwrap();
    assert_eq!(load.unwrap().slot, Slot::Absent);
    // This handle follows the other one's commit on its own time.
    rig.wait(async {
        while pair.faulty.load(&key, None).await.unwrap().slot == Slot::Absent {
            tokio::task::yield_now().await;
        }
    })
    .unwrap();
}

#[test]
fn a_load_that_is_given_up_is_not_held_any_more() {
    let pair = pair();
    let rig = Rig::open(&pair).unwrap();
    let key = make::key("a").unwrap();
    pair.faulty.hold_loads();
    rig.wait(async {
        tokio::select! {
            _ = pair.faulty.load(&key, None) => panic!("the load was not held"),
            () = pair.faulty.loads_held(1) => {}
        }
        tokio::select! {
            biased;
            () = pair.faulty.loads_held(1) => panic!("nobody loads"),
            () = std::future::ready(()) => {}
        }
    })
    .unwrap();
}

#[test]
fn reads_fail_with_the_error_that_was_asked_for() {
    let pair = pair();
    let rig = Rig::open(&pair).unwrap();
    let key = make::key("a").unwrap();
    rig.create(&key, make::birth()).unwrap();
    let error = StorageError::Corrupt("here".into());
    pair.faulty.fail_reads(error.clone());
    assert_eq!(rig.wait(pair.faulty.load(&key, None)).unwrap(), Err(error.clone()));
    assert_eq!(rig.wait(pair.faulty.confirm(&[])).unwrap(), Err(error.clone()));
    assert_eq!(rig.wait(pair.faulty.expiring(Timestamp(1), 1)).unwrap(), Err(error));
    pair.faulty.heal_reads();
    rig.live(&key).unwrap();
}
