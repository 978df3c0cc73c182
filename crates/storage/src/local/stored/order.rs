//! The order of a space: which record of which stream comes when.

use headwater_core::Lineage;
use serde::{Deserialize, Serialize};

use super::super::run::{Head, Run};
use super::table::{Before, StoredLens};
use super::{Stored, Unacceptable};

/// A stretch of the order of a space, from the space sequence in the key on. The stretches of a space follow each
/// other without a gap, so that a missing one is noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredOrder {
    /// The space sequence after the last one that it tells about.
    to: u64,
    runs: Vec<StoredOrderRun>,
}

/// Records that were appended together, or a part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredOrderRun {
    lineage: u64,
    sequence: u64,
    position: u64,
    /// Differences to the run before; for the first one to 0, and to the space sequence in the key.
    unit: u64,
    at: u64,
    space: u64,
    lens: StoredLens,
    /// By index: which records have metadata. It is in the record table.
    metadata: Vec<u32>,
}

/// A stretch of the order, as it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The space sequence after the last one that it tells about.
    pub(crate) to: u64,
    /// What stands in it. Metadata is empty where there is some.
    pub(crate) runs: Vec<Run>,
}

impl Stored for StoredOrder {
    const VERSION: u8 = 1;
}

impl StoredOrder {
    /// The stored form of a stretch that begins at a space sequence.
    pub(crate) fn of(first: u64, to: u64, runs: &[Run]) -> Self {
        let mut before = Before { space: first, ..Before::default() };
        Self { to, runs: runs.iter().map(|run| StoredOrderRun::of(run, &mut before)).collect() }
    }

    /// The stretch, given where it begins.
    pub(crate) fn into_stretch(self, first: u64) -> Result<Stretch, Unacceptable> {
        let mut before = Before { space: first, ..Before::default() };
        let read = |stored: StoredOrderRun| {
            let present = stored.metadata.into_iter().map(|index| (index, Default::default()));
            let records = stored.lens.into_records(present.collect())?;
            let head = Head {
                lineage: Lineage(stored.lineage),
                sequence: stored.sequence,
                position: stored.position,
                space: before.space.checked_add(stored.space).ok_or(Unacceptable)?,
                unit: before.unit.checked_add(stored.unit).ok_or(Unacceptable)?,
                at: before.at.checked_add(stored.at).ok_or(Unacceptable)?,
            };
            let run = Run { head, records };
            before.step(&run);
            Ok(run)
        };
        let runs = self.runs.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let fits = runs.last().is_none_or(|run| run.end().space <= self.to) && first <= self.to;
        if fits { Ok(Stretch { to: self.to, runs }) } else { Err(Unacceptable) }
    }
}

impl StoredOrderRun {
    fn of(run: &Run, before: &mut Before) -> Self {
        let step = before.step(run);
        let metadata = (0u32..).zip(&run.records);
        let metadata = metadata.filter(|(_, record)| record.metadata.is_some());
        Self {
            lineage: run.head.lineage.0,
            sequence: run.head.sequence,
            position: run.head.position,
            unit: step.unit,
            at: step.at,
            space: step.space,
            lens: StoredLens::of(&run.records),
            metadata: metadata.map(|(index, _)| index).collect(),
        }
    }
}
