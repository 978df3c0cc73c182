//! Replaying the groups that are not packed: they become recent again.
//!
//! Some of what they say may be packed all the same, stream by stream and space by space. A stream's revision tells whether a
//! change is in its packed state, and a space's last number whether a record is in its packed order.

use std::collections::HashMap;
use std::sync::Arc;

use headwater_core::Lineage;
use headwater_core::change::{Change, Effect, Unit};
use headwater_core::storage::StorageError;

use super::super::chunk;
use super::super::group::{Group, decode_group};
use super::super::pack::Counters;
use super::super::tree::View;
use super::survey::FoundGroup;
use crate::local::recent::{Committed, RecentRun, SpaceName, lineage_of};
use crate::local::row::Row;
use crate::local::rows::Rows;
use crate::local::stored::{GroupUnit, Place, StoredCheckpoint};

/// Replays groups, and returns the last numbers that were given.
pub(super) fn replay(
    view: &View,
    checkpoint: &StoredCheckpoint,
    groups: &[FoundGroup],
) -> Result<Counters, StorageError> {
    let counters = Counters { group: checkpoint.packed, unit: checkpoint.unit, at: checkpoint.at };
    let mut replay = Replay { view, counters, spaces: HashMap::new(), records: HashMap::new() };
    for (number, parts) in groups {
        replay.group(*number, decode_group(*number, parts)?)?;
    }
    Ok(replay.counters)
}

struct Replay<'v> {
    view: &'v View,
    counters: Counters,
    /// The last number in the packed order of each space.
    spaces: HashMap<SpaceName, u64>,
    /// The last sequence in the chunks of each lineage; `None` where the database does not know it.
    records: HashMap<Lineage, Option<u64>>,
}

/// A change of a group, and what it was given.
struct Replayed<'g> {
    group: u64,
    unit: u64,
    at: u64,
    change: &'g Change,
    first: Option<Place>,
}

impl Replay<'_> {
    fn group(&mut self, number: u64, group: Group) -> Result<(), StorageError> {
        if group.first_unit != self.counters.unit + 1 || group.at < self.counters.at {
            return Err(StorageError::Corrupt(format!(
                "group {number} begins with unit {} where {} is expected",
                group.first_unit,
                self.counters.unit + 1
            )));
        }
        let mut unit = group.first_unit;
        for GroupUnit { unit: Unit { changes }, first } in &group.units {
            for (change, first) in changes.iter().zip(first) {
                self.change(&Replayed {
                    group: number,
                    unit,
                    at: group.at,
                    change,
                    first: *first,
                })?;
            }
            unit += 1;
        }
        self.counters = Counters { group: number, unit: unit - 1, at: group.at };
        Ok(())
    }

    fn change(&mut self, replayed: &Replayed<'_>) -> Result<(), StorageError> {
        let change = replayed.change;
        let before = self.view.slot(&change.key)?;
        let lineage = lineage_of(change, replayed.unit);
        let (stands, basis) = (before.version(), change.basis);
        let packed = match &change.effect {
            Effect::Create(_) => lineage.0 <= stands.lineage,
            // Of an incarnation that is gone, or in the packed state already.
            _ => lineage.0 != stands.lineage || basis.revision < stands.revision,
        };
        if !packed && (basis != stands || !change.fits(&before)) {
            return Err(StorageError::Corrupt(format!(
                "group {} changes the stream `{}` at {basis:?}, and it is at {stands:?}",
                replayed.group, change.key
            )));
        }
        let after = change.apply(&before, lineage);
        let committed = Committed {
            group: replayed.group,
            unit: replayed.unit,
            at: replayed.at,
            change,
            after: &after,
            first: replayed.first,
        };
        if !packed {
            self.view.recent.write().active.enter(&committed);
        }
        let Some(run) = committed.run() else { return self.list(lineage) };
        let run = Arc::new(run);
        if !packed && self.packed_records(lineage)?.is_none_or(|last| run.head.sequence > last) {
            self.view.recent.write().active.enter_payload(&run);
        }
        self.list(lineage)?;
        self.order(run)
    }

    /// Notes that the database knows a lineage, if it does.
    fn list(&mut self, lineage: Lineage) -> Result<(), StorageError> {
        if self.packed_records(lineage)?.is_some() {
            self.view.recent.write().active.forget_runs(lineage, 0);
        }
        Ok(())
    }

    fn packed_records(&mut self, lineage: Lineage) -> Result<Option<u64>, StorageError> {
        if let Some(known) = self.records.get(&lineage) {
            return Ok(*known);
        }
        let tree = &self.view.packed;
        let records = match tree.get(&Row::Lineage(lineage).key())? {
            None => None,
            Some(_) => Some(chunk::last(tree, lineage)?.map_or(0, |chunk| chunk.tail().sequence)),
        };
        self.records.insert(lineage, records);
        Ok(records)
    }

    fn order(&mut self, run: Arc<RecentRun>) -> Result<(), StorageError> {
        let name = SpaceName::of(&run.key);
        let last = match self.spaces.get(&name) {
            Some(last) => *last,
            None => self.view.packed.space(&name)?.last,
        };
        self.spaces.insert(name, last);
        if run.head.space > last {
            self.view.recent.write().active.enter_order(run);
        }
        Ok(())
    }
}
