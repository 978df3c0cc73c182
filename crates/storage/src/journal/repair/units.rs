//! The units that are left in a journal, as far as they follow on what is kept.

use std::collections::HashSet;

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, Slot, StreamKey};

use super::super::index::Index;
use super::super::log::{self, Files, Left};
use super::super::loss;
use super::super::shared::Through;
use super::super::unit::{self, CommittedUnit};
use super::report::Losses;
use crate::local::recent::Committed;
use crate::local::view::View;

/// How far the journal went.
pub(super) struct Replayed {
    pub(super) through: Through,
    /// The last of its files.
    pub(super) generation: u64,
}

impl Replayed {
    /// Makes recent again what follows.
    pub(super) fn of(
        files: &Files,
        view: &View<Index>,
        from: Through,
        losses: &mut Losses,
    ) -> Result<Self, StorageError> {
        let salvaged = log::salvage(files, from.mark)?;
        salvaged.damage.into_iter().for_each(|what| losses.damage(what));
        for what in salvaged.missing {
            losses.units(format!("{what}: what was in it is lost, save what is told otherwise"));
            losses.damage(what);
        }
        salvaged.notes.into_iter().for_each(|what| losses.note(what));
        let (mut through, mut cut) = (from, HashSet::new());
        through.mark.group = salvaged.group;
        for Left { group, floors, frame } in &salvaged.frames {
            let lost_below = loss::lost_below(*floors);
            // Numbers that an opening left out after a loss were never given.
            through.unit = through.unit.max(floors.unit);
            let CommittedUnit { number, at, unit } = unit::decode(frame)?;
            if number <= through.unit {
                continue;
            }
            if number > through.unit + 1 {
                let (first, last) = (through.unit + 1, number - 1);
                losses.units(format!("commits {first} to {last} are lost"));
            }
            (through.unit, through.at) = (number, through.at.max(at));
            let changes = unit.unit.changes.iter().zip(&unit.first);
            let mut befores = Vec::with_capacity(unit.unit.changes.len());
            for (change, first) in changes {
                let before = view.slot(&change.key)?.after_loss(lost_below);
                befores.push((change, *first, before));
            }
            let follows = befores
                .iter()
                .all(|(change, _, before)| before.version() == change.basis && change.fits(before));
            if !follows {
                for (change, _, before) in befores {
                    if cut.insert(change.key.clone()) {
                        cut_off(losses, &change.key, &before, number);
                    }
                }
                continue;
            }
            for (change, first, before) in befores {
                let after = change.apply(&before, Lineage(number));
                let committed =
                    Committed { group: *group, unit: number, at, change, after: &after, first };
                view.recent.write().active.publish(&committed);
            }
        }
        Ok(Self { through, generation: salvaged.generation })
    }
}

fn cut_off(losses: &mut Losses, key: &StreamKey, before: &Slot, number: u64) {
    let what = match before {
        Slot::Absent => format!("it is not there; commit {number} changed it"),
        Slot::Live(state) | Slot::SoftDeleted(state) => format!(
            "it is as it was at position {}, with {} records; commit {number} and what followed it are lost",
            state.tail.position, state.tail.sequence
        ),
    };
    losses.stream(key.clone(), what);
}
