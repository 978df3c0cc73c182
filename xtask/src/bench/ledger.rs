//! Which records a reader of one stream saw, against which it had to see.
//!
//! Every writer numbers its records of a stream 0, 1, 2 … and sends the next one only after the answer
//! to the last, so a stream must hold each writer's records once each and in order, whatever the order
//! between writers.

use std::fmt;
use std::ops::{AddAssign, Range};

use serde::Serialize;

use super::payload::Mark;
use super::scanner::Leftovers;

/// Follows one reader of one stream.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By number of the writer.
    tracks: Vec<Track>,
}

#[derive(Clone, Debug, Default)]
struct Track {
    next: u64,
    /// Numbers below `next` that have not been seen, in order.
    holes: Vec<Range<u64>>,
    doubled: u64,
    swapped: u64,
}

/// Everything that was wrong with what a reader saw. All zero means that it saw what was acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Faults {
    /// Acknowledged and never seen.
    pub(crate) missing: u64,
    /// Seen again.
    pub(crate) doubled: u64,
    /// Seen after a later record of the same writer.
    pub(crate) swapped: u64,
    /// Seen and never acknowledged.
    pub(crate) foreign: u64,
    /// Begun and not whole, or altered.
    pub(crate) damaged: u64,
    /// Bytes that belong to no record and should not be there.
    pub(crate) stray: u64,
}

impl Ledger {
    /// Notes the next record.
    pub(crate) fn see(&mut self, mark: Mark) {
        let writer = usize::from(mark.writer);
        if self.tracks.len() <= writer {
            self.tracks.resize(writer + 1, Track::default());
        }
        if let Some(track) = self.tracks.get_mut(writer) {
            track.see(u64::from(mark.seq));
        }
    }

    /// The number of the next record of the first writer, if none is missing.
    pub(crate) fn next_of_first(&self) -> u64 {
        self.tracks.first().map_or(0, |track| track.next)
    }

    /// Compares with what was acknowledged: the number of records for each writer.
    pub(crate) fn finish(mut self, acked: impl IntoIterator<Item = (u16, u64)>) -> Faults {
        let mut faults = Faults::default();
        for (writer, acked) in acked {
            let track = self.tracks.get_mut(usize::from(writer)).map(std::mem::take);
            faults += track.unwrap_or_default().finish(acked);
        }
        for track in self.tracks {
            faults += track.finish(0);
        }
        faults
    }
}

impl Track {
    fn see(&mut self, seq: u64) {
        if seq == self.next {
            self.next += 1;
        } else if seq > self.next {
            self.holes.push(self.next..seq);
            self.next = seq + 1;
        } else if let Some(at) = self.holes.iter().position(|hole| hole.contains(&seq)) {
            let hole = self.holes.remove(at);
            let parts = [hole.start..seq, seq + 1..hole.end];
            self.holes.splice(at..at, parts.into_iter().filter(|part| !part.is_empty()));
            self.swapped += 1;
        } else {
            self.doubled += 1;
        }
    }

    fn finish(self, acked: u64) -> Faults {
        let length = |range: Range<u64>| range.end.saturating_sub(range.start);
        let holes_below = |limit: u64| -> u64 {
            self.holes.iter().map(|hole| length(hole.start..hole.end.min(limit))).sum()
        };
        let holes_above = holes_below(u64::MAX) - holes_below(acked);
        Faults {
            missing: holes_below(acked) + acked.saturating_sub(self.next),
            doubled: self.doubled,
            swapped: self.swapped,
            foreign: self.next.saturating_sub(acked) - holes_above,
            damaged: 0,
            stray: 0,
        }
    }
}

impl Faults {
    /// Whether nothing was wrong.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what a scanner had left over where the stream should hold nothing but records.
    pub(crate) fn add_leftovers(&mut self, leftovers: Leftovers) {
        self.damaged += leftovers.damaged;
        self.stray += leftovers.stray;
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.swapped += other.swapped;
        self.foreign += other.foreign;
        self.damaged += other.damaged;
        self.stray += other.stray;
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { missing, doubled, swapped, foreign, damaged, stray } = self;
        write!(
            f,
            "{missing} missing, {doubled} doubled, {swapped} out of order, {foreign} never acknowledged, \
             {damaged} damaged, {stray} stray bytes"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(seen: &[u32], acked: u64) -> Faults {
        let mut ledger = Ledger::default();
        for &seq in seen {
            ledger.see(Mark { writer: 0, seq, nanos: 0 });
        }
        ledger.finish([(0, acked)])
    }

    #[test]
    fn planted_faults_are_found_and_told_apart() {
        let none = Faults::default();
        for (seen, acked, expected) in [
            (&[][..], 0, none),
            (&[0, 1, 2, 3], 4, none),
            (&[0, 1, 3], 4, Faults { missing: 1, ..none }),
            (&[1, 2, 3], 4, Faults { missing: 1, ..none }),
            (&[0, 1], 4, Faults { missing: 2, ..none }),
            (&[], 4, Faults { missing: 4, ..none }),
            (&[0, 1, 1, 2, 3], 4, Faults { doubled: 1, ..none }),
            (&[0, 1, 2, 3, 3], 4, Faults { doubled: 1, ..none }),
            (&[0, 1, 2, 3, 0], 4, Faults { doubled: 1, ..none }),
            (&[0, 2, 1, 3], 4, Faults { swapped: 1, ..none }),
            (&[3, 0, 1, 2], 4, Faults { swapped: 3, ..none }),
            (&[0, 3, 2, 2, 1], 4, Faults { swapped: 2, doubled: 1, ..none }),
            (&[0, 1, 2, 3, 4], 4, Faults { foreign: 1, ..none }),
            (&[0, 1, 2, 3, 900], 4, Faults { foreign: 1, ..none }),
            (&[0, 900, 1, 2], 4, Faults { foreign: 1, missing: 1, swapped: 2, ..none }),
            (&[0, u32::MAX], 2, Faults { foreign: 1, missing: 1, ..none }),
        ] {
            assert_eq!(faults(seen, acked), expected, "{seen:?} of {acked}");
        }
    }

    #[test]
    fn writers_are_kept_apart() {
        let mut ledger = Ledger::default();
        for (writer, seq) in [(1, 0), (0, 0), (1, 1), (2, 0), (0, 1), (0, 1)] {
            ledger.see(Mark { writer, seq, nanos: 0 });
        }
        let faults = ledger.finish([(0, 2), (1, 3), (5, 4)]);
        let expected = Faults { missing: 1 + 4, doubled: 1, foreign: 1, ..Faults::default() };
        assert_eq!(faults, expected);
    }
}
