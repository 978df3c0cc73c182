//! What the disk and its open files share.

use std::fmt;
use std::time::Instant;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::op::Op;
use super::plan::{Call, Fate, Plan};
use super::state::State;

/// The directory, its history, and what is to go wrong.
#[derive(Default)]
pub(super) struct Shared {
    /// One for everything, so that the order of the history is the order in which things took effect. Nobody sleeps or
    /// does anything slow while holding it.
    inner: Mutex<Inner>,
    /// Told when calls begin to wait and when they may go on: with `inner`.
    turned: Condvar,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) state: State,
    /// How many entries other histories have that led to the beginning of this one: what is uncertain is known by its number.
    base: u64,
    /// As it was before the history; there is none as long as that is empty.
    start: Option<State>,
    history: Vec<Op>,
    pub(super) plan: Plan,
}

impl Inner {
    /// Place that the next entry of the history gets.
    pub(super) fn now(&self) -> u64 {
        self.base + self.history.len() as u64
    }

    /// Does something, and remembers it.
    pub(super) fn record(&mut self, op: Op) {
        if self.start.is_none() {
            self.start = Some(self.state.clone());
        }
        self.state.apply(self.now(), &op);
        self.history.push(op);
    }

    /// How everything began and after how many entries, and what was done since.
    pub(super) fn history(&self) -> (State, u64, Vec<Op>) {
        (self.start.as_ref().unwrap_or(&self.state).clone(), self.base, self.history.clone())
    }

    /// Bytes that files can still take.
    pub(super) fn free(&self) -> u64 {
        self.plan.room.saturating_sub(self.state.used())
    }
}

impl Shared {
    /// Begins a history, after so many entries of others.
    pub(super) fn new(state: State, base: u64) -> Self {
        Self { inner: Mutex::new(Inner { state, base, ..Inner::default() }), ..Self::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    /// Lets a call in: counts it, and waits while its kind is held. Returns also how long the history was when it came.
    pub(super) fn enter(&self, call: Call) -> (MutexGuard<'_, Inner>, u64, Fate) {
        let mut inner = self.lock();
        let (began, fate) = (inner.now(), inner.plan.count(call));
        if inner.plan.holds(call) {
            inner.plan.waiting += 1;
            self.turned.notify_all();
            self.turned.wait_while(&mut inner, |inner| inner.plan.holds(call));
            inner.plan.waiting -= 1;
        }
        (inner, began, fate)
    }

    pub(super) fn hold(&self, call: Option<Call>) {
        self.lock().plan.hold(call);
        self.turned.notify_all();
    }

    /// Waits until so many calls are held, and says whether they were before the deadline.
    pub(super) fn wait_for(&self, calls: usize, deadline: Instant) -> bool {
        let mut inner = self.lock();
        let fewer = |inner: &mut Inner| inner.plan.waiting < calls;
        !self.turned.wait_while_until(&mut inner, fewer, deadline).timed_out()
    }
}
