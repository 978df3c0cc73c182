//! Child processes that cannot outlive their task.
//!
//! [`Group`] is a process in a group of its own: whatever it starts ends with it. [`tee()`] runs one
//! to its end under a time limit, showing and keeping what it prints; [`Watched`] lets its owner look
//! at the output while it runs. Terminal signals do not reach a foreign group, so [`kill_children_on_signal`] passes them on.

mod group;
mod tee;
mod watched;

pub(crate) use group::{Group, kill_children_on_signal};
pub(crate) use tee::{Echo, Ending, Finished, tee};
pub(crate) use watched::Watched;
