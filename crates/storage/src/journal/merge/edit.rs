//! Leading the catalogue into a file that was made of others.
//!
//! What is to change follows from the rows of the file and from the catalogue alone, and is the same when a part of it was done
//! before. So it can be begun anew after a crash, whether the old files are still there or not.

use std::ops::Bound;

use headwater_core::Lineage;
use headwater_core::storage::{SpaceSequence, StorageError};

use super::super::apply::Batch;
use super::super::chunks::{Block, ChunkFile, Ledger, OrderRef, RowEdit};
use super::super::holdings::{self, PerFile};
use super::super::index::Index;
use crate::local::frame::{Damage, Verify};
use crate::local::read::rows::Start;
use crate::local::row::{Row, of_lineage, of_space, tag};
use crate::local::rows::{Entry, Rows};
use crate::local::stored::{StoredLineage, decode};

/// What is known of the lineage that was asked about last: rows of one lineage come one after the other.
#[derive(Debug, Default)]
pub(super) struct Lineages {
    last: Option<(Lineage, Option<Kept>)>,
}

/// What is kept of a lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// What ends behind this place.
    from: Start,
    /// And begins at or before this position, if it is not all.
    to: Option<u64>,
}

impl Lineages {
    /// What the catalogue says is kept of a lineage, if anything is.
    pub(super) fn kept(
        &mut self,
        index: &Index,
        lineage: Lineage,
    ) -> Result<Option<Kept>, StorageError> {
        if let Some((_, kept)) = self.last.filter(|(last, _)| *last == lineage) {
            return Ok(kept);
        }
        let stored = index.read::<StoredLineage>(Row::Lineage(lineage))?;
        let kept = stored
            .map(|stored| Kept { from: Start::behind(lineage, stored.base()), to: stored.kept() });
        self.last = Some((lineage, kept));
        Ok(kept)
    }
}

impl Kept {
    /// Whether a block is kept. Empty records at the very end are inherited too.
    pub(super) fn keeps(&self, start: Start, next: Start) -> bool {
        (next.position, next.sequence) > (self.from.position, self.from.sequence)
            && self.to.is_none_or(|last| start.position <= last)
    }
}

/// What becomes different.
#[derive(Debug, Default)]
pub(super) struct After {
    /// What the catalogue adds up to then.
    pub(super) ledger: Ledger,
    /// What is led to in the new file.
    pub(super) gained: PerFile,
    /// What nothing leads to any more.
    pub(super) freed: PerFile,
}

impl After {
    fn remove(&mut self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.ledger.subtract(key, value);
        holdings::note(&mut self.freed, key, value)
    }
}

/// What becomes different when the catalogue is led into a file with these rows.
pub(super) fn after(
    ledger: Ledger,
    rows: impl IntoIterator<Item = Result<RowEdit, StorageError>>,
    index: &Index,
) -> Result<After, StorageError> {
    let mut after = After { ledger, ..After::default() };
    let mut lineages = Lineages::default();
    for row in rows {
        let row = row?;
        let Some((value, inside)) = leads(&row, index, &mut lineages)? else { continue };
        if let Some(old) = index.get(&row.key)? {
            after.remove(&row.key, &old)?;
        }
        after.ledger.add(&row.key, value);
        holdings::note(&mut after.gained, &row.key, value)?;
        for entry in inside.entries(index) {
            let (key, old) = entry?;
            after.remove(&key, &old)?;
        }
    }
    Ok(after)
}

/// Leads the catalogue into a file.
pub(in crate::journal) fn lead_into(file: &ChunkFile, index: &Index) -> Result<(), StorageError> {
    let mut batch = Batch::new(index);
    let mut lineages = Lineages::default();
    for row in file.rows() {
        let row = row?;
        if let Some((value, _)) = leads(&row, index, &mut lineages)? {
            batch.push((row.key.to_vec(), Some(value.to_vec())))?;
        }
    }
    batch.flush()?;
    for row in file.rows() {
        let row = row?;
        if let Some((_, inside)) = leads(&row, index, &mut lineages)? {
            for entry in inside.entries(index) {
                batch.push((entry?.0.to_vec(), None))?;
            }
        }
    }
    batch.finish(file.footer().facts.edition)
}

/// The keys of what a new row takes the place of, beside its own: all between where it begins and where it ends.
struct Inside {
    prefix: Vec<u8>,
    after: Vec<u8>,
    before: Vec<u8>,
}

impl Inside {
    fn entries<'i>(&self, index: &'i Index) -> impl Iterator<Item = Entry> + use<'i> {
        let before = self.before.clone();
        let inside = move |entry: &Entry| {
            entry.as_ref().map_or(true, |(key, _)| key.as_ref() < before.as_slice())
        };
        index.scan_from(self.prefix.clone(), Bound::Excluded(self.after.clone())).take_while(inside)
    }
}

/// The value of a row that leads into a file, if it leads to something that is kept, and the keys that it takes the place of.
fn leads<'r>(
    row: &'r RowEdit,
    index: &Index,
    lineages: &mut Lineages,
) -> Result<Option<(&'r [u8], Inside)>, StorageError> {
    let Some(value) = row.value.as_deref() else { return Ok(None) };
    let corrupt = || StorageError::Corrupt(Damage::Content.at(&row.key));
    let (prefix, before) = match row.key.first() {
        Some(&tag::CHUNK) => {
            let block = Block::of_row(&row.key, value, Verify::Checksum)?;
            let lineage = block.start.lineage;
            let kept = lineages.kept(index, lineage)?;
            if !kept.is_some_and(|kept| kept.keeps(block.start, block.next())) {
                return Ok(None);
            }
            (of_lineage(tag::CHUNK, lineage), block.next().row().key())
        }
        Some(&tag::ORDER) => {
            let at: OrderRef = decode(&row.key, value, Verify::Checksum)?;
            let Some(Row::Order { store, space, .. }) = Row::parse(&row.key) else {
                return Err(corrupt());
            };
            let end = Row::Order { store, space, first: SpaceSequence(at.to) };
            (of_space(store, space), end.key())
        }
        _ => return Ok(None),
    };
    Ok(Some((value, Inside { prefix, after: row.key.to_vec(), before })))
}
