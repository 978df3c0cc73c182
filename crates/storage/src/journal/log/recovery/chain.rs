//! Which files the log is in, and where each of them ends.

use std::sync::Arc;

use bytes::Bytes;

use super::super::frame::{BEGIN, Begin, Stretch};
#[cfg(test)]
use super::super::planted::{Fault, planted};
use super::super::{Files, Flaw, Mark, Place, ReadError, Run};
use crate::disk::DiskFile;
#[cfg(test)]
use crate::journal::planted as adapter;

/// The files of the log, from the place on from which it is read.
#[derive(Debug)]
pub(super) struct Chain {
    /// The files that are read, in order.
    pub(super) parts: Vec<Part>,
    /// The first file behind them, if it has no whole first frame, and what is wrong with that.
    pub(super) next: Option<(u64, Flaw)>,
    /// Generations in front of the place; from there on.
    pub(super) old: Vec<u64>,
    pub(super) live: Vec<u64>,
}

/// The part of a file that is read.
#[derive(Debug)]
pub(super) struct Part {
    file: Arc<dyn DiskFile>,
    size: u64,
    pub(super) from: Place,
    /// The run that wrote the file, where it is read from the middle.
    pub(super) run: Option<Run>,
    /// Where the log ends in it, where that is known.
    pub(super) until: Option<Mark>,
    /// What is wrong if it does not end so.
    pub(super) broken: Flaw,
}

/// A file and its first frame.
struct First {
    generation: u64,
    file: Arc<dyn DiskFile>,
    size: u64,
    begin: Result<Begin, Flaw>,
}

impl Chain {
    /// Looks at the first frames of the files.
    pub(super) fn survey(
        files: &Files,
        from: Mark,
        sealed: Option<Mark>,
    ) -> Result<Self, ReadError> {
        let all = files.list()?;
        let (old, live): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|generation| *generation < from.place.generation);
        let corrupt = |generation, flaw| corrupt(files, generation, 0, flaw);
        let first = from.place.generation.max(1);
        let sealed_at = sealed.map(|sealed| sealed.place.generation);
        if sealed.is_some_and(|end| end.place < from.place || end.group < from.group) {
            return Err(corrupt(first, Flaw::Sealed));
        }
        let needed = sealed_at.or(live.last().copied()).unwrap_or(0).max(from.place.generation);
        let there = live.iter().zip(first..).take_while(|(found, next)| *found == next).count();
        if let Some(missing) = first.checked_add(there as u64).filter(|next| *next <= needed) {
            return Err(corrupt(missing, Flaw::Missing));
        }
        let mut firsts = live.iter().take_while(|live| sealed_at.is_none_or(|end| **live <= end));
        let mut firsts: Vec<First> =
            firsts.by_ref().map(|live| First::read(files, *live)).collect::<Result<_, _>>()?;
        let last = firsts.iter().rposition(|first| {
            first.begin.is_ok()
                || first.generation == from.place.generation
                || Some(first.generation) == sealed_at
        });
        let next = firsts.split_off(last.map_or(0, |last| last + 1)).into_iter().next();
        let next = next.and_then(|next| Some((next.generation, next.begin.err()?)));
        let parts = link(files, firsts, from, sealed)?;
        Ok(Self { parts, next, old, live })
    }
}

