//! Merging: chunk files that lie beside each other become one, without what nobody needs any more.
//!
//! - `policy` says which files are worth it, and `pace` how much of it there is while there is load.
//! - `copy` writes the new file, while rounds go on: what of the old ones the catalogue leads to, and what of their rows a
//!   catalogue that is made anew needs. `keep` decides on rows, `order` writes the order of spaces.
//! - `commit` gives the file its name between two rounds, and then leads the catalogue into it (`edit`). Only when that is durable are
//!   the old files removed.
//! - `thread` does it all the time.
//!
//! # What holds
//!
//! 1. A file counts for the rounds in its name, and a catalogue is made anew from all files in the order of their rounds, each of which
//!    sets its rows and deletes what its graves say. So a row may be left out when a later file changes it again, and a
//!    deletion when no older file has what it deletes. Both are seen in the catalogue: what it does not have as it stands in
//!    the file, a later file has changed; and an older file that was written when the catalogue had the deletion
//!    already has nothing left that it concerns.
//! 2. To the catalogue a merge is only news about where blocks and stretches are. What else stands in its rows is older than what the
//!    catalogue has. It is a step in the history of the catalogue like a round, with a number and a sum of its own.
//! 3. Rounds go on while a merge is written. What they delete meanwhile is in the new file, and nothing leads to it: the name of its
//!    lineage is gone, or says how far it is kept. A later merge leaves it out.
//! 4. New rows come first and then those go that they take the place of, in the order of their keys. So at each moment the last row at or
//!    before a place leads to a block that holds it.
//! 5. A range of rounds of which nothing is left is a file with nothing but its ends, until it is merged with its neighbours.

mod commit;
mod copy;
mod edit;
mod keep;
mod order;
mod pace;
mod policy;
#[cfg(test)]
mod tests;
mod thread;

pub(super) use commit::{Merging, commit, enter};
pub(super) use copy::Copied;
pub(super) use edit::lead_into;
pub(super) use pace::{Load, Rounds};
pub(super) use policy::Limits;
pub(super) use thread::Merger;
