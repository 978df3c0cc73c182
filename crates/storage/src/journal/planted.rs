//! Faults that tests plant, one at a time, to show that they would be noticed.

use std::cell::Cell;

/// Something that keeps the adapter right, left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Journal files are given back before the chunk file of their round is written.
    ReleasesEarly,
    /// What the journal does not have durably is packed.
    PacksUnsynced,
    /// Streams that may have lost bytes go on in the lineage that they had.
    KeepsLineages,
    /// Numbers of units that may have been given are given again.
    KeepsNumbers,
    /// A chunk file gets its name before its bytes are synced.
    SkipsChunkSync,
    /// A chunk file counts before its name is durable.
    SkipsNameSync,
    /// What an earlier run named is not made durable at the opening.
    SkipsNameSyncAtOpening,
    /// A chunk file keeps a name whose sync failed.
    KeepsUncertainNames,
    /// The log's last group is not written again at an opening.
    SkipsRewriting,
    /// A seal is believed though the log went on behind it.
    TrustsSeals,
    /// The catalogue hears of the edition before it has its rows.
    EditionFirst,
    /// Rows go to the catalogue, and are synced, before their file is there.
    RowsFirst,
    /// The frozen layer is forgotten before its rows are in the catalogue.
    ForgetsEarly,
    /// What a catalogue adds up to is not compared with what the newest file says.
    IgnoresLedger,
    /// States that a round replaces stay in what the catalogue is to add up to.
    KeepsReplaced,
    /// Fork points are not in the file.
    SkipsPins,
    /// Producers are not in the file.
    SkipsProducers,
    /// Deadlines that passed away stay.
    KeepsDeadlines,
    /// What a stream gives up goes although forks need it.
    IgnoresForks,
    /// A trim deletes the block that holds the floor, too.
    TrimsTooMuch,
}

thread_local! {
    // Tests run side by side, each on a thread of its own, and what they start inherits it.
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Whether a fault is planted on this thread.
pub(super) fn planted(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}

/// Runs something with a fault.
pub(super) fn with<T>(fault: Fault, run: impl FnOnce() -> T) -> T {
    set(Some(fault), run)
}

/// The same work for another thread, with the fault of this one.
pub(super) fn along<T>(run: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let fault = PLANTED.get();
    move || set(fault, run)
}

fn set<T>(fault: Option<Fault>, run: impl FnOnce() -> T) -> T {
    struct Restore(Option<Fault>);
    impl Drop for Restore {
        fn drop(&mut self) {
            PLANTED.set(self.0);
        }
    }
    let _restore = Restore(PLANTED.replace(fault));
    run()
}
