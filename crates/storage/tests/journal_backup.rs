//! Backups of a store that is used, and of one that is not: as of one commit, whole or refused, and never half restored.
#![cfg(feature = "journal")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may")]

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headwater_core::{Lineage, Storage};
use headwater_storage::journal::{
    self, BackupError, Backups, JournalStorage, OpenError, Options, RestoreError,
};
use headwater_storage::testkit::{Harness, Restarts, Rig, Sight, Story};
use tempfile::TempDir;

/// A directory, and what makes backups of the store that was opened last.
struct Directory {
    path: PathBuf,
    backups: Mutex<Option<Backups>>,
}

impl Directory {
    fn at(path: PathBuf) -> Self {
        Self { path, backups: Mutex::default() }
    }

    fn backups(&self) -> Backups {
        self.backups.lock().unwrap().clone().unwrap()
    }
}

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        let mut options = Options::default();
        // Small enough for rounds, merges, and journal files that are used again, every few commands.
        options.recent_bytes = 2_000;
        options.file_bytes = 1_024;
        options.merge_files = 2;
        options.idle = Duration::from_secs(3600);
        let storage = JournalStorage::open(&self.path, options).unwrap();
        *self.backups.lock().unwrap() = Some(storage.backups());
        Arc::new(storage)
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

/// A folder that is removed in the end. In memory, where the system has such a place: nothing here is about syncs.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// What a copy shows: every stream may have gone on elsewhere.
fn copied(mut sight: Sight) -> Sight {
    for (_, slot, ..) in &mut sight.streams {
        *slot = std::mem::take(slot).after_loss(Lineage(u64::MAX));
    }
    sight
}

fn look(path: &Path) -> Sight {
    let directory = Directory::at(path.to_owned());
    Story::places().unwrap().look(&Rig::open(&directory).unwrap()).unwrap()
}

/// The bytes of a backup of a store that was stopped, and what is in it.
fn stopped(root: &Path) -> (Vec<u8>, Sight) {
    let directory = Directory::at(root.join("stopped"));
    let (rig, mut story) = (Rig::open(&directory).unwrap(), Story::brief(7));
    for _ in 0..60 {
        story.go_on(&rig).unwrap();
    }
    let sight = Story::places().unwrap().look(&rig).unwrap();
    rig.close().unwrap();
    drop(rig);
    let frames = journal::backup(&directory.path).unwrap();
    (frames.flat_map(Result::unwrap).collect(), sight)
}

#[test]
fn a_backup_is_of_the_moment_when_it_was_begun_whatever_happens_meanwhile() {
    for seed in 1..=6 {
        let root = folder();
        let directory = Directory::at(root.path().join("data"));
        let (rig, mut story) = (Rig::open(&directory).unwrap(), Story::brief(seed));
        let places = Story::places().unwrap();
        for _ in 0..20 * seed {
            story.go_on(&rig).unwrap();
        }
        let before = places.look(&rig).unwrap();
        let mut bytes = Vec::new();
        let backup = directory.backups().begin().unwrap();
        for frame in backup {
            bytes.extend_from_slice(&frame.unwrap());
            // Much: what is held would be written over otherwise.
            for _ in 0..20 {
                story.go_on(&rig).unwrap();
            }
        }
        let restored = root.path().join("restored");
        let told = journal::restore(&*bytes, &restored).unwrap();
        assert_eq!(told, journal::verify(&*bytes).unwrap());
        assert!(told.unit > 0, "{told:?}");
        for folder in ["journal", "chunks"] {
            let some = fs::read_dir(restored.join(folder)).unwrap().count() > 0;
            assert!(some, "seed {seed}: nothing in {folder}");
        }
        let report = journal::check(&restored).unwrap();
        assert_eq!((report.damage, report.notes), (vec![], vec![]), "seed {seed}");
        assert_eq!(look(&restored), copied(before), "seed {seed}");
        // Life goes on in both.
        let copy = Directory::at(restored);
        let other = Rig::open(&copy).unwrap();
        for _ in 0..30 {
            story.go_on(&rig).unwrap();
        }
        places.look(&other).unwrap();
        other.close().unwrap();
        rig.close().unwrap();
    }
}

#[test]
fn an_empty_store_and_one_that_was_killed() {
    let root = folder();
    let directory = Directory::at(root.path().join("data"));
    let (rig, mut story) = (Rig::open(&directory).unwrap(), Story::brief(3));
    let backup = |to: &str| {
        let bytes: Vec<u8> =
            directory.backups().begin().unwrap().flat_map(Result::unwrap).collect();
        journal::restore(&*bytes, &root.path().join(to)).unwrap();
        look(&root.path().join(to))
    };
    assert_eq!(backup("empty"), copied(Story::places().unwrap().look(&rig).unwrap()));
    for _ in 0..25 {
        story.go_on(&rig).unwrap();
    }
    let before = Story::places().unwrap().look(&rig).unwrap();
    // Not closed: it is left as a crash leaves it.
    drop(rig);
    let backup = journal::backup(&directory.path).unwrap();
    assert!(matches!(
        JournalStorage::open(&directory.path, Options::default()),
        Err(OpenError::InUse { .. })
    ));
    let bytes: Vec<u8> = backup.flat_map(Result::unwrap).collect();
    journal::restore(&*bytes, &root.path().join("killed")).unwrap();
    assert_eq!(look(&root.path().join("killed")), copied(before));
}

