//! Which files are merged.
//!
//! *Size* is what a file would have if it were written now: what is live in it, and its rows. A file is *full* from half of what a
//! merged file has at most; full ones are left alone, unless most of what is in them is dead.
//!
//! 1. A file of whose payload, tables and orders more than half is dead is written anew, by itself. While the disk has little room, a
//!    [`SCARCE_PART`] is enough: appends may be refused for want of what somebody just deleted.
//! 2. Files beside each other that are not full are merged when at least `files` of them are there and none has so large a part of
//!    the whole that it would be written again for little: `2 / files`. Or when a full one comes of it. Or when they are many.
//! 3. Rows that later files change again are not seen in a file. When all rows of all files come to more than twice those of
//!    the catalogue, files that are rows to a good part are written anew, the one first that was looked at the longest time ago.
//!
//! While there is load, less is due. Files that are not full are merged when a full one comes of it, or when [`LAZY`] times as many
//! as above are beside each other; and the rows of all files may come to three times those of the catalogue. What is mostly dead is due as ever:
//! less is written for it than comes back.
//!
//! What follows: each time that a byte is merged it ends in a file at least `files / 2` times as large as it was in, until that is full;
//! then once more at most, and never again while half of what is with it lives. With the usual 8 files and 256 MiB, what is
//! packed 12 MiB at a time is written again less than twice, and 4 KiB at a time less than four times (the tests say so). Under load
//! that is once, and four times.
//! Between two full files are less than [`CROWD`] times `files` others; so there are at most so many for each full one, and once more.

use std::ops::Range;

use super::super::room::RESERVE;
use super::pace::Load;

/// Files beside each other that are too many, whatever their sizes: in units of how many are merged at least.
const CROWD: usize = 4;

/// How many times as many files beside each other are merged while there is load. With the usual 8, those of 6 MiB fill one before.
const LAZY: usize = 3;

/// Files that are merged at once, at most: each takes some memory to read ahead.
const MOST_FILES: usize = 32;

/// Which part of a merged file its rows may be at most. Rounds wait while the catalogue is led into a file, which takes about as long
/// as to write all its rows.
const ROWS_PART: u64 = 4;

/// Which part of a merged file is too little to be written anew for.
const LITTLE_PART: u64 = 4096;

/// Bytes that may be written, from which on room is scarce: appends are refused when about half as many are left.
const SCARCE: u64 = RESERVE;

/// Which part of what is live has to be dead, while room is scarce. So many times what comes back is written for it, at most.
const SCARCE_PART: u64 = 16;

/// What bounds merging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) struct Limits {
    /// How many files beside each other are merged; none are, when it is 0.
    pub(in crate::journal) files: usize,
    /// Bytes of a merged file, at most, where it is made of several.
    pub(in crate::journal) most: u64,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    /// Bytes of payload, tables and orders.
    pub(super) data: u64,
    /// Bytes of those that are still needed.
    pub(super) live: u64,
    /// Bytes of its rows.
    pub(super) rows: u64,
    /// The edition as of which it was written.
    pub(super) as_of: u64,
    /// Whether it cannot be merged, because it is damaged.
    pub(super) stuck: bool,
}

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Bytes of the rows of the catalogue.
    pub(super) rows: u64,
    /// The edition of the last round.
    pub(super) latest: u64,
    /// Bytes that may be written.
    pub(super) room: u64,
    pub(super) load: Load,
}

impl Stat {
    fn size(&self) -> u64 {
        self.live.saturating_add(self.rows)
    }

    fn dead(&self) -> u64 {
        self.data.saturating_sub(self.live)
    }
}

/// Some files beside each other, summed up.
#[derive(Clone, Copy, Default)]
struct Sum {
    files: usize,
    size: u64,
    rows: u64,
    largest: u64,
}

impl Sum {
    fn with(self, stat: &Stat) -> Self {
        Self {
            files: self.files + 1,
            size: self.size.saturating_add(stat.size()),
            rows: self.rows.saturating_add(stat.rows),
            largest: self.largest.max(stat.size()),
        }
    }
}

