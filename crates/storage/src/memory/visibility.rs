//! Late visibility: when a handle on a shared store sees what others committed.
//!
//! A handle always sees its own commits, and so everything that was committed before them.

use super::handle::MemoryStorage;

impl MemoryStorage {
    /// Shows no more foreign commits from now on, until they are revealed. Does nothing where the writer is sole.
    pub fn hold_back(&self) {
        if let Some(follower) = self.follower() {
            follower.hold_back();
        }
    }

    /// Shows up to so many more units, in the order of their commits, and returns how many that were.
    ///
    /// The watcher has been told about them when this returns.
    pub fn reveal(&self, units: u64) -> u64 {
        self.follower().map_or(0, |follower| follower.reveal(units))
    }

    /// Ends [holding back](Self::hold_back): shows everything, now and from now on.
    ///
    /// The watcher has been told about what was hidden when this returns.
    pub fn follow(&self) {
        if let Some(follower) = self.follower() {
            follower.follow();
        }
    }

    /// How many committed units this handle does not show.
    #[must_use]
    pub fn hidden(&self) -> u64 {
        self.follower().map_or(0, |follower| follower.hidden())
    }
}
