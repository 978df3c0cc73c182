//! The order of each space: which record has which space sequence.
//!
//! Records that were appended together are one entry, so the index grows with batches rather than records.

use std::collections::BTreeMap;
use std::ops::Bound;

use headwater_core::storage::SpaceSequence;
use headwater_core::{StoreId, StreamKey};

/// Consecutive records of one lineage with consecutive space sequences.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Whose records.
    pub(super) lineage: u64,
    /// Row of the first one.
    pub(super) row: usize,
    /// How many.
    pub(super) count: usize,
}

/// How records of different spaces share numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numbering {
    /// Each space counts 1, 2, 3 … for itself.
    PerSpace,
    /// All spaces share one counter, so that each sees gaps.
    Together,
}

#[derive(Clone, Debug, Default)]
struct Space {
    last: u64,
    runs: BTreeMap<u64, Run>,
}

/// The orders of all spaces. A space that once held a record keeps its counter, so that no number is used twice.
#[derive(Clone, Debug)]
pub(super) struct Order {
    numbering: Numbering,
    last: u64,
    spaces: BTreeMap<StoreId, BTreeMap<Box<str>, Space>>,
}

impl Order {
    /// No records yet.
    pub(super) fn new(numbering: Numbering) -> Self {
        Self { numbering, last: 0, spaces: BTreeMap::new() }
    }

    /// The number that the next record in the space of this stream gets.
    pub(super) fn next(&self, key: &StreamKey) -> SpaceSequence {
        let last = match self.numbering {
            Numbering::PerSpace => {
                self.space(key.store(), key.space()).map_or(0, |space| space.last)
            }
            Numbering::Together => self.last,
        };
        SpaceSequence(last + 1)
    }

    /// Gives consecutive numbers from `first` on to the records of a run.
    pub(super) fn insert(&mut self, key: &StreamKey, first: SpaceSequence, run: Run) {
        let last = first.0 + run.count as u64 - 1;
        self.last = self.last.max(last);
        let spaces = self.spaces.entry(key.store()).or_default();
        if !spaces.contains_key(key.space()) {
            spaces.insert(key.space().into(), Space::default());
        }
        if let Some(space) = spaces.get_mut(key.space()) {
            space.last = space.last.max(last);
            space.runs.insert(first.0, run);
        }
    }

    /// Takes records out of the order of a space; their numbers stay used.
    pub(super) fn remove(&mut self, key: &StreamKey, numbers: impl Iterator<Item = u64>) {
        let space = self.spaces.get_mut(&key.store()).and_then(|s| s.get_mut(key.space()));
        if let Some(space) = space {
            for number in numbers {
                space.runs.remove(&number);
            }
        }
    }

    /// Takes records with these numbers out of the order of a space. They are the ones before a row of their lineage, so of a
    /// run that goes on behind it the rest stays.
    pub(super) fn remove_before(
        &mut self,
        key: &StreamKey,
        numbers: impl IntoIterator<Item = u64>,
        row: usize,
    ) {
        let space = self.spaces.get_mut(&key.store()).and_then(|s| s.get_mut(key.space()));
        let Some(space) = space else { return };
        for number in numbers {
            let Some(run) = space.runs.remove(&number) else { continue };
            let gone = row.saturating_sub(run.row);
            if gone < run.count {
                let rest = Run { row, count: run.count - gone, ..run };
                space.runs.insert(number + gone as u64, rest);
            }
        }
    }

    /// The records after a number, in order: number, lineage, row.
    pub(super) fn after(
        &self,
        store: StoreId,
        space: &str,
        after: SpaceSequence,
    ) -> impl Iterator<Item = (SpaceSequence, u64, usize)> {
        let after = SpaceSequence(after.0.min(u64::MAX - 1));
        let runs = self.space(store, space).map(|space| &space.runs);
        let before = runs.and_then(|runs| runs.range(..=after.0).next_back());
        let later = runs
            .into_iter()
            .flat_map(move |runs| runs.range((Bound::Excluded(after.0), Bound::Unbounded)));
        before.into_iter().chain(later).flat_map(move |(first, run)| {
            let seen = (after.0 + 1).saturating_sub(*first);
            let seen = usize::try_from(seen).map_or(run.count, |seen| seen.min(run.count));
            let rows = run.row + seen..run.row + run.count;
            let numbers = first + seen as u64..;
            numbers.zip(rows).map(|(number, row)| (SpaceSequence(number), run.lineage, row))
        })
    }

    fn space(&self, store: StoreId, space: &str) -> Option<&Space> {
        self.spaces.get(&store).and_then(|spaces| spaces.get(space))
    }
}
