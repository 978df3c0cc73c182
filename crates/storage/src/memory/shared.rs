//! One store that several handles write, as nodes over a network would.
//!
//! The **head** is the authority: versions are compared there, one group at a time. What it commits goes into a log.
//! Each handle has a replica of its own, which follows the log and may lag behind it; what a handle shows is always the
//! state after some prefix of the log.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};

use headwater_core::change::Unit;
use headwater_core::storage::{Confirmation, Stamp};
use headwater_core::{StreamKey, Timestamp, Version};
use parking_lot::Mutex;

use super::follower::Follower;
use super::handle::MemoryStorage;
use super::replica::{Numbering, Replica};
use crate::group::Fallen;

/// A store in memory that several engines of one process write. Cloning gives another reference to the same store.
///
/// ```
/// use std::sync::mpsc;
/// use headwater_core::{Storage, Timestamp, storage::Writers};
/// use headwater_storage::memory::SharedMemory;
///
/// let shared = SharedMemory::new();
/// let (left, right) = (shared.attach(), shared.attach());
/// assert_eq!(left.writers(), Writers::Several);
///
/// // From now on the right one sees what the left one commits only when it is told to.
/// right.hold_back();
/// let (results, committed) = mpsc::channel();
/// left.commit(Vec::new(), Timestamp(0), Box::new(move |group| results.send(group).unwrap()));
/// assert_eq!(committed.recv().unwrap(), []);
/// assert_eq!((right.hidden(), right.reveal(1)), (0, 0));
/// ```
#[derive(Clone)]
pub struct SharedMemory {
    head: Arc<Head>,
}

/// A unit as it was committed.
pub(super) struct Committed {
    pub(super) unit: Unit,
    pub(super) stamp: Stamp,
}

/// The authority over all handles.
pub(super) struct Head {
    // A mutex, because nearly every use of it writes. It is held for one group, and never while a lock of a handle is
    // being waited for.
    state: Mutex<HeadState>,
}

struct HeadState {
    replica: Replica,
    /// Units that some handle has not seen yet, and how many were dropped from the front because all have.
    log: VecDeque<Arc<Committed>>,
    dropped: u64,
    followers: Vec<Weak<Follower>>,
}

impl SharedMemory {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        let state = HeadState {
            // Gaps in the space order, so that nobody comes to rely on there being none.
            replica: Replica::new(Numbering::Together),
            log: VecDeque::new(),
            dropped: 0,
            followers: Vec::new(),
        };
        Self { head: Arc::new(Head { state: Mutex::new(state) }) }
    }

    /// A handle that has seen everything committed so far, and will see what others commit at once, until it is told to
    /// [hold back](MemoryStorage::hold_back).
    ///
    /// # Panics
    /// When the operating system refuses the handle its thread, as [`std::thread::spawn`] does.
    #[must_use]
    pub fn attach(&self) -> MemoryStorage {
        MemoryStorage::following(self.head.attach())
    }
}

impl Default for SharedMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let committed = self.head.committed();
        f.debug_struct("SharedMemory").field("committed", &committed).finish_non_exhaustive()
    }
}

impl Head {
    fn attach(self: &Arc<Self>) -> Arc<Follower> {
        let mut state = self.state.lock();
        let follower = Follower::new(Arc::clone(self), state.replica.clone(), state.committed());
        let follower = Arc::new(follower);
        state.followers.push(Arc::downgrade(&follower));
        follower
    }

    /// Commits a group. Also returns how many units the log holds after its last committed one.
    pub(super) fn commit(&self, group: &[Unit], now: Timestamp) -> (Vec<Option<Stamp>>, u64) {
        let mut state = self.state.lock();
        let mut fallen = Fallen::default();
        let mut commit = |unit| fallen.attempt(unit, |unit| state.commit(unit, now));
        let stamps = group.iter().map(&mut commit).collect();
        (stamps, state.committed())
    }

    /// Compares with the present.
    pub(super) fn confirm(&self, relies_on: &[(StreamKey, Version)]) -> Confirmation {
        self.state.lock().replica.confirm(relies_on)
    }

    /// How many units were committed so far.
    pub(super) fn committed(&self) -> u64 {
        self.state.lock().committed()
    }

    /// Units of the log from number `from` to number `to`, and the number of the first one: later than `from` where
    /// earlier ones were dropped, which happens only after every handle has seen them.
    pub(super) fn units(&self, from: u64, to: u64) -> (u64, Vec<Arc<Committed>>) {
        let state = self.state.lock();
        let first = from.max(state.dropped);
        let skip = (first - state.dropped) as usize;
        let count = to.saturating_sub(first) as usize;
        (first, state.log.iter().skip(skip).take(count).cloned().collect())
    }

    /// All handles that are still there.
    pub(super) fn followers(&self) -> Vec<Arc<Follower>> {
        self.state.lock().followers.iter().filter_map(Weak::upgrade).collect()
    }

    /// Drops the units that every handle has seen.
    pub(super) fn trim(&self) {
        let seen = self.followers().iter().map(|follower| follower.seen()).min();
        let mut state = self.state.lock();
        state.followers.retain(|follower| follower.strong_count() > 0);
        let seen = seen.unwrap_or_else(|| state.committed());
        while state.dropped < seen && state.log.pop_front().is_some() {
            state.dropped += 1;
        }
    }
}

impl HeadState {
    fn commit(&mut self, unit: &Unit, now: Timestamp) -> Option<Stamp> {
        let stamp = self.replica.commit(unit, now)?;
        let committed = Committed { unit: unit.clone(), stamp: stamp.clone() };
        self.log.push_back(Arc::new(committed));
        Some(stamp)
    }

    fn committed(&self) -> u64 {
        self.dropped + self.log.len() as u64
    }
}
