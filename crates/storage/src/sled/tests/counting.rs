//! The sync: nothing is reported before it, and what happens when it fails.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use headwater_core::Timestamp;
use headwater_core::storage::{Refusal, UnitResult};

use super::{
    Directory, OpenError, Safeguards, packed_at_once, packed_now_and_then, packed_when_closed,
};
use crate::testkit::Story;
use crate::testkit::{Failure, Rig, Verdict, make};

/// Counts syncs, and the reports that were made when each was asked for.
#[derive(Debug, Default)]
struct Witness {
    syncs: AtomicUsize,
    reports: AtomicUsize,
    reports_at_sync: Mutex<Vec<usize>>,
}

impl Safeguards for Witness {
    fn sync(&self, data: &File) -> io::Result<()> {
        let reports = self.reports.load(Ordering::Acquire);
        self.reports_at_sync.lock().unwrap().push(reports);
        self.syncs.fetch_add(1, Ordering::AcqRel);
        data.sync_data()
    }
}

/// A sync that is left out.
#[derive(Debug)]
struct Skipping;

impl Safeguards for Skipping {
    fn sync(&self, _: &File) -> io::Result<()> {
        Ok(())
    }
}

/// Commits one group after the other; each must be synced after it was handed over and before it is reported.
fn every_report_is_behind_a_sync(
    witness: &Arc<Witness>,
    safeguards: Arc<dyn Safeguards>,
) -> Verdict {
    let directory = Directory::guarded(packed_when_closed(), safeguards);
    let rig = Rig::open(&directory)?;
    for number in 0..50usize {
        let syncs = witness.syncs.load(Ordering::Acquire);
        let unit = make::unit([make::creation(&make::key(&format!("n/{number}"))?, make::birth())]);
        let (sender, receiver) = mpsc::channel();
        let counting = Arc::clone(witness);
        let done = move |results: Vec<UnitResult>| {
            counting.reports.fetch_add(1, Ordering::AcqRel);
            drop(sender.send((results, counting.syncs.load(Ordering::Acquire))));
        };
        rig.storage().commit(vec![unit], Timestamp(5), Box::new(done));
        let (results, synced) = rig.receive(&receiver, "a group")?;
        if !matches!(results.as_slice(), [UnitResult::Committed(_)]) {
            return Err(Failure::new(format!("{results:?}")));
        }
        if synced <= syncs {
            return Err(Failure::new(format!("group {number} was reported without a sync")));
        }
        let at_sync = witness.reports_at_sync.lock().unwrap().last().copied();
        if at_sync != Some(number) {
            return Err(Failure::new(format!(
                "at the sync of group {number}, {at_sync:?} were reported"
            )));
        }
    }
    Ok(())
}

#[test]
fn nothing_is_reported_before_it_is_synced() {
    let witness = Arc::new(Witness::default());
    every_report_is_behind_a_sync(&witness, witness.clone()).unwrap();
}

#[test]
fn a_sync_that_is_left_out_is_noticed() {
    let witness = Arc::new(Witness::default());
    every_report_is_behind_a_sync(&witness, Arc::new(Skipping)).unwrap_err();
}

/// Fails from some sync on.
#[derive(Debug)]
struct Failing {
    left: AtomicU64,
    failed: AtomicU64,
}

impl Failing {
    fn after(syncs: u64) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(syncs), failed: AtomicU64::new(0) })
    }
}

impl Safeguards for Failing {
    fn sync(&self, data: &File) -> io::Result<()> {
        let left =
            self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        if left.is_err() {
            self.failed.fetch_add(1, Ordering::AcqRel);
            return Err(io::Error::other("the disk is gone"));
        }
        data.sync_data()
    }
}

