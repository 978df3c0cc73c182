//! Faults that other servers of this protocol have, or had, and where it is shown that the journal has none of them.
//!
//! | fault elsewhere | shown by |
//! |---|---|
//! | A crash between two writes leaves data one record ahead of what is known of it, and the next start never ends | [`what_is_ahead_of_the_catalogue_is_found`]; at every moment: `journal/tests/crash.rs`; with real kills: `tests/tests/it/kill.rs` |
//! | After a clean stop with a fork that has data, the next start never ends | [`a_clean_stop_with_forks_opens_again`]; `forks_and_soft_deleted_sources` of `tests/tests/it/restart.rs` |
//! | What is known of a stream whose files are gone: the next start never ends | [`files_that_are_gone_are_named_at_once`]; `files_that_are_gone_are_missed` of `journal_damage` |
//! | Streams with a lifetime are gone after a restart | [`lifetimes_outlive_the_process`]; `lifetimes_go_on` of `tests/tests/it/restart.rs` |
//! | A flipped byte of payload is served; a flipped length throws away what is behind it | `journal_damage`, every byte; [`a_flipped_length_throws_nothing_away`] |
//! | One lock is held over every sync: sixteen writers are slower than one | `writers_side_by_side_share_syncs` of `tests/tests/it/durable.rs` |
//! | Of a log in several files not all is replayed | [`everything_in_many_journal_files_is_replayed`]; `journal/log/tests/crash.rs` |
//! | The end of a torn write is shown to readers | [`a_torn_last_group_is_not_shown`]; `journal/log/tests/crash.rs` |
//! | A deletion that was acknowledged is undone by a crash | [`a_deletion_outlives_crashes_and_the_catalogue`]; with real kills: `tests/tests/it/kill.rs` |
#![cfg(feature = "journal")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests report by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use headwater_core::change::{Birth, PinChange};
use headwater_core::{Expiry, Slot, Storage, StreamKey, Timestamp};
use headwater_storage::journal::{JournalStorage, OpenError, Options};
use headwater_storage::testkit::{Harness, Places, Restarts, Rig, Sight, Story, make};
use tempfile::TempDir;

/// A data directory. What is dropped without being closed is as after a crash.
struct Directory {
    root: TempDir,
    options: Options,
}

impl Directory {
    fn new(recent_bytes: usize) -> Self {
        let mut options = Options::default();
        options.recent_bytes = recent_bytes;
        options.idle = Duration::from_secs(3600);
        options.file_bytes = 4096;
        Self { root: TempDir::new().unwrap(), options }
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("data")
    }

    fn try_open(&self) -> Result<JournalStorage, OpenError> {
        JournalStorage::open(self.path(), self.options)
    }

    fn rig(&self) -> Rig<'_> {
        Rig::open(self).unwrap()
    }

    /// The directory, when nobody works in it any more: what was dropped ends in its own time.
    fn left(&self) -> PathBuf {
        let path = self.path();
        fs::File::open(path.join("LOCK")).unwrap().lock().unwrap();
        path
    }

    fn lose_catalogue(&self) {
        fs::remove_dir_all(self.left().join("catalogue")).unwrap();
    }

    /// The files in a folder, in the order of their names, when nobody works in it any more.
    fn files(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.left().join(folder)).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// That this is what is found, now and after another crash, and without a catalogue.
    fn check(&self, places: &Places, sight: &Sight) {
        assert!(places.look(&self.rig()).unwrap() == *sight);
        assert!(places.look(&self.rig()).unwrap() == *sight, "at the second start");
        self.lose_catalogue();
        assert!(places.look(&self.rig()).unwrap() == *sight, "without a catalogue");
    }
}

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(self.try_open().unwrap())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

/// Options with which everything is packed that comes before the last few commands.
const NOW_AND_THEN: usize = 6_000;

/// Options with which nothing is packed.
const NEVER: usize = usize::MAX / 4;

