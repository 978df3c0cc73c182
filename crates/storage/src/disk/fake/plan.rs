//! Faults on demand: which calls fail, fall short, or are held.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use rustix::io::Errno;

use super::names::FileId;

/// Room that a disk has unless told otherwise: more than any test fills.
const ROOM: u64 = 1 << 40;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// [`DiskFile::sync_data`](crate::disk::DiskFile::sync_data)
    SyncData,
    /// [`Disk::sync_folder`](crate::disk::Disk::sync_folder)
    SyncFolder,
    /// [`DiskFile::write`](crate::disk::DiskFile::write)
    Write,
    /// [`DiskFile::read`](crate::disk::DiskFile::read)
    Read,
    /// [`Disk::create`](crate::disk::Disk::create)
    Create,
    /// [`Disk::rename`](crate::disk::Disk::rename)
    Rename,
    /// [`Disk::remove`](crate::disk::Disk::remove)
    Remove,
}

/// Whether a call is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Fate {
    Good,
    Fails,
}

impl Fate {
    /// The error of a call that is to fail.
    pub(super) fn check(self) -> io::Result<()> {
        match self {
            Self::Good => Ok(()),
            Self::Fails => Err(Errno::IO.into()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Plan {
    calls: BTreeMap<Call, u64>,
    /// Numbers of the calls that fail.
    failing: Vec<(Call, u64)>,
    /// The kind of call that is held.
    held: Option<Call>,
    /// How many calls wait at the moment.
    pub(super) waiting: usize,
    unreadable: Vec<(FileId, Range<u64>)>,
    /// Bytes that one write takes at most.
    pub(super) longest_write: usize,
    /// Bytes that all files together can take.
    pub(super) room: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            calls: BTreeMap::new(),
            failing: Vec::new(),
            held: None,
            waiting: 0,
            unreadable: Vec::new(),
            longest_write: usize::MAX,
            room: ROOM,
        }
    }
}

impl Plan {
    /// Counts a call, and decides what becomes of it.
    pub(super) fn count(&mut self, call: Call) -> Fate {
        let number = self.calls.entry(call).or_default();
        *number += 1;
        let this = (call, *number);
        if self.failing.contains(&this) { Fate::Fails } else { Fate::Good }
    }

    pub(super) fn counted(&self, call: Call) -> u64 {
        self.calls.get(&call).copied().unwrap_or(0)
    }

    pub(super) fn fail_after(&mut self, call: Call, passing: u64) {
        self.failing.push((call, self.counted(call) + passing + 1));
    }

    pub(super) fn hold(&mut self, call: Option<Call>) {
        self.held = call;
    }

    pub(super) fn holds(&self, call: Call) -> bool {
        self.held == Some(call)
    }

    pub(super) fn break_range(&mut self, file: FileId, range: Range<u64>) {
        self.unreadable.push((file, range));
    }

    pub(super) fn heal(&mut self) {
        self.unreadable.clear();
    }

    /// Fails where a range cannot be read.
    pub(super) fn readable(&self, file: FileId, range: &Range<u64>) -> io::Result<()> {
        let broken = |(other, bad): &(FileId, Range<u64>)| {
            *other == file && bad.start < range.end && range.start < bad.end
        };
        if self.unreadable.iter().any(broken) { Fate::Fails.check() } else { Ok(()) }
    }
}
