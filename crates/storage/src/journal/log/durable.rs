//! Up to where the log is durable, and who makes it so.
//!
//! Whoever needs a group to be durable has it synced on a thread of its own, unless somebody else is doing that. What is written
//! meanwhile is not held up, and counts as durable with a later sync: one sync is for what was written before it began. All that
//! is not durable is in one file, because a file is begun only when all before it is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::WriteError;
#[cfg(test)]
use super::planted::{Fault, planted};
use crate::disk::DiskFile;

/// When what was written is made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Before it is acknowledged.
    Always,
    /// Later: a sync begins not more than so long after it was written. What a crash of the operating system, or a loss of power,
    /// takes until then had been acknowledged.
    Within(Duration),
}

/// How far the log is durable.
#[derive(Debug)]
pub(crate) struct Durability {
    // Held for moments, never while the disk is asked; a few times per group and per sync.
    state: Mutex<State>,
    /// Told when something is unsynced again, when a sync ended, and when all ends.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// The last group that is.
    durable: u64,
    /// The last one that was written, and to which file.
    written: u64,
    file: Option<Arc<dyn DiskFile>>,
    /// Bytes that were written and are not in a sync yet, and since when there are any.
    unsynced: u64,
    since: Option<Instant>,
    syncing: bool,
    failed: bool,
    stopped: bool,
}

/// A sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Synced {
    /// How long it took.
    pub(crate) took: Duration,
    /// How long the oldest thing that it was for had not been durable.
    pub(crate) age: Duration,
}

impl Durability {
    /// Everything up to a group is.
    pub(super) fn new(durable: u64) -> Self {
        let state = State {
            durable,
            written: durable,
            file: None,
            unsynced: 0,
            since: None,
            syncing: false,
            failed: false,
            stopped: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The last group that is durable.
    ///
    /// # Errors
    /// [`WriteError::Poisoned`] after a sync failed.
    pub(super) fn group(&self) -> Result<u64, WriteError> {
        let state = self.state.lock();
        if state.failed { Err(WriteError::Poisoned) } else { Ok(state.durable) }
    }

    /// Bytes that may be lost.
    pub(crate) fn unsynced(&self) -> u64 {
        self.state.lock().unsynced
    }

    /// Notes that a group was written.
    pub(super) fn wrote(&self, group: u64, bytes: u64, file: &Arc<dyn DiskFile>) {
        let mut state = self.state.lock();
        state.written = group;
        state.unsynced += bytes;
        if !state.file.as_ref().is_some_and(|known| Arc::ptr_eq(known, file)) {
            state.file = Some(Arc::clone(file));
        }
        if state.since.is_none() {
            state.since = Some(Instant::now());
            self.changed.notify_all();
        }
    }

    /// Returns when everything up to a group is durable, and how that was done if this call did it.
    ///
    /// # Errors
    /// [`WriteError::Failed`] when the sync failed, and [`WriteError::Poisoned`] when an earlier one has: no later sync makes good
    /// for it.
    pub(crate) fn reach(&self, group: u64) -> Result<Option<Synced>, WriteError> {
        let mut state = self.state.lock();
        while state.syncing && !state.failed && state.durable < group {
            self.changed.wait(&mut state);
        }
        if state.failed {
            return Err(WriteError::Poisoned);
        }
        if state.durable >= group {
            return Ok(None);
        }
        state.syncing = true;
        let (file, written, bytes) = (state.file.clone(), state.written, state.unsynced);
        let since = state.since.take();
        drop(state);
        let begun = Instant::now();
        let synced = file.map_or(Ok(()), |file| sync(&*file));
        let mut state = self.state.lock();
        state.syncing = false;
        match synced {
            Ok(()) => {
                state.durable = written;
                state.unsynced = state.unsynced.saturating_sub(bytes);
            }
            Err(_) => state.failed = true,
        }
        drop(state);
        self.changed.notify_all();
        let age = since.map_or(Duration::ZERO, |since| since.elapsed());
        synced.map(|()| Some(Synced { took: begun.elapsed(), age })).map_err(WriteError::Failed)
    }

    /// Makes durable what is written, within so long, until it is [stopped](Self::stop) or a sync failed.
    pub(crate) fn keep(&self, within: Duration, told: impl Fn(Synced)) -> Result<(), WriteError> {
        while let Some(group) = self.wait(within) {
            if let Some(synced) = self.reach(group)? {
                told(synced);
            }
        }
        Ok(())
    }

    /// Waits until something has been unsynced for so long, and says up to which group.
    fn wait(&self, within: Duration) -> Option<u64> {
        let mut state = self.state.lock();
        while !state.stopped && !state.failed {
            match state.since.map(|since| since + within) {
                Some(due) if due <= Instant::now() => return Some(state.written),
                Some(due) => drop(self.changed.wait_until(&mut state, due)),
                None => self.changed.wait(&mut state),
            }
        }
        None
    }

    /// Ends all waiting for something to do.
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }
}

fn sync(file: &dyn DiskFile) -> std::io::Result<()> {
    #[cfg(test)]
    if planted(Fault::SkipsSync) {
        return Ok(());
    }
    file.sync_data()
}
