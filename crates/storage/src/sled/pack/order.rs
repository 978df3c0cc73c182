//! Packing what is recent about the order of one space.

use std::collections::HashMap;
use std::sync::Arc;

use headwater_core::Lineage;
use headwater_core::storage::{SpaceSequence, StorageError};

use super::super::read::stretches::last_stretch;
use super::super::tree::View;
use super::super::tree::{Edit, Tree};
use super::{Batch, Done, Rest};
use crate::local::database::tuning::{MERGE_BELOW, VALUE_BYTES};
use crate::local::recent::{RecentRun, SpaceName};
use crate::local::row::Row;
use crate::local::rows::Rows;
use crate::local::run::{Cutter, Run};
use crate::local::stored::{StoredLineage, StoredOrder};

/// Most records that one batch puts into an order: a few dozen stretches.
const BATCH_RECORDS: usize = 8192;

/// Adds the first runs of a space to a batch, none of a group after `through`.
pub(super) fn add(
    view: &View,
    name: &SpaceName,
    through: u64,
    batch: &mut Batch,
) -> Result<Rest, StorageError> {
    let (runs, rest) = first_runs(view, name, through);
    let Some(last) = runs.last() else { return Ok(Rest::Nothing) };
    let mut space = view.packed.space(name)?;
    let mut first = space.last + 1;
    let mut cutter = Cutter::new(VALUE_BYTES);
    if let Some((begins, stretch, size)) = last_stretch(&view.packed, name)?
        && size < MERGE_BELOW
    {
        first = begins;
        stretch.runs.iter().for_each(|run| cutter.push(run.head, &run.records));
    }
    let mut listed = Listed::new(&view.packed);
    for run in &runs {
        // A stream that was removed before it was packed leaves no trace.
        if listed.keeps(run.head.lineage, run.end().sequence)? {
            cutter.push(run.head, run.batch.records());
            space.records += run.batch.records().len() as u64;
        }
    }
    let to = last.end().space;
    space.last = to - 1;
    put_stretches(name, (first, to), cutter, &mut batch.edit)?;
    batch.edit.put(Row::Space { store: name.store, space: &name.space }, &space)?;
    batch.done.push(Done::Order(name.clone(), runs.len()));
    Ok(rest)
}

fn first_runs(view: &View, name: &SpaceName, through: u64) -> (Vec<Arc<RecentRun>>, Rest) {
    let recent = &view.recent.read().active;
    let all = recent.space(name).map_or(&[][..], |space| &space.runs);
    let (mut taken, mut records) = (Vec::new(), 0);
    for run in all.iter().take_while(|run| run.group <= through) {
        if records >= BATCH_RECORDS {
            return (taken, Rest::More);
        }
        records += run.batch.records().len();
        taken.push(Arc::clone(run));
    }
    (taken, Rest::Nothing)
}

/// Writes the part `first..to` of an order, in stretches that follow each other. Returns where the last one begins.
pub(super) fn put_stretches(
    name: &SpaceName,
    (first, to): (u64, u64),
    cutter: Cutter,
    edit: &mut Edit,
) -> Result<u64, StorageError> {
    let mut tables = cutter.finish();
    if tables.is_empty() {
        tables.push(Vec::new());
    }
    let begins = |runs: &Vec<Run>| runs.first().map_or(first, |run| run.head.space);
    let starts: Vec<u64> =
        std::iter::once(first).chain(tables.iter().skip(1).map(begins)).collect();
    let ends = starts.iter().skip(1).copied().chain([to]);
    for ((runs, start), end) in tables.iter().zip(&starts).zip(ends) {
        let row =
            Row::Order { store: name.store, space: &name.space, first: SpaceSequence(*start) };
        edit.put(row, &StoredOrder::of(*start, end, runs))?;
    }
    Ok(starts.last().copied().unwrap_or(first))
}

/// Which lineages the database knows, and from where on.
pub(super) struct Listed<'t> {
    tree: &'t Tree,
    /// The sequence after which they keep records.
    known: HashMap<Lineage, Option<u64>>,
}

impl<'t> Listed<'t> {
    pub(super) fn new(tree: &'t Tree) -> Self {
        Self { tree, known: HashMap::new() }
    }

    /// Whether it keeps records of a run that is followed by this sequence.
    pub(super) fn keeps(&mut self, lineage: Lineage, next: u64) -> Result<bool, StorageError> {
        let base = match self.known.get(&lineage) {
            Some(base) => *base,
            None => {
                let stored = self.tree.read::<StoredLineage>(Row::Lineage(lineage))?;
                let base = stored.map(|stored| stored.base().sequence);
                self.known.insert(lineage, base);
                base
            }
        };
        Ok(base.is_some_and(|base| next > base.saturating_add(1)))
    }
}
