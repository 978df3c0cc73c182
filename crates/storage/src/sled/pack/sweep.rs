//! Ridding the order of a space of records that are gone, with their streams or with the beginning of them.
//!
//! A record's place in the order is not looked for when its stream is removed: a stream's records may be spread over all of
//! the order. When more than half of an order is about streams that are gone, all of it is gone through, a few stretches at a
//! time. So the work is proportional to what was removed, and an order is at most twice as large as it has to be.
//!
//! How many records are about streams that are gone is an estimate, and may be too high: some of those that were removed never
//! came into the order. So a sweep that ends takes away all that was estimated when it began, whatever it found; what was
//! added meanwhile stays, for it may concern stretches that were behind the sweep already.

use std::collections::VecDeque;

use headwater_core::storage::{SpaceSequence, StorageError};

use super::super::read::stretches::open;
use super::super::tree::Edit;
use super::super::tree::View;
use super::order::{Listed, put_stretches};
use super::{Rest, Writer};
use crate::local::database::tuning::VALUE_BYTES;
use crate::local::recent::SpaceName;
use crate::local::row::Row;
use crate::local::rows::Rows;
use crate::local::run::Cutter;
use crate::local::stored::StoredSpace;

/// Fewer dead records than this are not worth the while: they fit into a few stretches.
const WORTH_A_SWEEP: u64 = 1024;

/// Stretches that are rewritten in one batch.
const STRETCHES_AT_ONCE: usize = 16;

/// A sweep that is under way.
#[derive(Debug)]
pub(super) struct Sweep {
    name: SpaceName,
    /// Where the next stretch begins; `None` before the first one.
    next: Option<u64>,
    /// How many records were taken for dead when it began.
    dead: u64,
}

impl Sweep {
    pub(super) fn new(name: SpaceName) -> Self {
        Self { name, next: None, dead: 0 }
    }

    /// Rewrites some stretches.
    pub(super) fn step(&mut self, writer: &mut Writer) -> Result<(usize, Rest), StorageError> {
        let (name, tree) = (&self.name, &writer.view.packed);
        let mut space = writer.view.packed.space(name)?;
        if self.next.is_none() {
            self.dead = space.dead;
        }
        let row = |first| Row::Order {
            store: name.store,
            space: &name.space,
            first: SpaceSequence(first),
        };
        let Some(begins) = self.next.or(first_stretch(&writer.view, name)?) else {
            return Ok((0, Rest::Nothing));
        };
        let (mut listed, mut cutter) = (Listed::new(tree), Cutter::new(VALUE_BYTES));
        let (mut edit, mut gone, mut next, mut count) = (Edit::default(), 0, begins, 0);
        while count < STRETCHES_AT_ONCE {
            let key = row(next).key();
            let Some(value) = tree.db().get_in_passing(&key)? else { break };
            let (_, stretch) = open(tree, &key, &value)?;
            edit.delete(key);
            for run in &stretch.runs {
                if listed.keeps(run.head.lineage, run.end().sequence)? {
                    cutter.push(run.head, &run.records);
                } else {
                    gone += run.records.len() as u64;
                }
            }
            (next, count) = (stretch.to, count + 1);
        }
        if count == 0 {
            return Ok((0, Rest::Nothing));
        }
        let last = put_stretches(name, (begins, next), cutter, &mut edit)?;
        space.records = space.records.saturating_sub(gone);
        let rest = if count < STRETCHES_AT_ONCE { Rest::Nothing } else { Rest::More };
        if rest == Rest::Nothing {
            space.dead = space.dead.saturating_sub(self.dead);
        }
        edit.put(Row::Space { store: name.store, space: &name.space }, &space)?;
        // The last one written may be small: the next step begins with it, and joins it with what follows.
        self.next = Some(last);
        Ok((writer.apply(edit)?, rest))
    }
}

fn first_stretch(view: &View, name: &SpaceName) -> Result<Option<u64>, StorageError> {
    let prefix = crate::local::row::of_space(name.store, &name.space);
    let first = view.packed.db().scan(&prefix).next().transpose()?;
    Ok(first.and_then(|(key, _)| match Row::parse(&key) {
        Some(Row::Order { first, .. }) => Some(first.0),
        _ => None,
    }))
}

/// Counts records of streams that are removed, and tells whether the order of their space is worth a sweep.
pub(crate) fn count_dead(
    view: &View,
    name: &SpaceName,
    records: u64,
    edit: &mut Edit,
) -> Result<bool, StorageError> {
    let space = view.packed.space(name)?;
    if space == StoredSpace::default() || records == 0 {
        return Ok(false);
    }
    let space = StoredSpace { dead: space.dead.saturating_add(records), ..space };
    edit.put(Row::Space { store: name.store, space: &name.space }, &space)?;
    Ok(is_crowded(&space))
}

/// Whether an order is worth a sweep.
pub(crate) fn is_crowded(space: &StoredSpace) -> bool {
    space.dead >= WORTH_A_SWEEP && space.dead > space.records / 2
}

/// Queues a sweep, unless one of this space is queued already.
pub(super) fn queue(sweeps: &mut VecDeque<Sweep>, name: SpaceName) {
    if !sweeps.iter().any(|sweep| sweep.name == name) {
        sweeps.push_back(Sweep::new(name));
    }
}
