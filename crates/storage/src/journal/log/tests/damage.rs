//! Every byte of a small log altered, and every file cut at every byte.

use super::*;
use crate::journal::log::planted::{self, Fault};

const CAPACITY: u32 = 512;

/// Small groups, groups of several frames, one larger than a file; in recycled and in new files.
const SHAPES: &[&[usize]] =
    &[&[9], &[30, 1], &[200], &[300, 8], &[7], &[520], &[64], &[50; 3], &[1, 2], &[90], &[11]];

/// How the last run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Clean,
    Killed,
}

struct Case {
    disk: FakeDisk,
    stop: Stop,
    from: Mark,
    groups: Vec<Read>,
}

/// A log whose first files were given back and recycled, with spares behind its end.
fn case(stop: Stop) -> Case {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    for group in 1..=8 {
        log.write(&contents(1, group, &[100, 100])).unwrap();
    }
    let from = log.writer.end();
    log.supply.release(from.place.generation).unwrap();
    for shape in SHAPES {
        let group = log.writer.end().group + 1;
        log.write(&contents(1, group, shape)).unwrap();
        log.supply.prepare_one().unwrap();
    }
    if stop == Stop::Clean {
        log.writer.close().unwrap();
    }
    let (groups, recovered) = read(&disk, from).unwrap();
    assert_eq!((groups.len(), recovered.cut), (SHAPES.len(), None));
    assert!(recovered.behind.len() == 2 && recovered.used.len() > 3, "{recovered:?}");
    Case { disk, stop, from, groups }
}

impl Case {
    /// What may come of damage in a file at a byte, from which on nothing can be trusted in it.
    fn check(&self, damaged: &FakeDisk, path: &Path, at: u64) -> Result<Outcome, String> {
        let (groups, recovered) = match read(damaged, self.from) {
            Err(ReadError::Corrupt { path: named, offset, .. }) => {
                // In front of the place from which it is read nothing is looked at.
                let right = named == damaged.describe(path)
                    && offset <= at.max(u64::from(self.from.place.offset));
                return if right {
                    Ok(Outcome::Refused)
                } else {
                    Err(format!("{named:?} {offset}"))
                };
            }
            Err(error) => return Err(error.to_string()),
            Ok(read) => read,
        };
        let whole = groups == self.groups;
        let prefix = self.groups.starts_with(&groups);
        match (self.stop, whole, prefix, recovered.cut) {
            (_, true, ..) => Ok(Outcome::Whole),
            (Stop::Killed, false, true, Some(Cut { group, .. }))
                if groups.len() + 1 == self.groups.len() && group == recovered.end.group + 1 =>
            {
                Ok(Outcome::Cut)
            }
            _ => Err(format!("{} groups and the cut {:?}", groups.len(), recovered.cut)),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Refused,
    Whole,
    Cut,
}

/// How often each outcome came.
fn tally(outcomes: &[Outcome]) -> [usize; 3] {
    [Outcome::Refused, Outcome::Whole, Outcome::Cut]
        .map(|kind| outcomes.iter().filter(|outcome| **outcome == kind).count())
}

fn flip_everything(case: &Case) -> Result<[usize; 3], String> {
    let mut outcomes = Vec::new();
    for (path, size) in case.disk.files() {
        for at in 0..size {
            for mask in [1 << (at % 8), 0xFF] {
                let disk = case.disk.at_rest();
                disk.flip(&path, at, mask).unwrap();
                let outcome = case.check(&disk, &path, at);
                outcomes.push(outcome.map_err(|error| format!("byte {at} of {path:?}: {error}"))?);
            }
        }
    }
    Ok(tally(&outcomes))
}

fn cut_everything(case: &Case) -> Result<[usize; 3], String> {
    let mut outcomes = Vec::new();
    for (path, size) in case.disk.files() {
        let bytes = case.disk.read_all(&path).unwrap();
        for len in 0..size {
            let disk = replaced(&case.disk, &path, &bytes[..len as usize]);
            let outcome = case.check(&disk, &path, len);
            outcomes.push(outcome.map_err(|error| format!("{path:?} cut at {len}: {error}"))?);
        }
    }
    Ok(tally(&outcomes))
}

#[test]
fn altered_bytes_of_a_sealed_log_are_found() {
    let [refused, whole, cut] = flip_everything(&case(Stop::Clean)).unwrap();
    assert!(refused > 2_000 && whole > 2_000 && cut == 0, "{refused} {whole} {cut}");
}

#[test]
fn altered_bytes_of_a_log_without_a_seal_lose_the_last_group_at_most() {
    let [refused, whole, cut] = flip_everything(&case(Stop::Killed)).unwrap();
    assert!(refused > 2_000 && whole > 2_000 && cut > 80, "{refused} {whole} {cut}");
}

#[test]
fn cut_files_of_a_sealed_log_are_found() {
    let [refused, _, cut] = cut_everything(&case(Stop::Clean)).unwrap();
    assert!(refused > 1_500 && cut == 0, "{refused} {cut}");
}

#[test]
fn cut_files_of_a_log_without_a_seal_are_found() {
    let [refused, ..] = cut_everything(&case(Stop::Killed)).unwrap();
    assert!(refused > 1_500, "{refused}");
}

#[test]
fn missing_files_are_found() {
    for stop in [Stop::Clean, Stop::Killed] {
        let case = case(stop);
        let end = case.groups.last().unwrap().0.place.generation;
        let first = case.from.place.generation;
        for generation in first..=end {
            let disk = case.disk.at_rest();
            disk.remove(&path(generation)).unwrap();
            let found = read(&disk, case.from);
            let missing = matches!(&found, Err(ReadError::Corrupt { flaw: Flaw::Missing, path: named, .. })
                if *named == disk.describe(&path(generation)));
            assert!(missing, "{stop:?} {generation}: {found:?}");
        }
    }
}

#[test]
fn damage_would_be_missed_without_a_look_at_what_is_behind() {
    let found = planted::with(Fault::IgnoresLater, || flip_everything(&case(Stop::Killed)));
    assert!(found.is_err(), "{found:?}");
}
