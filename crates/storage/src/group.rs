//! The rule of groups: what is based on a unit that fell, falls too.

use std::collections::HashSet;

use headwater_core::StreamKey;
use headwater_core::change::Unit;

/// The streams of the units of a group that were not committed. One value per group.
///
/// A later unit that changes one of them was decided on top of what did not happen. Its versions do not always tell:
/// another writer's commit may have taken the revision that the fallen unit would have had.
#[derive(Debug, Default)]
pub(crate) struct Fallen {
    streams: HashSet<StreamKey>,
}

impl Fallen {
    /// Whether a unit changes one of these streams, and so is a conflict.
    pub(crate) fn takes_along(&self, unit: &Unit) -> bool {
        unit.changes.iter().any(|change| self.streams.contains(&change.key))
    }

    /// Takes note of a unit that was not committed, for whatever reason.
    pub(crate) fn add(&mut self, unit: &Unit) {
        self.streams.extend(unit.changes.iter().map(|change| change.key.clone()));
    }

    /// Tries a unit, unless it has to fall; takes note if it is not committed.
    pub(crate) fn attempt<T>(
        &mut self,
        unit: &Unit,
        commit: impl FnOnce(&Unit) -> Option<T>,
    ) -> Option<T> {
        let committed = if self.takes_along(unit) { None } else { commit(unit) };
        if committed.is_none() {
            self.add(unit);
        }
        committed
    }
}