#[test]
fn a_failed_sync_is_unknown_and_poisons_and_is_not_tried_again() {
    // One sync is of the creation of the directory.
    let failing = Failing::after(3);
    let directory = Directory::guarded(packed_when_closed(), failing.clone());
    let rig = Rig::open(&directory).unwrap();
    let key = make::key("a").unwrap();
    rig.create(&key, make::birth()).unwrap();
    rig.append(&key, make::batch(1, &[100]).unwrap()).unwrap();
    let version = rig.version(&key).unwrap();
    let group = |seed| {
        let first = make::append(&key, version, make::batch(seed, &[5]).unwrap());
        let second = make::append(&key, make::next(version), make::batch(seed + 1, &[5]).unwrap());
        let stale = make::append(&key, version, make::batch(9, &[5]).unwrap());
        vec![make::unit([first]), make::unit([second]), make::unit([stale])]
    };
    assert_eq!(rig.commit(group(2)).unwrap(), vec![UnitResult::Unknown; 3]);
    let poisoned = vec![UnitResult::Refused(Refusal::Poisoned); 3];
    for _ in 0..3 {
        assert_eq!(rig.commit(group(4)).unwrap(), poisoned);
    }
    // Reads of what was durable go on.
    assert_eq!(rig.version(&key).unwrap(), version);
    assert_eq!(rig.content(&key).unwrap(), make::pattern(1, 100));
    assert!(rig.close().is_err(), "a poisoned directory was closed as a sound one");
    assert_eq!(failing.failed.load(Ordering::Acquire), 1, "a failed sync was tried again");
    assert!(!directory.path().join("SEAL").exists(), "a poisoned directory was sealed");
    drop(rig);
    // Opening decides: both units are there, or neither.
    let reopened = Directory { safeguards: Arc::new(super::Strict), ..directory };
    let rig = Rig::open(&reopened).unwrap();
    let expected = [
        make::pattern(1, 100).to_vec(),
        [&make::pattern(1, 100)[..], &make::pattern(2, 5), &make::pattern(3, 5)].concat(),
    ];
    assert!(expected.contains(&rig.content(&key).unwrap().to_vec()));
    rig.create(&make::key("b").unwrap(), make::birth()).unwrap();
}

#[test]
fn what_opening_found_is_synced_before_it_is_shown() {
    let directory = Directory::new(packed_when_closed());
    let rig = Rig::open(&directory).unwrap();
    let key = make::key("a").unwrap();
    rig.create(&key, make::birth()).unwrap();
    let image = directory.image();
    let witness = Arc::new(Witness::default());
    let reopened = Directory { safeguards: witness.clone(), ..image };
    let rig = Rig::open(&reopened).unwrap();
    assert_eq!(witness.syncs.load(Ordering::Acquire), 1);
    rig.live(&key).unwrap();
}

#[test]
fn a_disk_that_fails_while_a_directory_is_opened_is_not_taken_for_damage() {
    let new = Directory::guarded(packed_when_closed(), Failing::after(0));
    let known = Directory::new(packed_when_closed());
    drop(Rig::open(&known).unwrap());
    for directory in [new, Directory { safeguards: Failing::after(0), ..known }] {
        let error = directory.try_open().unwrap_err();
        assert!(matches!(error, OpenError::Io { .. }), "{error}");
        assert!(error.to_string().contains("the disk is gone"), "{error}");
        // The next attempt, on a disk that works, is not held against it.
        Directory { safeguards: Arc::new(super::Strict), ..directory }.try_open().unwrap();
    }
}

#[test]
fn a_sync_that_fails_anywhere_loses_nothing_that_was_reported() {
    for (options, seed) in [(packed_at_once(), 7), (packed_now_and_then(), 8)] {
        for after in 1..40 {
            let failing = Failing::after(after);
            let directory = Directory::guarded(options, failing.clone());
            let rig = Rig::open(&directory).unwrap();
            let (mut story, places) = (Story::new(seed), Story::places().unwrap());
            let mut before = places.look(&rig).unwrap();
            let steps = (0..200).take_while(|_| {
                let told = story.go_on(&rig).is_ok();
                if told {
                    before = places.look(&rig).unwrap();
                }
                told
            });
            let steps = steps.count();
            assert!(steps < 200, "the sync did not fail");
            assert!(places.look(&rig).unwrap() == before, "reads show what was not reported");
            drop(rig);
            assert_eq!(failing.failed.load(Ordering::Acquire), 1, "a failed sync was tried again");
            let reopened = Directory { safeguards: Arc::new(super::Strict), ..directory };
            let rig = Rig::open(&reopened).unwrap();
            let found = places.look(&rig).unwrap();
            // Told once more on a store that does not fail, the story says what the unreported step would have done.
            let whole = Directory::new(options);
            let other = Rig::open(&whole).unwrap();
            let mut story = Story::new(seed);
            for _ in 0..=steps {
                story.go_on(&other).unwrap();
            }
            let after_it = places.look(&other).unwrap();
            assert!(found == before || found == after_it, "after {after} syncs of seed {seed}");
        }
    }
}