fn key(path: &str) -> StreamKey {
    make::key(path).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

#[test]
fn what_is_ahead_of_the_catalogue_is_found() {
    let directory = Directory::new(NOW_AND_THEN);
    let (places, mut story) = (Story::places().unwrap(), Story::brief(8));
    let catalogue = directory.path().join("catalogue");
    let old = directory.root.path().join("old");
    for _ in 0..6 {
        let rig = directory.rig();
        (0..15).for_each(|_| story.go_on(&rig).unwrap());
        // Everything that is under way is packed, so the files do not change while they are copied.
        rig.close().unwrap();
        drop(rig);
        let sight = places.look(&directory.rig()).unwrap();
        if old.exists() {
            directory.left();
            // The catalogue as it was before the last rounds: chunk files and the journal are ahead of it.
            fs::remove_dir_all(&catalogue).unwrap();
            fs::rename(&old, &catalogue).unwrap();
        }
        directory.check(&places, &sight);
        directory.left();
        copy(&catalogue, &old);
    }
    assert!(directory.files("chunks").len() > 3);
}

#[test]
fn a_clean_stop_with_forks_opens_again() {
    for recent_bytes in [0, NOW_AND_THEN, NEVER] {
        let directory = Directory::new(recent_bytes);
        let mut rig = directory.rig();
        let (source, fork) = (key("source"), key("fork"));
        rig.create(&source, make::birth()).unwrap();
        rig.append(&source, make::batch(1, &[100, 50]).unwrap()).unwrap();
        let state = rig.live(&source).unwrap();
        let at = headwater_core::Tail { position: 100, sequence: 1 };
        let birth = Birth {
            batch: Some(make::batch(2, &[70]).unwrap()),
            ..make::fork_birth(&source, &state, at)
        };
        let pinned = make::pin(&source, rig.version(&source).unwrap(), PinChange::Add(at.position));
        rig.unit([make::creation(&fork, birth), pinned]).unwrap();
        let content = rig.content(&fork).unwrap();
        assert_eq!(content.len(), 170);
        for _ in 0..3 {
            rig.reopen().unwrap();
            assert_eq!(rig.content(&fork).unwrap(), content);
            assert_eq!(rig.content(&source).unwrap().len(), 150);
        }
    }
}

#[test]
fn files_that_are_gone_are_named_at_once() {
    let directory = Directory::new(NOW_AND_THEN);
    let mut story = Story::brief(9);
    for _ in 0..3 {
        let rig = directory.rig();
        (0..35).for_each(|_| story.go_on(&rig).unwrap());
        rig.close().unwrap();
    }
    let chunks = directory.files("chunks");
    // The journal may still have what is in the last one.
    let (_, needed) = chunks.split_last().unwrap();
    assert!(needed.len() > 1);
    for chunk in needed {
        let damaged = Directory::new(NOW_AND_THEN);
        copy(&directory.left(), &damaged.path());
        fs::remove_file(damaged.path().join("chunks").join(chunk.file_name().unwrap())).unwrap();
        let Err(OpenError::Corrupt(what)) = damaged.try_open() else {
            panic!("{chunk:?} was not missed")
        };
        assert!(what.contains("chunk file is missing") || what.contains(".log"), "{what}");
    }
    drop(directory.try_open().unwrap());
}

#[test]
fn lifetimes_outlive_the_process() {
    for recent_bytes in [0, NEVER] {
        let directory = Directory::new(recent_bytes);
        let (window, fixed) = (key("window"), key("fixed"));
        let rig = directory.rig();
        let end = Timestamp(1_800_000_000_000);
        for (key, expiry) in [(&window, Expiry::Ttl(3600)), (&fixed, Expiry::At(end))] {
            rig.create(key, Birth { expiry, ..make::birth() }).unwrap();
            rig.append(key, make::batch(3, &[30]).unwrap()).unwrap();
        }
        let (before, due) = (rig.live(&window).unwrap(), rig.expiring(u64::MAX, 10).unwrap());
        assert_eq!(due.len(), 2);
        drop(rig);
        for _ in 0..2 {
            let rig = directory.rig();
            assert_eq!(rig.live(&window).unwrap(), before);
            assert_eq!(rig.live(&fixed).unwrap().expiry, Expiry::At(end));
            assert_eq!(rig.expiring(u64::MAX, 10).unwrap(), due);
            drop(rig);
            directory.lose_catalogue();
        }
    }
}

/// A store whose journal has so many units, each an append of the same length; closed as asked.
fn appended(units: usize, recent_bytes: usize) -> (Directory, StreamKey, Vec<u8>) {
    let directory = Directory::new(recent_bytes);
    let stream = key("stream");
    let rig = directory.rig();
    rig.create(&stream, make::birth()).unwrap();
    for unit in 0..units {
        rig.append(&stream, make::batch(unit as u64, &[200]).unwrap()).unwrap();
    }
    let content = rig.content(&stream).unwrap().to_vec();
    drop(rig);
    (directory, stream, content)
}

#[test]
fn everything_in_many_journal_files_is_replayed() {
    let (directory, stream, content) = appended(120, NEVER);
    assert!(directory.files("journal").len() > 6, "{:?}", directory.files("journal"));
    for _ in 0..3 {
        let rig = directory.rig();
        assert!(rig.content(&stream).unwrap() == content);
        assert_eq!(rig.rows(&stream).unwrap().len(), 120);
    }
}

/// The last file of a journal that something was written to, and where the last frame ends in it.
fn end_of_journal(directory: &Directory) -> (PathBuf, usize) {
    let last = |path: &PathBuf| {
        let end = fs::read(path).unwrap().iter().rposition(|byte| *byte != 0)?;
        Some((path.clone(), end + 1))
    };
    directory.files("journal").iter().rev().find_map(last).unwrap()
}

#[test]
fn a_torn_last_group_is_not_shown() {
    for torn in [1, 9, 100, 180] {
        let (directory, stream, content) = appended(30, NEVER);
        let (path, end) = end_of_journal(&directory);
        let mut bytes = fs::read(&path).unwrap();
        bytes[end - torn..end].fill(0);
        fs::write(&path, bytes).unwrap();
        let whole = &content[..content.len() - 200];
        let mut rig = directory.rig();
        assert!(rig.content(&stream).unwrap() == whole, "{torn} bytes torn off");
        rig.append(&stream, make::batch(99, &[40]).unwrap()).unwrap();
        let expected = [whole, &make::pattern(99, 40)].concat();
        for _ in 0..2 {
            rig.reopen().unwrap();
            assert!(rig.content(&stream).unwrap() == expected, "after {torn} bytes torn off");
        }
    }
}

#[test]
fn a_flipped_length_throws_nothing_away() {
    let (directory, stream, content) = appended(30, NEVER);
    let path = directory.files("journal").into_iter().next().unwrap();
    let bytes = fs::read(&path).unwrap();
    // The first four bytes of a frame are its length; frames begin at multiples of eight. With later groups behind them, none of
    // these is taken for the end of the log.
    let second =
        (8..2048).step_by(8).filter(|at| bytes[*at] != 0 && bytes[*at + 1..*at + 4] == [0; 3]);
    let mut refused = 0;
    for at in second {
        for bit in [0, 2, 7, 12, 20, 31] {
            let mut flipped = bytes.clone();
            flipped[at + bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &flipped).unwrap();
            let Err(OpenError::Corrupt(what)) = directory.try_open() else {
                panic!("byte {at}, bit {bit}: not noticed")
            };
            assert!(what.contains(path.to_str().unwrap()), "{what}");
            refused += 1;
        }
    }
    assert!(refused >= 24, "{refused}");
    fs::write(&path, &bytes).unwrap();
    assert!(directory.rig().content(&stream).unwrap() == content);
}

#[test]
fn a_deletion_outlives_crashes_and_the_catalogue() {
    for (before, after) in [(0, 0), (0, NEVER), (NEVER, 0), (NEVER, NEVER), (NOW_AND_THEN, NEVER)] {
        let mut directory = Directory::new(before);
        let (gone, kept) = (key("s/gone"), key("s/kept"));
        let rig = directory.rig();
        for stream in [&gone, &kept] {
            rig.create(stream, make::birth()).unwrap();
            rig.append(stream, make::batch(1, &[500]).unwrap()).unwrap();
        }
        drop(rig);
        directory.options.recent_bytes = after;
        let rig = directory.rig();
        rig.unit([make::removal(&gone, rig.version(&gone).unwrap())]).unwrap();
        drop(rig);
        for round in 0..4 {
            let rig = directory.rig();
            assert_eq!(rig.slot(&gone).unwrap(), Slot::Absent, "{before}, {after}, {round}");
            assert_eq!(rig.space("s", 1 << 20).unwrap().len(), 1);
            assert_eq!(rig.content(&kept).unwrap().len(), 500);
            drop(rig);
            if round % 2 == 0 {
                directory.lose_catalogue();
            }
        }
    }
}