impl Limits {
    fn is_full(&self, size: u64, rows: u64) -> bool {
        size >= self.most / 2 || rows >= self.most / ROWS_PART / 2
    }

    fn fits(&self, sum: &Sum) -> bool {
        sum.files <= MOST_FILES && sum.size <= self.most && sum.rows <= self.most / ROWS_PART
    }

    /// The files that are merged next.
    pub(super) fn choose(&self, files: &[Stat], totals: Totals) -> Option<Range<usize>> {
        if self.files == 0 {
            return None;
        }
        self.mostly_dead(files, totals)
            .or_else(|| self.small(files, totals))
            .or_else(|| self.outdated(files, totals))
    }

    fn mostly_dead(&self, files: &[Stat], totals: Totals) -> Option<Range<usize>> {
        let worth = |stat: &Stat| {
            let live = if totals.room <= SCARCE { stat.live / SCARCE_PART } else { stat.live };
            let much = stat.dead() > live && stat.dead() >= self.most / LITTLE_PART;
            much && !stat.stuck && stat.size() <= totals.room
        };
        let found = files.iter().enumerate().filter(|(_, stat)| worth(stat));
        let (at, _) = found.max_by_key(|(_, stat)| stat.dead())?;
        Some(at..at + 1)
    }

    /// The largest number of files that are worth it, and among those the least bytes.
    fn small(&self, files: &[Stat], totals: Totals) -> Option<Range<usize>> {
        let mut best: Option<(Sum, Range<usize>)> = None;
        let mut at = 0;
        while at < files.len() {
            let small = |stat: &&Stat| !stat.stuck && !self.is_full(stat.size(), stat.rows);
            let run = files.iter().skip(at).take_while(small).count();
            for first in at..at + run {
                let mut sum = Sum::default();
                for (last, stat) in files.iter().enumerate().take(at + run).skip(first) {
                    sum = sum.with(stat);
                    if !self.fits(&sum) || sum.size > totals.room {
                        break;
                    }
                    let better = best
                        .as_ref()
                        .is_none_or(|(other, _)| (sum.files, other.size) > (other.files, sum.size));
                    if better && self.is_worth(&sum, run, totals.load) {
                        best = Some((sum, first..last + 1));
                    }
                }
            }
            at += run + 1;
        }
        best.map(|(_, window)| window)
    }

    fn is_worth(&self, sum: &Sum, beside: usize, load: Load) -> bool {
        let due = load == Load::Quiet || beside >= self.files * LAZY;
        let many = due && sum.files >= self.files.max(2);
        let part = sum.largest.saturating_mul(self.files as u64) / 2;
        let becomes_full = sum.files > 1 && self.is_full(sum.size, sum.rows);
        becomes_full || (many && (part <= sum.size || beside >= self.files * CROWD))
    }

    fn outdated(&self, files: &[Stat], totals: Totals) -> Option<Range<usize>> {
        let rows: u64 = files.iter().map(|stat| stat.rows).sum();
        let little = self.most / LITTLE_PART * 64;
        let times = if totals.load == Load::Quiet { 2 } else { 3 };
        if rows <= totals.rows.saturating_mul(times).saturating_add(little) {
            return None;
        }
        // Nothing that is in a file was changed since, if there was no round since.
        let worth = |stat: &Stat| {
            !stat.stuck && stat.as_of < totals.latest && stat.rows.saturating_mul(4) >= stat.size()
        };
        let found = files.iter().enumerate().filter(|(_, stat)| worth(stat));
        let (first, _) = found.min_by_key(|(_, stat)| stat.as_of)?;
        let mut sum = Sum::default();
        let fits = |stat: &&Stat| {
            let more = sum.with(stat);
            let alone = sum.files == 0 && more.size <= totals.room;
            let fits = worth(stat) && (alone || (self.fits(&more) && more.size <= totals.room));
            sum = if fits { more } else { sum };
            fits
        };
        let count = files.iter().skip(first).take_while(fits).count();
        (count > 0).then_some(first..first + count)
    }
}
