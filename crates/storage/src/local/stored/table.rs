//! The table of a chunk: everything about its records but their bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use headwater_core::{BatchRecord, Lineage};
use serde::{Deserialize, Serialize};

use super::super::run::{Head, Run};
use super::Unacceptable;

/// The table of a chunk. Where the chunk begins is in its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredTable {
    /// Bytes that the record before the first one has in chunks before this one; 0 where that one ended there.
    back: u64,
    /// Bytes that it has in this chunk.
    lead: u64,
    runs: Vec<StoredRun>,
}

/// Records that were appended together and begin in the chunk. Numbers are differences to the run before, which for the
/// first run counts as 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredRun {
    unit: u64,
    at: u64,
    /// Space sequences that lie between the run before and this one.
    space: u64,
    lens: StoredLens,
    /// By index of the record in the run.
    metadata: Vec<(u32, BTreeMap<String, String>)>,
}

/// The lengths of the records of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StoredLens {
    /// So many of this length each.
    Equal(u32, u64),
    /// These.
    Each(Vec<u64>),
}

/// The table of a chunk, as it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// Bytes that the record before the first one has in chunks before this one.
    pub(crate) back: u64,
    /// Bytes that it has in this chunk.
    pub(crate) lead: u64,
    /// The records that begin in the chunk. The last one may end in a later one.
    pub(crate) runs: Vec<Run>,
}

impl StoredTable {
    /// The stored form.
    pub(crate) fn of(table: &Table) -> Self {
        let mut before = Before::default();
        let runs = table.runs.iter().map(|run| StoredRun::of(run, &mut before)).collect();
        Self { back: table.back, lead: table.lead, runs }
    }

    /// The table, given where its chunk begins.
    pub(crate) fn into_table(
        self,
        lineage: Lineage,
        position: u64,
        sequence: u64,
    ) -> Result<Table, Unacceptable> {
        let position = position.checked_add(self.lead).ok_or(Unacceptable)?;
        let mut next = Head { lineage, sequence, position, space: 0, unit: 0, at: 0 };
        let read = |stored: StoredRun| {
            let records = stored.lens.into_records(stored.metadata)?;
            let head = Head {
                space: next.space.checked_add(stored.space).ok_or(Unacceptable)?,
                unit: next.unit.checked_add(stored.unit).ok_or(Unacceptable)?,
                at: next.at.checked_add(stored.at).ok_or(Unacceptable)?,
                ..next
            };
            next = head.after(&records);
            Ok(Run { head, records })
        };
        let runs = self.runs.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Table { back: self.back, lead: self.lead, runs })
    }
}

/// What the differences of the next run are to.
#[derive(Clone, Copy, Default)]
pub(super) struct Before {
    pub(super) unit: u64,
    pub(super) at: u64,
    pub(super) space: u64,
}

impl Before {
    /// The differences of a run, whose numbers are never below those of the run before.
    pub(super) fn step(&mut self, run: &Run) -> Self {
        let (head, end) = (run.head, run.end());
        let step = Self {
            unit: head.unit.saturating_sub(self.unit),
            at: head.at.saturating_sub(self.at),
            space: head.space.saturating_sub(self.space),
        };
        *self = Self { unit: head.unit, at: head.at, space: end.space };
        step
    }
}

impl StoredRun {
    fn of(run: &Run, before: &mut Before) -> Self {
        let step = before.step(run);
        let metadata = (0u32..).zip(&run.records).filter_map(|(index, record)| {
            record.metadata.as_ref().map(|map| (index, BTreeMap::clone(map)))
        });
        Self {
            unit: step.unit,
            at: step.at,
            space: step.space,
            lens: StoredLens::of(&run.records),
            metadata: metadata.collect(),
        }
    }
}

impl StoredLens {
    pub(super) fn of(records: &[BatchRecord]) -> Self {
        let first = records.first().map_or(0, |record| record.len);
        match u32::try_from(records.len()) {
            Ok(count) if records.iter().all(|record| record.len == first) => {
                Self::Equal(count, first)
            }
            _ => Self::Each(records.iter().map(|record| record.len).collect()),
        }
    }

    /// The records, with the metadata that some of them have. Their bytes must be countable.
    pub(super) fn into_records(
        self,
        metadata: Vec<(u32, BTreeMap<String, String>)>,
    ) -> Result<Vec<BatchRecord>, Unacceptable> {
        let mut records: Vec<BatchRecord> = match self {
            Self::Equal(count, len) => vec![BatchRecord::plain(len); count as usize],
            Self::Each(lens) => lens.into_iter().map(BatchRecord::plain).collect(),
        };
        let total = records.iter().try_fold(0u64, |sum, record| sum.checked_add(record.len));
        total.ok_or(Unacceptable)?;
        for (index, map) in metadata {
            let record = records.get_mut(index as usize).ok_or(Unacceptable)?;
            record.metadata = Some(Arc::new(map));
        }
        Ok(records)
    }
}
