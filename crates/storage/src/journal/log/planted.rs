//! Faults that tests plant, one at a time, to show that they would be noticed.

use std::cell::Cell;

/// Something that keeps the log right, left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Where a file says that the one before it ended does not count.
    IgnoresContinuation,
    /// A frame's group number does not count.
    IgnoresGroup,
    /// A frame's generation is neither compared nor in its checksum.
    IgnoresGeneration,
    /// What was written is not synced.
    SkipsSync,
    /// What lies behind a bad frame is not looked at.
    IgnoresLater,
    /// What an earlier run may have left unsynced is not synced at the opening.
    SkipsSyncAtOpening,
    /// The first group of a run is acknowledged before it is durable, where others may be.
    SkipsFirstSync,
    /// A file is begun though the one before it is not durable.
    SkipsSyncAtSwitch,
    /// A frame says that the group before it is durable, whether it is or not.
    ClaimsDurability,
}

thread_local! {
    // Tests run side by side, each on a thread of its own.
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Whether a fault is planted on this thread.
pub(super) fn planted(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}

/// A value, or what the fault makes of it.
pub(super) fn unless<T>(fault: Fault, value: T, change: impl FnOnce(T) -> T) -> T {
    if planted(fault) { change(value) } else { value }
}

/// Runs something with a fault.
pub(super) fn with<T>(fault: Fault, run: impl FnOnce() -> T) -> T {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            PLANTED.set(None);
        }
    }
    PLANTED.set(Some(fault));
    let _restore = Restore;
    run()
}
