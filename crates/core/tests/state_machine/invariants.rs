//! What must hold after every step, one by one. None of them asks the model.

mod content;
mod floors;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use headwater_core::{StreamKey, StreamState, Timestamp, Version};

use crate::answer::Answer;
use crate::namespace::Committed;
use crate::namespace::contents::Contents;
use crate::seen::Snapshot;

/// A step that was made.
pub(crate) struct Step<'a> {
    pub(crate) now: Timestamp,
    pub(crate) before: &'a Snapshot,
    pub(crate) after: &'a Snapshot,
    pub(crate) contents: &'a Contents,
    /// The newest version that ever stood under each key, up to before the step.
    pub(crate) newest: &'a BTreeMap<StreamKey, Version>,
    pub(crate) answer: &'a Answer,
    /// The state that the answer promises.
    pub(crate) promised: Option<&'a Arc<StreamState>>,
    pub(crate) units: &'a [Committed],
    pub(crate) relies_on: &'a [(StreamKey, Version)],
    pub(crate) looked: &'a BTreeSet<StreamKey>,
    pub(crate) key: &'a StreamKey,
}

/// What does not hold.
pub(crate) type Check = Result<(), String>;

type Invariant = (&'static str, fn(&Step<'_>) -> Check);

macro_rules! named {
    ($($module:ident :: $name:ident),* $(,)?) => { &[$((stringify!($name), $module::$name)),*] };
}

const ALL: &[Invariant] = named![
    units::a_refusal_changes_nothing,
    units::a_unit_names_each_stream_once,
    units::a_unit_is_based_on_the_present,
    units::versions_never_repeat_for_a_key,
    units::a_reply_relies_on_the_present_of_all_it_looked_at,
    units::a_commit_is_based_on_all_it_looked_at,
    units::streams_end_by_themselves_only_when_due,
    units::the_promised_state_is_the_committed_one,
    units::producer_state_moves_only_with_its_data,
    content::bytes_at_a_position_never_change,
    content::sequences_are_contiguous,
    content::positions_are_the_sum_of_record_lengths,
    content::what_a_stream_is_never_changes,
    content::closed_is_final,
    content::a_use_is_never_forgotten,
    floors::a_floor_never_falls,
    floors::a_floor_lies_between_records,
    content::fork_counts_are_the_forks_there_are,
    content::nothing_is_kept_that_nobody_needs,
    content::ranges_join_and_grow,
    content::tokens_increase_along_a_stream,
    content::a_json_stream_is_always_an_array,
];

/// The first invariant that is broken, by its name.
pub(crate) fn check(step: &Step<'_>) -> Check {
    for (name, invariant) in ALL {
        invariant(step).map_err(|what| format!("{name}: {what}"))?;
    }
    Ok(())
}

/// The names of all invariants.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// The names of all invariants that are broken.
pub(crate) fn broken(step: &Step<'_>) -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(|(_, invariant)| invariant(step).is_err()).map(|(name, _)| *name)
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(what()) }
}
