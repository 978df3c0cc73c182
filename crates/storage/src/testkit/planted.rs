//! Adapters that break the contract, each in one way: proof that the suite sees it.
//!
//! [`Planted`] lies over the memory adapter, whose answers come at once. [`FAULTS`] says for each [`Fault`] which checks
//! have to fail; together they name every check of the suite, so that there is none that cannot fail.
//!
//! [`Hasty`] and [`Leak`] are for what is built on storage: they lie over a handle whose commits can be held.

mod answers;
mod hasty;
mod leaky;
mod storage;
mod writes;

use std::sync::{Arc, Weak};
use std::time::Duration;

use headwater_core::Storage;
use parking_lot::Mutex;

use super::harness::{Harness, Restarts};
use crate::memory::{MemoryStorage, SharedMemory};
pub use hasty::Hasty;
pub use leaky::{Leak, Showing, Writing};
pub use storage::Planted;

/// A list of faults, and the checks that have to catch each.
macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident: $($check:ident)*;)*) => {
        /// One way to break the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            /// None: the wrapper itself changes nothing.
            Nothing,
            $($(#[$doc])* $fault,)*
        }

        /// Every fault, and the names of checks that fail because of it.
        pub const FAULTS: &[(Fault, &[&str])] =
            &[$((Fault::$fault, &[$(stringify!($check)),*])),*];
    };
}

