//! The conformance suite: one check per promise of the contract, named after it.
//!
//! An adapter's test file is a line, or two where several may write:
//!
//! ```
//! use headwater_storage::testkit::Shared;
//!
//! headwater_storage::conformance!(Shared::default());
//! headwater_storage::several_writers!(Shared::default());
//! ```
//!
//! Each check becomes a `#[test]` of its own, on a harness of its own. [`ALL`] and [`SEVERAL`] are the same checks as
//! values, for a test that wants to see them fail. The crash half of *whole or not at all* and *durable when* needs a
//! process to kill, and is tested where there is one.

mod catalogue;
mod floors;
mod forks;
mod handles;
mod loading;
mod model;
mod numbers;
mod order;
mod pages;
mod removal;
mod retention;
mod several;
mod spaces;
mod tables;
mod units;
mod versions;
mod volume;

use std::fmt;

use super::check::{Failure, Verdict};
use super::harness::Harness;
use super::rig::Rig;

/// A check of the suite.
#[derive(Clone, Copy)]
pub struct Check {
    /// The promise, as a name.
    pub name: &'static str,
    run: fn(&mut Rig<'_>) -> Verdict,
}

impl Check {
    /// Runs the check on fresh data, and closes it.
    ///
    /// # Errors
    /// What was promised and not kept.
    pub fn run(&self, harness: &dyn Harness) -> Verdict {
        let mut rig = Rig::open(harness)?;
        (self.run)(&mut rig).map_err(|failure| failure.during(self.name))?;
        rig.close()
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Runs a check by its name.
///
/// # Errors
/// What was promised and not kept, or that there is no such check.
pub fn run(name: &str, harness: &dyn Harness) -> Verdict {
    let check = ALL.iter().chain(SEVERAL).find(|check| check.name == name);
    check.ok_or_else(|| Failure::new(format!("there is no check {name:?}")))?.run(harness)
}

/// Makes a list of checks, and a macro that makes a test of each of them. `$` is handed in, because the inner macro's
/// own parameters need one.
macro_rules! checks {
    ($d:tt $(#[$doc:meta])* $list:ident $tests:ident: $($room:ident: $($name:ident)*;)*) => {
        $(#[$doc])*
        pub const $list: &[Check] =
            &[$($(Check { name: stringify!($name), run: $room::$name }),*),*];

        $(#[$doc])*
        ///
        /// Makes a `#[test]` of each check. The expression makes a harness with fresh data, once per test.
        #[macro_export]
        macro_rules! $tests {
            ($d harness:expr) => {
                $($(
                    #[test]
                    fn $name() -> ::std::result::Result<(), $crate::testkit::Failure> {
                        $crate::testkit::conformance::run(stringify!($name), &$d harness)
                    }
                )*)*
            };
        }
    };
}

checks! { $
    /// What every adapter promises.
    ALL conformance:
    units: a_unit_changes_all_its_streams a_conflict_leaves_no_trace a_reader_never_sees_half_a_unit
        a_unit_that_fits_no_version_is_a_conflict;
    versions: only_the_present_version_commits absence_is_a_version a_recreated_stream_is_another_one
        a_unit_may_follow_an_earlier_one_of_its_group a_unit_falls_with_the_one_it_follows an_empty_group_is_reported
        a_group_that_commits_nothing_does_no_harm;
    numbers: numbers_grow numbers_are_never_used_again the_number_is_the_lineage;
    order: records_of_a_space_are_numbered spaces_are_apart space_sequences_are_never_used_again time_never_goes_back
        stamps_are_what_is_stored;
    loading: a_birth_is_kept_in_full updates_are_kept_in_full producers_have_a_row_each a_row_commits_with_its_data;
    pages: every_range_reads_exactly_its_bytes large_records_read_exactly streams_do_not_mix
        an_empty_range_is_an_empty_page committed_is_readable;
    tables: a_page_tells_about_all_records_it_touches empty_records_are_kept metadata_comes_back
        a_batch_of_many_records_keeps_every_row;
    forks: forks_read_their_ancestors a_soft_deleted_stream_serves_its_forks forks_let_go_one_by_one;
    floors: a_floor_is_kept_in_full what_is_left_reads_exactly forks_keep_what_their_source_gives_up
        a_space_shows_only_what_is_left;
    retention: a_policy_is_kept_in_full streams_with_too_much_are_listed;
    removal: a_removed_stream_is_gone_everywhere a_new_stream_inherits_nothing_from_its_name
        a_reader_of_a_removed_stream_is_not_misled;
    catalogue: names_are_listed_in_byte_order a_listing_shows_durable_state streams_expire_in_order;
    spaces: a_space_reads_the_same_in_any_pages a_page_of_a_space_makes_progress
        a_reader_of_a_space_continues_where_it_was removed_streams_leave_the_space;
    handles: only_present_versions_are_confirmed a_callback_may_commit nobody_waits_for_a_callback
        a_closed_handle_refuses closing_releases_the_data a_second_group_is_queued_behind_the_first;
    volume: a_record_of_sixteen_mebibytes ten_thousand_streams a_random_history_matches_a_model;
}

checks! { $
    /// What adapters with several writers promise besides.
    SEVERAL several_writers:
    several: one_of_two_writers_wins no_commit_is_lost_between_writers a_foreign_commit_is_seen_and_told
        an_own_commit_shows_all_before_it a_version_is_confirmed_by_the_authority all_writers_share_one_order;
}
