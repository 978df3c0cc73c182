//! Faults on demand: which calls fail, fall short, or are held.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::thread;

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

/// A call that fails: the one after so many others of its kind, of all threads or of those with a name.
#[derive(Debug)]
struct Planned {
    call: Call,
    thread: Option<String>,
    passing: u64,
}

impl Planned {
    fn is_about(&self, call: Call) -> bool {
        let asked = |name: &str| thread::current().name() == Some(name);
        self.call == call && self.thread.as_deref().is_none_or(asked)
    }
}

#[derive(Debug)]
pub(super) struct Plan {
    calls: BTreeMap<Call, u64>,
    failing: Vec<Planned>,
    /// How many calls failed as planned.
    failed: u64,
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
            failed: 0,
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
        *self.calls.entry(call).or_default() += 1;
        let before = self.failing.len();
        self.failing.retain_mut(|planned| {
            let now = planned.is_about(call);
            let fails = now && planned.passing == 0;
            planned.passing -= u64::from(now && !fails);
            !fails
        });
        if self.failing.len() == before {
            return Fate::Good;
        }
        self.failed += 1;
        Fate::Fails
    }

    pub(super) fn counted(&self, call: Call) -> u64 {
        self.calls.get(&call).copied().unwrap_or(0)
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    pub(super) fn fail_after(&mut self, thread: Option<&str>, call: Call, passing: u64) {
        self.failing.push(Planned { call, thread: thread.map(str::to_owned), passing });
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
