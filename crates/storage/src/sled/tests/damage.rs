//! Flipped bits and cut files: never served as good, never a stream that is silently missing, and after a clean stop found before
//! anything is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{Comparison, OpenError};
use super::{Directory, Options, Safeguards, packed_at_once, packed_now_and_then, read_all};
use crate::testkit::Story;
use crate::testkit::sight::{Places, Sight};
use crate::testkit::{Failure, Rig};

/// A store in which some of the story is told, and what can be seen in it.
fn told(options: Options, steps: usize) -> (Directory, Sight) {
    let directory = Directory::new(options);
    let rig = Rig::open(&directory).unwrap();
    let mut story = Story::new(21);
    for _ in 0..steps {
        story.go_on(&rig).unwrap();
    }
    let sight = Story::places().unwrap().look(&rig).unwrap();
    (directory, sight)
}

/// Something done to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip(usize),
    Cut(usize),
}

impl Damage {
    fn inflict(self, path: &Path) {
        let mut content = fs::read(path).unwrap();
        match self {
            Self::Flip(bit) => content[bit / 8] ^= 1 << (bit % 8),
            Self::Cut(len) => content.truncate(len),
        }
        fs::write(path, content).unwrap();
    }
}

/// Damage all over a file: everywhere in a small one, here and there in a large one.
fn damages(len: usize, most: usize) -> impl Iterator<Item = Damage> {
    let step = (len / most).max(1);
    // An odd step in bits, so that all bits of a byte get their turn.
    let flips = (0..len * 8).step_by((step * 8) | 1).map(Damage::Flip);
    let cuts = (0..len).step_by(step * 4).map(Damage::Cut);
    flips.chain(cuts)
}

/// The files of a directory that say something.
fn files(directory: &Path) -> Vec<(PathBuf, usize)> {
    let files = read_all(directory).into_iter();
    files.map(|(name, content)| (name, content.len())).filter(|(_, len)| *len > 0).collect()
}

/// Opens a damaged copy. It is refused, or everything is as it was.
fn opens_right_or_not_at_all(
    damaged: &Directory,
    sight: &Sight,
) -> Result<Option<OpenError>, Failure> {
    match damaged.try_open() {
        Err(error @ OpenError::InUse { .. }) => {
            Err(Failure::new(format!("damage taken for {error}")))
        }
        Err(error) => Ok(Some(error)),
        Ok(storage) => {
            drop(storage);
            let found = Places::look(&Story::places().unwrap(), &Rig::open(damaged)?);
            match found {
                Ok(found) if found == *sight => Ok(None),
                Ok(_) => Err(Failure::new("something else is served")),
                Err(_) => Err(Failure::new("opened, and cannot be read")),
            }
        }
    }
}

#[test]
fn after_a_clean_stop_all_damage_is_found_before_anything_is_changed() {
    let (directory, sight) = told(packed_now_and_then(), 60);
    Rig::open(&directory).unwrap().close().unwrap();
    let mut found = 0;
    for (name, len) in files(&directory.path()) {
        for damage in damages(len, 60) {
            let damaged = directory.image();
            damage.inflict(&damaged.path().join(&name));
            let before = read_all(&damaged.path());
            let refused = opens_right_or_not_at_all(&damaged, &sight);
            let refused =
                refused.unwrap_or_else(|failure| panic!("{name:?}, {damage:?}: {failure}"));
            found += usize::from(refused.is_some());
            let in_database = name.starts_with("sled");
            assert!(refused.is_some() || !in_database, "{name:?}, {damage:?} was not noticed");
            if refused.is_some() {
                assert!(
                    read_all(&damaged.path()) == before,
                    "{name:?}, {damage:?}: something was changed"
                );
            }
        }
    }
    assert!(found > 300, "{found} times refused");
}

/// Without the seal, sled has changed its file before damage is found in it, or damage is not found where sled does not look.
#[derive(Debug)]
struct Unsealed;

impl Safeguards for Unsealed {
    fn compares(&self, what: Comparison) -> bool {
        what != Comparison::Seal
    }
}

#[test]
fn without_the_seal_damage_is_found_too_late() {
    let (directory, _) = told(packed_at_once(), 40);
    Rig::open(&directory).unwrap().close().unwrap();
    let len = directory.file_len() as usize;
    let late = damages(len, 40).filter(|damage| {
        let damaged = Directory { safeguards: Arc::new(Unsealed), ..directory.image() };
        damage.inflict(&damaged.database().join("db"));
        let before = read_all(&damaged.path());
        damaged.try_open().is_ok() || read_all(&damaged.path()) != before
    });
    assert!(late.count() > 0);
}

#[test]
fn after_a_crash_damage_is_found_or_does_no_harm() {
    for options in [packed_now_and_then(), packed_at_once()] {
        // Not closed: there is no seal, and some of it is packed and some not.
        let (directory, sight) = told(options, 60);
        let directory = directory.image();
        let (mut refused, mut harmless) = (0, 0);
        for (name, len) in files(&directory.path()) {
            for damage in damages(len, 120) {
                let damaged = directory.image();
                damage.inflict(&damaged.path().join(&name));
                match opens_right_or_not_at_all(&damaged, &sight) {
                    Ok(Some(_)) => refused += 1,
                    Ok(None) => harmless += 1,
                    Err(failure) => panic!("{name:?}, {damage:?}: {failure}"),
                }
            }
        }
        println!("refused {refused} times, harmless {harmless} times");
        assert!(refused > 50);
    }
}
