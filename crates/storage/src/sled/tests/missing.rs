//! Rows that are missing, stale, altered or strange: the start is refused, and each comparison that finds them is missed
//! when it is taken away.

use std::fs;
use std::sync::Arc;

use headwater_core::Slot;
use headwater_core::change::ProducerChange;

use super::super::tree::{Sum, is_packed};
use super::super::{Comparison, OpenError};
use super::key;
use super::{Directory, Safeguards, packed_when_closed};
use crate::local::database::{is_released, open as open_database};
use crate::local::row::{Row, of_lineage, tag};
use crate::local::stored::{StoredCheckpoint, encode};
use crate::testkit::{Rig, make};

/// Everything but one comparison.
#[derive(Debug)]
struct Without(Comparison);

impl Safeguards for Without {
    fn compares(&self, what: Comparison) -> bool {
        what != self.0
    }
}

/// A store with a few streams, cleanly closed. The seal is taken off, because it would find everything that is done here.
fn store() -> Directory {
    let directory = Directory::new(packed_when_closed());
    let rig = Rig::open(&directory).unwrap();
    for (name, seed) in [("s/one", 1), ("s/two", 2), ("t/three", 3)] {
        rig.create(&key(name), make::birth()).unwrap();
        rig.append(&key(name), make::batch(seed, &[3000, 3000, 3000, 5]).unwrap()).unwrap();
    }
    let row = ProducerChange::Introduce(make::producer("p").unwrap(), make::row(0, 0).unwrap());
    rig.update(&key("s/one"), make::produced(make::batch(4, &[5]).unwrap(), row)).unwrap();
    rig.close().unwrap();
    unseal(&directory);
    directory
}

fn unseal(directory: &Directory) {
    fs::remove_file(directory.path().join("SEAL")).unwrap();
}

/// Changes rows behind the adapter's back.
fn tamper(directory: &Directory, change: impl FnOnce(&sled::Db)) {
    let db = open_database(&directory.path(), &directory.database(), 1 << 20).unwrap();
    change(&db);
    db.flush().unwrap();
    drop(db);
    assert!(is_released(&directory.database()));
}

/// The same, and the checkpoint with it, as a fault of our own would.
fn tamper_consistently(directory: &Directory, change: impl FnOnce(&sled::Db)) {
    tamper(directory, |db| {
        change(db);
        let mut sum = Sum::default();
        for entry in db.iter() {
            let (key, value) = entry.unwrap();
            if is_packed(&key) {
                sum.add(&key, &value);
            }
        }
        let row = Row::Checkpoint.key();
        let old = db.get(&row).unwrap().unwrap();
        let old: StoredCheckpoint =
            crate::local::stored::decode(&row, &old, crate::local::frame::Verify::Checksum)
                .unwrap();
        let digest = sum.digest.to_le_bytes();
        let new = StoredCheckpoint { rows: sum.rows, streams: sum.streams, digest, ..old };
        db.insert(&row, encode(&row, &new).unwrap()).unwrap();
    });
}

/// The start is refused, and the message says this.
fn refused(directory: &Directory, expected: &str) {
    match directory.try_open() {
        Err(OpenError::Corrupt(message)) => assert!(message.contains(expected), "{message}"),
        other => panic!("{expected}: {other:?}"),
    }
}

fn without(directory: Directory, what: Comparison) -> Directory {
    Directory { safeguards: Arc::new(Without(what)), ..directory }
}

fn lineage(directory: &Directory, path: &str) -> headwater_core::Lineage {
    let rig = Rig::open(directory).unwrap();
    let lineage = rig.live(&key(path)).unwrap().ranges.own();
    rig.close().unwrap();
    unseal(directory);
    lineage
}

#[test]
fn a_stream_that_is_gone_without_a_trace_is_missed_by_the_sum() {
    let directory = store();
    let lineage = lineage(&directory, "t/three");
    tamper(&directory, |db| {
        db.remove(Row::state(&key("t/three")).key()).unwrap();
        db.remove(Row::Lineage(lineage).key()).unwrap();
        for key in db.scan_prefix(of_lineage(tag::CHUNK, lineage)).keys() {
            db.remove(key.unwrap()).unwrap();
        }
    });
    let image = directory.image();
    refused(&directory, "2 streams where");
    let rig_on = without(image, Comparison::Digest);
    let rig = Rig::open(&rig_on).unwrap();
    assert_eq!(rig.slot(&key("t/three")).unwrap(), Slot::Absent);
}

#[test]
fn a_row_as_it_was_before_is_found_by_the_sum() {
    let directory = store();
    let (producer, mut before) = (make::producer("p").unwrap(), None);
    let row = Row::Producer { lineage: lineage(&directory, "s/one"), id: "p" }.key();
    tamper(&directory, |db| before = db.get(&row).unwrap());
    let rig = Rig::open(&directory).unwrap();
    let next = ProducerChange::Advance(producer.clone(), make::row(0, 1).unwrap());
    rig.update(&key("s/one"), make::produced(make::batch(5, &[5]).unwrap(), next)).unwrap();
    rig.close().unwrap();
    drop(rig);
    unseal(&directory);
    tamper(&directory, |db| drop(db.insert(&row, before.unwrap()).unwrap()));
    let image = directory.image();
    refused(&directory, "not the last ones written");
    let rig_on = without(image, Comparison::Digest);
    let rig = Rig::open(&rig_on).unwrap();
    let found = rig.load(&key("s/one"), Some(&producer)).unwrap().producer;
    assert_eq!(
        found,
        Some(make::row(0, 0).unwrap()),
        "the retry of an append would be taken twice"
    );
}