faults! {
    /// Data is committed without the producer's row.
    DropsProducers: producers_have_a_row_each updates_are_kept_in_full a_random_history_matches_a_model;
    /// Rows are kept, and not found.
    FindsNoRows: a_row_commits_with_its_data;
    /// Every version is taken for the present one.
    IgnoresVersions: only_the_present_version_commits a_recreated_stream_is_another_one a_conflict_leaves_no_trace
        one_of_two_writers_wins;
    /// A unit is tried although one that it follows fell: versions are all that counts.
    ComparesVersionsAlone: a_unit_falls_with_the_one_it_follows;
    /// A creation over a stream is reported as committed.
    ClaimsCreations: absence_is_a_version;
    /// The changes of a unit are committed one by one.
    TearsUnits: a_conflict_leaves_no_trace a_reader_never_sees_half_a_unit;
    /// As above, but only units that are not sound.
    TakesUnsoundUnits: a_unit_that_fits_no_version_is_a_conflict;
    /// A change to a stream that is not there is reported as committed.
    ClaimsChangesOfNothing: a_unit_that_fits_no_version_is_a_conflict;
    /// Only the first change of a unit is committed.
    HalvesUnits: a_unit_changes_all_its_streams;
    /// The units of a group are tried from the last to the first.
    ReversesGroups: a_unit_may_follow_an_earlier_one_of_its_group;
    /// Everything is reported as committed, nothing is.
    CommitsNothing: committed_is_readable;
    /// As above, but only every seventh unit.
    LosesSomeUnits: no_commit_is_lost_between_writers a_random_history_matches_a_model;
    /// The clock is stamped as it is.
    StampsTheClock: time_never_goes_back;
    /// All units have the same number.
    ReusesNumbers: numbers_grow numbers_are_never_used_again the_number_is_the_lineage all_writers_share_one_order;
    /// Other space sequences are reported than are stored.
    ShiftsSpaceSequences: records_of_a_space_are_numbered stamps_are_what_is_stored;
    /// Every first record is reported as the first of its space.
    RestartsSpaces: space_sequences_are_never_used_again;
    /// A space is taken for its parent.
    MergesSpaces: spaces_are_apart;
    /// Spaces have gaps, although the adapter calls itself the sole writer.
    LeavesGaps: spaces_are_apart;
    /// Where a fork came from is not kept.
    LosesOrigins: a_birth_is_kept_in_full;
    /// `Stream-Seq` is not kept.
    LosesStreamSeq: updates_are_kept_in_full;
    /// The ranges that a fork inherits are not kept.
    LosesAncestors: forks_read_their_ancestors;
    /// A page begins one byte too early.
    StartsEarly: every_range_reads_exactly_its_bytes;
    /// The last page of a range is empty.
    EndsShort: every_range_reads_exactly_its_bytes;
    /// Bytes are altered, and served.
    FlipsBits: large_records_read_exactly streams_do_not_mix;
    /// Reading nothing is an error.
    RefusesEmptyRanges: an_empty_range_is_an_empty_page;
    /// Records that a page holds in part are not told about.
    TellsOnlyWholeRecords: a_page_tells_about_all_records_it_touches;
    /// Empty records are not told about.
    LosesEmptyRecords: empty_records_are_kept;
    /// Metadata is not told about.
    LosesMetadata: metadata_comes_back;
    /// Only the first ten thousand records are told about.
    TellsOfTenThousand: a_batch_of_many_records_keeps_every_row;
    /// A soft-deleted stream keeps nothing for its forks.
    ForgetsPins: a_soft_deleted_stream_serves_its_forks forks_let_go_one_by_one;
    /// What is given up is not noted.
    LosesFloors: a_floor_is_kept_in_full a_space_shows_only_what_is_left;
    /// The first byte that is left goes too.
    GivesUpTooMuch: what_is_left_reads_exactly;
    /// What a stream gives up is gone for its forks too.
    GivesUpForForks: forks_keep_what_their_source_gives_up;
    /// Policies of retention are not kept.
    LosesPolicies: a_policy_is_kept_in_full;
    /// What was found out about the oldest record is not kept.
    LosesAges: a_policy_is_kept_in_full streams_with_too_much_are_listed;
    /// Removals are reported, and not done.
    KeepsRemoved: a_removed_stream_is_gone_everywhere a_new_stream_inherits_nothing_from_its_name
        removed_streams_leave_the_space;
    /// The bytes of a removed stream are looked for in the one that has its name now.
    MixesIncarnations: a_reader_of_a_removed_stream_is_not_misled;
    /// Names are listed backwards.
    ReversesListings: names_are_listed_in_byte_order;
    /// Every listing is the default store's.
    IgnoresStores: a_listing_shows_durable_state;
    /// Streams expire a second too early.
    ExpiresEarly: streams_expire_in_order;
    /// Every page of a space says that it is the last.
    EndsSpacesEarly: a_space_reads_the_same_in_any_pages;
    /// An entry that exceeds the budget is never given.
    StopsAtLargeEntries: a_page_of_a_space_makes_progress;
    /// A page of a space does not say where to continue.
    ForgetsPlaces: a_reader_of_a_space_continues_where_it_was;
    /// Every version is confirmed.
    ConfirmsAnything: only_present_versions_are_confirmed a_version_is_confirmed_by_the_authority;
    /// A group that is committed from inside a callback is lost.
    DropsNestedCommits: a_callback_may_commit;
    /// Loads wait until no callback runs.
    WaitsForCallbacks: nobody_waits_for_a_callback;
    /// A second group waits on the caller's thread until the first has been reported.
    WaitsForGroups: a_second_group_is_queued_behind_the_first;
    /// A group without units is not reported.
    DropsEmptyGroups: an_empty_group_is_reported;
    /// Callbacks run on the caller's thread.
    CallsBackInline: an_empty_group_is_reported;
    /// Closing closes nothing.
    StaysOpen: a_closed_handle_refuses;
    /// The data can be opened again only when the old handle is dropped.
    HoldsTheData: closing_releases_the_data;
    /// The data is empty when it is opened again.
    ForgetsOnReopening: numbers_grow updates_are_kept_in_full time_never_goes_back
        a_group_that_commits_nothing_does_no_harm;
    /// Large records are refused.
    RefusesLargeRecords: a_record_of_sixteen_mebibytes;
    /// Streams past the five thousandth are not created.
    LosesLaterStreams: ten_thousand_streams;
    /// The watcher is not told.
    NeverTells: a_foreign_commit_is_seen_and_told;
    /// Streams that others created are not shown.
    HidesForeignStreams: an_own_commit_shows_all_before_it;
}

/// A shared memory store whose handles have a fault.
#[derive(Debug)]
pub struct PlantedHarness {
    fault: Fault,
    shared: Mutex<SharedMemory>,
    last: Mutex<Weak<MemoryStorage>>,
}

impl PlantedHarness {
    /// An empty store.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        let (shared, last) = (Mutex::new(SharedMemory::new()), Mutex::new(Weak::new()));
        Self { fault, shared, last }
    }
}

impl Harness for PlantedHarness {
    fn open(&self) -> Arc<dyn Storage> {
        let mut shared = self.shared.lock();
        let mut last = self.last.lock();
        let held = last.strong_count() > 0;
        if self.fault == Fault::ForgetsOnReopening || (self.fault == Fault::HoldsTheData && held) {
            *shared = SharedMemory::new();
        }
        let memory = Arc::new(shared.attach());
        *last = Arc::downgrade(&memory);
        Arc::new(Planted::over(memory, self.fault))
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }

    /// Some faults make a call wait for ever, and the memory adapter is quick.
    fn patience(&self) -> Duration {
        Duration::from_secs(3)
    }
}
