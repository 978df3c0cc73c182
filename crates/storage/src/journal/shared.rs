//! What the threads that commit, pack and merge tell each other.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::storage::StorageError;
use parking_lot::{Condvar, Mutex};

use super::log::Mark;
use super::merge::Copied;
use crate::local::recent::Recent;

/// What is to be packed.
#[derive(Clone, Debug)]
pub(super) struct Frozen {
    pub(super) layer: Arc<Recent>,
    pub(super) through: Through,
}

/// What the packer does next.
#[derive(Debug)]
pub(super) enum Task {
    /// What is recent becomes a file.
    Pack(Frozen),
    /// A file that was made of others comes to count.
    Merge(Box<Copied>),
}

/// How far the journal is in a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Through {
    /// Where the last group in it ends.
    pub(super) mark: Mark,
    /// The last unit in it.
    pub(super) unit: u64,
    /// The last commit timestamp in it.
    pub(super) at: u64,
}

/// The hand-over.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    // Held for moments, once or twice per round, and once per group to see whether packing failed.
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    frozen: Option<Frozen>,
    failed: Option<StorageError>,
    /// Packing waits for something that may never come, such as room on the disk.
    stalled: bool,
    stopped: bool,
    /// What was merged, until the packer takes it.
    copied: Option<Copied>,
    /// What became of it.
    merged: Option<Result<(), StorageError>>,
    /// How often other files came to count.
    changes: u64,
    /// How far what was committed reaches.
    through: Through,
}

impl Exchange {
    /// Whether something is being packed.
    ///
    /// # Errors
    /// When packing failed: it is not tried again.
    pub(super) fn is_busy(&self) -> Result<bool, StorageError> {
        let state = self.state.lock();
        match &state.failed {
            Some(error) => Err(error.clone()),
            None => Ok(state.frozen.is_some()),
        }
    }

    /// Waits until nothing is being packed, or packing waits itself: then it may take for ever.
    ///
    /// # Errors
    /// As [`is_busy`](Self::is_busy).
    pub(super) fn wait(&self) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| {
            state.frozen.is_some() && state.failed.is_none() && !state.stalled
        });
        state.failed.clone().map_or(Ok(()), Err)
    }

    /// Hands over what is to be packed. Nothing else is.
    pub(super) fn offer(&self, frozen: Frozen) {
        self.state.lock().frozen = Some(frozen);
        self.changed.notify_all();
    }

    /// Waits for something to do; `None` when there will be nothing more. Rounds come first: commits may wait for them.
    pub(super) fn next(&self) -> Option<Task> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| {
            state.frozen.is_none() && state.copied.is_none() && !state.stopped
        });
        if state.stopped {
            return None;
        }
        let pack = state.frozen.clone().map(Task::Pack);
        pack.or_else(|| state.copied.take().map(|copied| Task::Merge(Box::new(copied))))
    }

    /// What became of a merge, if that was said.
    #[cfg(test)]
    pub(super) fn take_merged(&self) -> Option<Result<(), StorageError>> {
        self.state.lock().merged.take()
    }

    /// Says what became of a merge.
    pub(super) fn merged(&self, outcome: Result<(), StorageError>) {
        let mut state = self.state.lock();
        state.merged = Some(outcome);
        self.changed.notify_all();
    }

    /// Hands over what was merged, and waits for what becomes of it; `None` when nobody will do anything about it any more.
    pub(super) fn submit(&self, copied: Copied) -> Option<Result<(), StorageError>> {
        let mut state = self.state.lock();
        (state.copied, state.merged) = (Some(copied), None);
        self.changed.notify_all();
        self.changed.wait_while(&mut state, |state| {
            state.merged.is_none() && !state.stopped && state.failed.is_none()
        });
        state.merged.take()
    }

    /// Waits until other files count than those that were seen; false when there will be none.
    pub(super) fn wait_for_changes(&self, seen: &mut u64) -> bool {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| {
            state.changes == *seen && !state.stopped && state.failed.is_none()
        });
        *seen = state.changes;
        !state.stopped && state.failed.is_none()
    }

    /// Says that other files count now.
    pub(super) fn note_change(&self) {
        self.state.lock().changes += 1;
        self.changed.notify_all();
    }

    /// Says how far what is committed reaches; before anyone is told that it is.
    pub(super) fn reach(&self, through: Through) {
        self.state.lock().through = through;
    }

    /// How far what is committed reaches.
    pub(super) fn through(&self) -> Through {
        self.state.lock().through
    }

    /// Whether all is to end.
    pub(super) fn is_stopped(&self) -> bool {
        let state = self.state.lock();
        state.stopped || state.failed.is_some()
    }

    /// Lets time pass for work that nobody waits for; false when there is nothing more to do.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let mut state = self.state.lock();
        self.changed.wait_while_for(&mut state, |state| !state.stopped, time);
        !state.stopped
    }

    /// Has packing wait before something that failed is tried again, or until it is [resumed](Self::resume); false when it need
    /// not be. Who waits for packing is told.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let mut state = self.state.lock();
        state.stalled = true;
        self.changed.notify_all();
        let waits = |state: &mut State| state.stalled && !state.stopped;
        self.changed.wait_while_for(&mut state, waits, time);
        state.stalled = false;
        !state.stopped
    }

    /// Says that what packing may wait for is there.
    pub(super) fn resume(&self) {
        self.state.lock().stalled = false;
        self.changed.notify_all();
    }

    /// Says that it is packed, and nobody needs it any more.
    pub(super) fn done(&self) {
        self.state.lock().frozen = None;
        self.changed.notify_all();
    }

    /// Says that it cannot be packed.
    pub(super) fn fail(&self, error: StorageError) {
        self.state.lock().failed.get_or_insert(error);
        self.changed.notify_all();
    }

    /// Ends packing, in the middle of a round if need be: it is begun anew at the next start.
    pub(super) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn nobody_waits_for_packing_that_waits_itself_and_it_goes_on_when_it_is_told() {
        let exchange = Arc::new(Exchange::default());
        exchange.offer(Frozen { layer: Arc::default(), through: Through::default() });
        let packer = Arc::clone(&exchange);
        let paused = thread::spawn(move || packer.pause(Duration::from_secs(3600)));
        // Returns when the other one waits, so what it is told then is not missed.
        exchange.wait().unwrap();
        assert!(exchange.is_busy().unwrap());
        exchange.resume();
        assert!(paused.join().unwrap());
        exchange.done();
        exchange.wait().unwrap();
        assert!(!exchange.is_busy().unwrap());
    }

    #[test]
    fn everyone_is_told_that_packing_failed_and_that_it_ends() {
        let exchange = Exchange::default();
        exchange.offer(Frozen { layer: Arc::default(), through: Through::default() });
        exchange.fail(StorageError::Closed);
        assert!(exchange.is_busy().is_err() && exchange.wait().is_err());
        exchange.stop();
        assert!(!exchange.pause(Duration::from_secs(3600)) && exchange.next().is_none());
    }
}
