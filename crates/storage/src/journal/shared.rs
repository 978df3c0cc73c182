//! What the threads that commit, pack and merge tell each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headwater_core::storage::StorageError;
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::log::Mark;
use super::merge::{Copied, Load, Rounds};
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
    /// How long nothing must be packed until there is no load any more.
    quiet: Duration,
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
    /// What was packed.
    rounds: Rounds,
    /// How far what was committed reaches.
    through: Through,
}

impl State {
    fn has_ended(&self) -> bool {
        self.stopped || self.failed.is_some()
    }

    /// Packing that waits itself is no load: it may wait for the room that merging makes.
    fn is_packing(&self) -> bool {
        self.frozen.is_some() && !self.stalled
    }

    fn load(&self, quiet: Duration) -> Load {
        let still = self.rounds.until(quiet, Instant::now()).is_zero();
        if still && !self.is_packing() { Load::Quiet } else { Load::Busy }
    }
}

impl Exchange {
    /// There is load until nothing was packed for so long.
    pub(super) fn quiet_after(quiet: Duration) -> Self {
        Self { quiet, ..Self::default() }
    }

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

    /// Waits until other files count than those that were seen, or there is no load where there was; false when there will be
    /// neither. What is seen then comes back.
    pub(super) fn wait_for_changes(&self, (seen, load): &mut (u64, Load)) -> bool {
        let mut state = self.state.lock();
        let is_same = |state: &State| state.changes == *seen && !state.has_ended();
        while is_same(&state) && (*load == Load::Quiet || state.load(self.quiet) == Load::Busy) {
            match *load {
                Load::Quiet => self.changed.wait(&mut state),
                Load::Busy => self.wait_for_quiet(&mut state),
            }
        }
        (*seen, *load) = (state.changes, state.load(self.quiet));
        !state.has_ended()
    }

    /// Waits until there may be no load, or something else has changed.
    fn wait_for_quiet(&self, state: &mut MutexGuard<'_, State>) {
        if state.is_packing() {
            self.changed.wait(state);
        } else {
            let time = state.rounds.until(self.quiet, Instant::now());
            self.changed.wait_for(state, time);
        }
    }

    /// Whether there is load, and what the rounds came to.
    pub(super) fn load(&self) -> (Load, Rounds) {
        let state = self.state.lock();
        (state.load(self.quiet), state.rounds)
    }

    /// Waits until a merge that was begun with these rounds, and has written so much, may go on; false when it is to end.
    pub(super) fn wait_to_write(&self, begun: &Rounds, written: u64) -> bool {
        let mut state = self.state.lock();
        while !state.has_ended()
            && written > state.rounds.allow(begun)
            && state.load(self.quiet) == Load::Busy
        {
            self.wait_for_quiet(&mut state);
        }
        !state.has_ended()
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
        self.state.lock().has_ended()
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

    /// Says that it is packed, into so many bytes, and nobody needs it any more.
    pub(super) fn done(&self, bytes: u64) {
        let mut state = self.state.lock();
        state.frozen = None;
        state.rounds.add(bytes, Instant::now());
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
    use std::sync::atomic::{AtomicBool, Ordering};
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
        exchange.done(1);
        exchange.wait().unwrap();
        assert!(!exchange.is_busy().unwrap());
    }

    #[test]
    fn under_load_a_merge_writes_what_rounds_let_it_and_goes_on_when_they_end() {
        let exchange = Arc::new(Exchange::quiet_after(Duration::from_secs(3600)));
        assert_eq!(exchange.load().0, Load::Quiet, "nothing was packed");
        exchange.done(1);
        let (load, begun) = exchange.load();
        assert_eq!(load, Load::Busy);
        let little = begun.allow(&begun);
        assert!(exchange.wait_to_write(&begun, little), "what is little is not held up");
        let packed = Arc::new(AtomicBool::new(false));
        let (merger, told) = (Arc::clone(&exchange), Arc::clone(&packed));
        let waits = thread::spawn(move || {
            let goes_on = merger.wait_to_write(&begun, little + 1);
            (goes_on, told.load(Ordering::SeqCst))
        });
        packed.store(true, Ordering::SeqCst);
        exchange.done(1);
        assert_eq!(waits.join().unwrap(), (true, true), "it has waited for a round");
        // Stalled packing is no load, or merging could not make the room that it waits for.
        let still = Exchange::default();
        still.offer(Frozen { layer: Arc::default(), through: Through::default() });
        assert_eq!(still.load().0, Load::Busy);
        still.state.lock().stalled = true;
        assert!(still.load().0 == Load::Quiet && still.wait_to_write(&begun, u64::MAX));
        exchange.stop();
        assert!(!exchange.wait_to_write(&begun, u64::MAX));
    }

    #[test]
    fn who_waits_for_changes_hears_that_load_has_ended() {
        let exchange = Exchange::quiet_after(Duration::from_millis(30));
        exchange.done(1);
        exchange.note_change();
        let mut seen = (0, Load::Quiet);
        assert!(exchange.wait_for_changes(&mut seen) && seen.0 == 1);
        // Nothing changes any more but that.
        seen.1 = Load::Busy;
        assert!(exchange.wait_for_changes(&mut seen));
        assert_eq!(seen, (1, Load::Quiet));
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