/// Whether the log goes on behind a place where a seal says that it ended. Then the seal was removed, because nothing is written
/// before that; but the removal did not last, because its sync had failed when the log was opened first.
pub(in crate::journal::log) fn goes_on(
    files: &Files,
    from: Mark,
    sealed: Mark,
) -> Result<bool, ReadError> {
    #[cfg(test)]
    if adapter::planted(adapter::Fault::TrustsSeals) {
        return Ok(false);
    }
    // What is read from behind the seal was written behind it.
    if sealed.place < from.place {
        return Ok(true);
    }
    let next = sealed.place.generation.saturating_add(1);
    if !files.list()?.contains(&next) {
        return Ok(false);
    }
    match First::read(files, next) {
        Ok(first) => Ok(first.begin.is_ok_and(|begin| begin.after == sealed)),
        // A spare that is damaged is not used.
        Err(ReadError::Corrupt { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Finds where each file ends in what the next one says, from the last one to the first.
fn link(
    files: &Files,
    firsts: Vec<First>,
    from: Mark,
    sealed: Option<Mark>,
) -> Result<Vec<Part>, ReadError> {
    let corrupt = |generation, flaw| corrupt(files, generation, 0, flaw);
    let mut parts = Vec::with_capacity(firsts.len());
    let (mut until, mut broken) = (sealed, Flaw::Sealed);
    for First { generation, file, size, begin } in firsts.into_iter().rev() {
        let continued = generation == from.place.generation && from.place.offset > 0;
        let place = Place { generation, offset: if continued { from.place.offset } else { 0 } };
        if until.is_some_and(|until| until.place.generation != generation || until.place < place) {
            return Err(corrupt(generation + 1, Flaw::Continuation));
        }
        let Begin { after, run, .. } = begin.map_err(|flaw| corrupt(generation, flaw))?;
        let run = continued.then_some(run);
        parts.push(Part { file, size, from: place, run, until, broken });
        if continued {
            continue;
        }
        let beginning = generation == from.place.generation.max(1);
        let unwritten = from.place.generation == 0 && after != from;
        if beginning && (unwritten || after.group != from.group) {
            return Err(corrupt(generation, Flaw::Continuation));
        }
        (until, broken) = (Some(after), Flaw::Continuation);
        #[cfg(test)]
        if planted(Fault::IgnoresContinuation) {
            until = None;
        }
    }
    parts.reverse();
    Ok(parts)
}

impl First {
    fn read(files: &Files, generation: u64) -> Result<Self, ReadError> {
        let path = files.describe(generation);
        let file = files.open_to_read(generation)?;
        let size = file.size().map_err(ReadError::io("measure", &path))?;
        if size < BEGIN as u64 {
            // Every file was made with room for this, and was durable so before it had its name.
            let flaw = Flaw::Shortened { capacity: BEGIN as u32 };
            return Err(corrupt(files, generation, size, flaw));
        }
        let bytes = file.read(0, BEGIN).map_err(ReadError::io("read", &path))?;
        let stretch = Stretch { from: Place { generation, offset: 0 }, bytes };
        let begin = stretch.frame(files.identity(), 0).and_then(|frame| Begin::decode(&frame));
        match begin {
            Err(flaw @ Flaw::Version(_)) => Err(corrupt(files, generation, 0, flaw)),
            Ok(Begin { capacity, .. }) if size < u64::from(capacity) => {
                Err(corrupt(files, generation, size, Flaw::Shortened { capacity }))
            }
            begin => Ok(Self { generation, file, size, begin }),
        }
    }
}

impl Part {
    /// Its bytes, in one read. No place lies beyond 4 GiB, and nothing is allocated that the file does not have.
    pub(super) fn read(&self, files: &Files) -> Result<Stretch, ReadError> {
        read(files, &*self.file, self.size, self.from)
    }
}

/// All bytes of a file.
pub(in crate::journal::log) fn read_whole(
    files: &Files,
    generation: u64,
) -> Result<Stretch, ReadError> {
    let file = files.open_to_read(generation)?;
    let size = file.size().map_err(ReadError::io("measure", &files.describe(generation)))?;
    read(files, &*file, size, Place { generation, offset: 0 })
}

fn read(files: &Files, file: &dyn DiskFile, size: u64, from: Place) -> Result<Stretch, ReadError> {
    let offset = u64::from(from.offset);
    let len = size.min(u64::from(u32::MAX)).saturating_sub(offset) as usize;
    if len == 0 {
        // The place may lie beyond the end of a file that was cut, where nothing can be read.
        return Ok(Stretch { from, bytes: Bytes::new() });
    }
    let path = files.describe(from.generation);
    let bytes = file.read(offset, len).map_err(ReadError::io("read", &path))?;
    Ok(Stretch { from, bytes })
}

fn corrupt(files: &Files, generation: u64, offset: u64, flaw: Flaw) -> ReadError {
    ReadError::Corrupt { path: files.describe(generation), offset, flaw, later: None }
}
