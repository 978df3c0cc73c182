//! What lies behind the last whole group: a torn group, or the rest of a log that is damaged in front of it.
//!
//! Each frame says which group was durable when it was written. So a whole frame that says so of the next group, or of a later
//! one, shows that the next one is damaged now.

use super::super::frame::{ALIGNMENT, Stretch};
#[cfg(test)]
use super::super::planted::{Fault, planted};
use super::super::{Files, Flaw, Mark, Place, ReadError};
use super::chain::{Chain, read_whole};
use super::{Cut, Tail};

/// How often each byte of a file may be checksummed in a search. Once is the rule; more is needed only where something imitates
/// headers, and without a bound a file full of them would take hours.
const PATIENCE: u64 = 16;

/// What is known of the group behind the last whole one.
#[derive(Debug)]
pub(super) struct Behind {
    /// Its number.
    group: u64,
    /// Where it begins and is damaged, and how, as far as is known.
    suspect: Option<Suspect>,
    /// Where it would have begun, where nothing says that it did.
    blank: (Place, Flaw),
}

#[derive(Debug)]
struct Suspect {
    from: Place,
    bad: Place,
    flaw: Flaw,
    /// Where its last known byte is, in the same file.
    until: u64,
}

impl Behind {
    /// Looks at everything behind the last whole group.
    pub(super) fn look(
        files: &Files,
        chain: &Chain,
        tail: Option<Tail>,
        end: Mark,
    ) -> Result<Option<Cut>, ReadError> {
        let mut behind =
            Self { group: end.group + 1, suspect: None, blank: (end.place, Flaw::Blank) };
        let last = tail.as_ref().map_or(0, |tail| tail.stretch.from.generation);
        if let Some(tail) = tail {
            behind.look_at_tail(files, &tail)?;
        }
        for generation in chain.live.iter().filter(|live| **live > last) {
            let stretch = read_whole(files, *generation)?;
            match chain.next {
                Some((next, flaw)) if next == *generation => {
                    behind.look_at_next(files, &stretch, next, flaw)?;
                }
                // One group is in one file: a crash does not leave anything in a second one.
                _ => behind.refuse(files, stretch.header(0).ok().map(|header| header.place))?,
            }
            let found = behind.search(files, &stretch, 0)?;
            behind.suspect_at(stretch.from, behind.blank.1, found);
        }
        let group = behind.group;
        Ok(behind.suspect.map(|suspect| {
            let bytes = suspect.until.saturating_sub(u64::from(suspect.from.offset));
            Cut { place: suspect.from, bytes: bytes.max(ALIGNMENT as u64), group }
        }))
    }

    /// The file with the last whole group, or with the beginning of the next one.
    fn look_at_tail(&mut self, files: &Files, tail: &Tail) -> Result<(), ReadError> {
        let Tail { stretch, from, bad, flaw } = tail;
        let at = |offset| Place { offset, ..stretch.from };
        let clean = from == bad && stretch.is_end(*from);
        let damaged =
            Suspect { from: at(*from), bad: at(*bad), flaw: *flaw, until: u64::from(*bad) };
        self.blank = (at(*bad), *flaw);
        if !clean {
            self.suspect = Some(damaged);
        }
        self.refuse(files, self.follow(stretch, *bad))?;
        let found = self.search(files, stretch, *bad)?;
        self.suspect_at(at(*from), *flaw, found);
        Ok(())
    }

    /// Frames of the group were found, though its first one left no trace.
    fn suspect_at(&mut self, from: Place, flaw: Flaw, found: Option<u64>) {
        if let (None, Some(until)) = (&self.suspect, found) {
            self.suspect = Some(Suspect { from, bad: from, flaw, until });
        }
    }

    /// The file behind it, whose first frame is not whole. Blank or old content is what a spare has.
    fn look_at_next(
        &mut self,
        files: &Files,
        stretch: &Stretch,
        generation: u64,
        flaw: Flaw,
    ) -> Result<(), ReadError> {
        let place = Place { generation, offset: 0 };
        self.blank = (place, flaw);
        if self.suspect.is_none() && !stretch.is_end(0) && !stretch.is_stale(files.identity(), 0) {
            self.suspect = Some(Suspect { from: place, bad: place, flaw, until: 0 });
        }
        self.refuse(files, self.follow(stretch, 0))
    }

    /// Follows headers from one to the next, though they or the bodies may be damaged, up to that of the group after this one.
    /// A search finds whole frames only; this finds that two groups are damaged, or that nothing here is of this log.
    ///
    /// The numbers are compared exactly, because the end of a torn header may be old content.
    fn follow(&self, stretch: &Stretch, from: u32) -> Option<Place> {
        let mut offset = from;
        loop {
            let header = stretch.header(offset).ok()?;
            if offset > from && header.index == 0 && header.durable() == self.group {
                return Some(header.place);
            }
            if header.group != self.group {
                return None;
            }
            offset = header.end()?;
        }
    }

    /// A header of a later group was found: the group was durable once.
    fn refuse(&self, files: &Files, later: Option<Place>) -> Result<(), ReadError> {
        later.filter(|_| seen()).map_or(Ok(()), |later| Err(self.corrupt(files, later, None)))
    }

    /// Searches for whole frames, and says how far those of the group reach.
    fn search(
        &mut self,
        files: &Files,
        stretch: &Stretch,
        from: u32,
    ) -> Result<Option<u64>, ReadError> {
        let mut patience = PATIENCE * stretch.bytes.len() as u64;
        let mut offset = from - from % ALIGNMENT as u32;
        let mut reach = None;
        while u64::from(offset) < stretch.end() {
            let step = offset.saturating_add(ALIGNMENT as u32);
            let header = stretch.header(offset).ok().filter(|header| header.group >= self.group);
            let Some(header) = header else {
                offset = step;
                continue;
            };
            let Some(left) = patience.checked_sub(u64::from(header.len)) else {
                return Err(self.corrupt(files, header.place, Some(Flaw::Crowded)));
            };
            patience = left;
            match stretch.frame(files.identity(), offset) {
                Ok(_) if header.durable() >= self.group && seen() => {
                    return Err(self.corrupt(files, header.place, None));
                }
                Ok(found) => {
                    reach = Some(u64::from(found.end));
                    offset = found.end;
                }
                Err(_) => offset = step,
            }
        }
        self.extend(stretch.from.generation, reach);
        Ok(reach)
    }

    /// The group reaches at least so far.
    fn extend(&mut self, generation: u64, reach: Option<u64>) {
        if let (Some(suspect), Some(reach)) = (&mut self.suspect, reach)
            && suspect.from.generation == generation
        {
            suspect.until = suspect.until.max(reach);
        }
    }

    /// The error that says so.
    fn corrupt(&self, files: &Files, later: Place, flaw: Option<Flaw>) -> ReadError {
        let known = self.suspect.as_ref().map(|suspect| (suspect.bad, suspect.flaw));
        let (bad, known) = known.unwrap_or(self.blank);
        let path = files.describe(bad.generation);
        let offset = u64::from(bad.offset);
        ReadError::Corrupt { path, offset, flaw: flaw.unwrap_or(known), later: Some(later) }
    }
}

/// Whether later groups count; they always do outside of tests.
fn seen() -> bool {
    #[cfg(test)]
    return !planted(Fault::IgnoresLater);
    #[cfg(not(test))]
    true
}
