//! What one handle has seen of a shared store, and when it sees more.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use headwater_core::change::Unit;
use headwater_core::storage::{Confirmation, Stamp, StorageError, Watcher};
use headwater_core::{StreamKey, Timestamp, Version};
use parking_lot::{Mutex, RwLock};

use super::replica::Replica;
use super::shared::Head;

/// How far a handle may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Horizon {
    /// Everything that is committed.
    Open,
    /// So many units of the log.
    At(u64),
}

/// One handle's view of a shared store.
pub(super) struct Follower {
    head: Arc<Head>,
    // Read by pages side by side, written by whichever thread brings new units.
    seen: RwLock<Seen>,
    // A mutex, for a glance or a change; the head's may be taken inside it, nothing else.
    horizon: Mutex<Horizon>,
    // A mutex, for a glance; the watcher is called on a clone, outside.
    watcher: Mutex<Option<Arc<dyn Watcher>>>,
}

struct Seen {
    replica: Replica,
    units: u64,
}

impl Follower {
    /// One that has seen the first `units` of the log, which made `replica`.
    pub(super) fn new(head: Arc<Head>, replica: Replica, units: u64) -> Self {
        Self {
            head,
            seen: RwLock::new(Seen { replica, units }),
            horizon: Mutex::new(Horizon::Open),
            watcher: Mutex::new(None),
        }
    }

    pub(super) fn watch(&self, watcher: Arc<dyn Watcher>) {
        *self.watcher.lock() = Some(watcher);
    }

    pub(super) fn confirm(&self, relies_on: &[(StreamKey, Version)]) -> Confirmation {
        self.head.confirm(relies_on)
    }

    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Replica) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        look(&self.seen.read().replica)
    }

    /// How many units of the log this handle shows.
    pub(super) fn seen(&self) -> u64 {
        self.seen.read().units
    }

    /// Commits a group, after which this handle shows everything up to its last committed unit.
    pub(super) fn commit(&self, group: &[Unit], now: Timestamp) -> Vec<Option<Stamp>> {
        let (stamps, committed) = self.head.commit(group, now);
        if stamps.iter().any(Option::is_some) {
            self.raise(committed);
            let own = stamps.iter().flatten().map(|stamp| stamp.unit.0).collect();
            self.catch_up(&own);
            for other in self.head.followers() {
                if !std::ptr::eq(&*other, self) {
                    other.catch_up(&BTreeSet::new());
                }
            }
            self.head.trim();
        }
        stamps
    }

    /// Shows no more foreign units from now on.
    pub(super) fn hold_back(&self) {
        let seen = self.seen();
        let mut horizon = self.horizon.lock();
        if *horizon == Horizon::Open {
            *horizon = Horizon::At(seen);
        }
    }

    /// Shows up to `units` more, and returns how many that were.
    pub(super) fn reveal(&self, units: u64) -> u64 {
        let before = self.seen();
        let target = before.saturating_add(units).min(self.head.committed());
        self.raise(target);
        self.catch_up(&BTreeSet::new());
        self.head.trim();
        target - before
    }

    /// Shows everything, now and from now on.
    pub(super) fn follow(&self) {
        *self.horizon.lock() = Horizon::Open;
        self.catch_up(&BTreeSet::new());
        self.head.trim();
    }

    /// How many committed units this handle does not show.
    pub(super) fn hidden(&self) -> u64 {
        let seen = self.seen();
        self.head.committed().saturating_sub(seen)
    }

    fn raise(&self, units: u64) {
        let mut horizon = self.horizon.lock();
        if let Horizon::At(at) = *horizon {
            *horizon = Horizon::At(at.max(units));
        }
    }

    /// How much of the log may be shown at this moment.
    fn visible(&self) -> u64 {
        // Held while the head is asked: otherwise a unit that is committed after `hold_back` could slip through.
        let horizon = self.horizon.lock();
        match *horizon {
            Horizon::Open => self.head.committed(),
            Horizon::At(units) => units,
        }
    }

    /// Applies the log up to the horizon, and tells the watcher about all but the units that are this handle's `own`.
    fn catch_up(&self, own: &BTreeSet<u64>) {
        let to = self.visible();
        let (first, units) = self.head.units(self.seen(), to);
        {
            let mut seen = self.seen.write();
            // Another thread may have applied some of them since: the log is the same for both.
            let known = seen.units.saturating_sub(first) as usize;
            for committed in units.iter().skip(known) {
                seen.replica.apply(&committed.unit, &committed.stamp);
                seen.units += 1;
            }
        }
        let mut changed = BTreeSet::new();
        for committed in &units {
            if !own.contains(&committed.stamp.unit.0) {
                changed.extend(committed.unit.changes.iter().map(|change| &change.key));
            }
        }
        let watcher = self.watcher.lock().clone();
        if let Some(watcher) = watcher {
            changed.into_iter().for_each(|key| watcher.changed(key));
        }
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seen, horizon) = (self.seen(), *self.horizon.lock());
        f.debug_struct("Follower")
            .field("seen", &seen)
            .field("horizon", &horizon)
            .finish_non_exhaustive()
    }
}