#[test]
fn closing_a_store_ends_its_backups() {
    let root = folder();
    let directory = Directory::at(root.path().join("data"));
    let (rig, mut story) = (Rig::open(&directory).unwrap(), Story::brief(5));
    for _ in 0..30 {
        story.go_on(&rig).unwrap();
    }
    let mut backup = directory.backups().begin().unwrap();
    backup.next().unwrap().unwrap();
    rig.close().unwrap();
    drop(rig);
    let rest: Vec<_> = backup.collect();
    let (last, before) = rest.split_last().unwrap();
    assert!(last.is_err() && before.iter().all(Result::is_ok));
    assert!(directory.backups().begin().is_err());
}

#[test]
fn whatever_byte_is_damaged_or_missing_it_is_refused() {
    let root = folder();
    let (bytes, _) = stopped(root.path());
    let (mut damaged, mut named) = (0, 0);
    for at in (0..bytes.len()).step_by(61).chain(0..200) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        match journal::verify(&*bytes).unwrap_err() {
            BackupError::Damaged { at: place, file, .. } => {
                assert!(place <= at as u64, "{place} for {at}");
                damaged += 1;
                named += usize::from(file.is_some());
            }
            // A length that became larger than the rest, and the letters.
            BackupError::Incomplete { .. } => {}
            BackupError::Foreign if at < 8 => {}
            other => panic!("byte {at}: {other}"),
        }
    }
    assert!(damaged > 100 && named * 2 > damaged, "{named} of {damaged}");
    for len in (0..bytes.len()).step_by(97).chain(bytes.len() - 50..bytes.len()) {
        match journal::verify(&bytes[..len]).unwrap_err() {
            BackupError::Incomplete { at } => assert_eq!(at, len as u64),
            other => panic!("{len} bytes: {other}"),
        }
    }
    let longer = [&*bytes, &[0]].concat();
    assert!(matches!(journal::verify(&*longer), Err(BackupError::Damaged { .. })));
}

#[test]
fn what_is_refused_leaves_no_directory_behind_and_what_is_there_stays() {
    let root = folder();
    let (bytes, sight) = stopped(root.path());
    let target = root.path().join("target");
    for at in (20..bytes.len()).step_by(bytes.len() / 12) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        let refused = journal::restore(&*bytes, &target).unwrap_err();
        assert!(matches!(refused, RestoreError::Backup(_)), "{refused}");
        let left = fs::read_dir(&target).map_or(0, Iterator::count);
        assert_eq!(left, 0, "byte {at}");
    }
    // It can be used all the same.
    journal::restore(&*bytes, &target).unwrap();
    match journal::restore(&*bytes, &target).unwrap_err() {
        RestoreError::Occupied { .. } => {}
        other => panic!("{other}"),
    }
    assert_eq!(look(&target), copied(sight));
}

/// Hands out a backup, and copies the directory that is made of it each time before more is read: what a kill would leave.
struct Watched<'w> {
    bytes: &'w [u8],
    from: &'w Path,
    seen: Vec<Vec<(PathBuf, Vec<u8>)>>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.seen.push(contents(self.from));
        self.bytes.read(buffer)
    }
}

fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                contents(&path)
            } else {
                vec![(path.clone(), fs::read(&path).unwrap())]
            }
        })
        .collect()
}

#[test]
fn a_restore_that_is_killed_is_never_taken_for_a_store() {
    let root = folder();
    let (bytes, _) = stopped(root.path());
    let target = root.path().join("target");
    let mut watched = Watched { bytes: &bytes, from: &target, seen: Vec::new() };
    journal::restore(&mut watched, &target).unwrap();
    let mut seen = watched.seen;
    seen.dedup_by_key(|files| files.len());
    assert!(seen.len() > 4, "{}", seen.len());
    for (number, files) in seen.into_iter().enumerate() {
        let killed = root.path().join(format!("killed-{number}"));
        for folder in ["journal", "chunks"] {
            fs::create_dir_all(killed.join(folder)).unwrap();
        }
        for (path, content) in files {
            fs::write(killed.join(path.strip_prefix(&target).unwrap()), content).unwrap();
        }
        let opened = JournalStorage::open(&killed, Options::default());
        assert!(matches!(opened, Err(OpenError::Foreign { .. })), "{number}");
    }
}