#[test]
fn altered_bytes_are_found_by_their_checksum() {
    let directory = store();
    let lineage = lineage(&directory, "s/two");
    tamper(&directory, |db| {
        let (row, value) = db.scan_prefix(of_lineage(tag::CHUNK, lineage)).next().unwrap().unwrap();
        let mut value = value.to_vec();
        *value.last_mut().unwrap() ^= 1;
        db.insert(row, value).unwrap();
    });
    let image = directory.image();
    refused(&directory, "does not match its checksum");
    let rig_on = without(image, Comparison::Checksums);
    let rig = Rig::open(&rig_on).unwrap();
    assert_ne!(
        rig.content(&key("s/two")).unwrap(),
        make::pattern(2, 9005),
        "damaged bytes are served"
    );
}

#[test]
fn a_gap_in_a_stream_is_found_by_its_neighbours() {
    for gap in 0..3 {
        let directory = store();
        let lineage = lineage(&directory, "s/two");
        tamper_consistently(&directory, |db| {
            let mut keys = db.scan_prefix(of_lineage(tag::CHUNK, lineage)).keys();
            db.remove(keys.nth(gap).unwrap().unwrap()).unwrap();
        });
        let image = directory.image();
        refused(&directory, &format!("lineage {}", lineage.0));
        let rig_on = without(image, Comparison::Chains);
        let rig = Rig::open(&rig_on).unwrap();
        rig.content(&key("s/two")).unwrap_err();
    }
}

#[test]
fn other_gaps_are_found_too() {
    type Tampering = fn(&sled::Db);
    let kinds: [(&str, Tampering); 5] = [
        ("is missing", |db| {
            drop(db.remove(Row::Lineage(headwater_core::Lineage(1)).key()).unwrap())
        }),
        ("streams", |db| drop(db.remove(Row::state(&super::key("s/one")).key()).unwrap())),
        ("the order of space `s`", |db| {
            let row = db.scan_prefix([tag::ORDER]).keys().next().unwrap().unwrap();
            db.remove(row).unwrap();
        }),
        ("unknown key", |db| drop(db.insert([0x05, 1, 2], vec![1, 0, 0, 0, 0]).unwrap())),
        ("the unknown version 9", |db| {
            let row = Row::Pin { lineage: headwater_core::Lineage(1), position: 5 }.key();
            let value = crate::local::frame::finish(&row, crate::local::frame::begin(9, 0));
            db.insert(row, value).unwrap();
        }),
    ];
    for (expected, tampering) in kinds {
        let directory = store();
        tamper_consistently(&directory, tampering);
        match directory.try_open() {
            Err(OpenError::Corrupt(_)) => {}
            other => panic!("{expected}: {other:?}"),
        }
    }
    let directory = store();
    tamper(&directory, |db| drop(db.remove(Row::Checkpoint.key()).unwrap()));
    refused(&directory, "the checkpoint is missing");
}

/// Two groups that are not packed, the second one of many parts.
fn unpacked() -> Directory {
    let directory = Directory::new(packed_when_closed());
    let rig = Rig::open(&directory).unwrap();
    rig.create(&key("a"), make::birth()).unwrap();
    rig.append(&key("a"), make::batch(1, &[30_000]).unwrap()).unwrap();
    rig.append(&key("a"), make::batch(2, &[10]).unwrap()).unwrap();
    drop(rig);
    directory
}

#[test]
fn a_group_or_a_part_of_one_that_is_missing_refuses_the_start() {
    for (group, part, expected) in [
        (1, 0, "group 1"),
        (2, 0, "part 0 of group 2"),
        (2, 3, "part 3 of group 2"),
        (2, 7, "part 7 of group 2"),
        (3, 0, "groups 3 to 3 were reported"),
    ] {
        let directory = unpacked();
        tamper(&directory, |db| {
            assert!(db.remove(Row::Group { group, part }.key()).unwrap().is_some());
        });
        refused(&directory, expected);
    }
}

#[test]
fn a_database_that_went_back_in_time_is_found_by_the_last_report() {
    let directory = Directory::new(packed_when_closed());
    let rig = Rig::open(&directory).unwrap();
    rig.create(&key("a"), make::birth()).unwrap();
    let earlier = directory.image();
    rig.append(&key("a"), make::batch(1, &[10]).unwrap()).unwrap();
    drop(rig);
    fs::copy(directory.path().join("COMMITTED"), earlier.path().join("COMMITTED")).unwrap();
    let image = earlier.image();
    refused(&earlier, "groups 2 to 2 were reported as committed");
    let rig_on = without(image, Comparison::Committed);
    let rig = Rig::open(&rig_on).unwrap();
    assert_eq!(
        rig.live(&key("a")).unwrap().tail.position,
        0,
        "an acknowledged record is lost silently"
    );
}

#[test]
fn a_file_that_is_missing_refuses_the_start() {
    for (file, expected) in
        [("COMMITTED", "COMMITTED is missing"), ("sled/db", "sled/db is missing")]
    {
        let directory = store();
        fs::remove_file(directory.path().join(file)).unwrap();
        refused(&directory, expected);
    }
    let directory = store();
    fs::remove_dir_all(directory.database()).unwrap();
    refused(&directory, "sled/db is missing");
}

/// The keys of all rows that begin with these bytes, of a directory that nobody has open.
pub(super) fn rows_with(directory: &Directory, prefix: &[u8]) -> Vec<Vec<u8>> {
    let image = directory.image();
    let db = open_database(&image.path(), &image.database(), 1 << 20).unwrap();
    db.scan_prefix(prefix).keys().map(|key| key.unwrap().to_vec()).collect()
}

/// Waits for a condition, and fails when it does not come true.
pub(super) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "not so in time: {what}");
        std::thread::yield_now();
    }
}
