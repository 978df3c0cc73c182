//! Which rows of the files that are merged go into the new one.

use std::collections::BTreeMap;

use headwater_core::Lineage;
use headwater_core::storage::StorageError;

use super::super::chunks::{Block, RowEdit, Start};
use super::super::holdings::Holding;
use super::super::index::Index;
use super::edit::Lineages;
use crate::local::frame::Verify;
use crate::local::row::{Row, describe, tag};
use crate::local::rows::Rows;
use crate::local::stored::{StoredSlot, decode};

/// What is said of the files that are older than those that are merged. Without any, no deletion is needed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Older {
    /// The least edition that one of them was chosen from.
    as_of: Option<u64>,
    /// The last unit in them.
    unit: u64,
}

impl Older {
    pub(super) fn of(files: &[Holding]) -> Self {
        let facts = || files.iter().map(|holding| holding.file.footer().facts);
        Self {
            as_of: facts().map(|facts| facts.as_of).min(),
            unit: facts().map(|facts| facts.unit).max().unwrap_or_default(),
        }
    }

    /// Whether one of them may have what a file with rounds up to an edition deletes.
    fn may_have(&self, key: &[u8], latest: u64) -> bool {
        let Some(as_of) = self.as_of else { return false };
        let later = lineage_of(key).is_some_and(|lineage| lineage.0 > self.unit);
        as_of < latest && !later
    }
}

/// A lineage has the number of the unit that created it.
fn lineage_of(key: &[u8]) -> Option<Lineage> {
    match Row::parse(key)? {
        Row::Lineage(lineage)
        | Row::Ranges { lineage, .. }
        | Row::Producer { lineage, .. }
        | Row::Deadline { lineage, .. }
        | Row::Pin { lineage, .. }
        | Row::Grave(lineage)
        | Row::Trim(lineage) => Some(lineage),
        _ => None,
    }
}

/// What the catalogue does not have any more, and why that must be so: a row that it lost would otherwise be lost for good.
///
/// A round that is applied at the moment may have deleted one row and not yet the other, so this is looked at between rounds.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// By lineage: stretches of blocks that follow each other.
    blocks: BTreeMap<Lineage, Vec<Gap>>,
    /// Lineages that may not be there any more, and by which row that was learned.
    lineages: BTreeMap<Lineage, Vec<u8>>,
    /// Lineages of streams that are not there.
    streams: BTreeMap<Lineage, Vec<u8>>,
}

/// Blocks of a lineage that are not there.
#[derive(Debug)]
struct Gap {
    start: Start,
    next: Start,
    /// The row of the first one.
    key: Vec<u8>,
}

impl Missing {
    /// Takes in that a block is gone. Those of a lineage come in their order.
    pub(super) fn block(&mut self, block: &Block, key: &[u8]) {
        let gaps = self.blocks.entry(block.start.lineage).or_default();
        match gaps.last_mut().filter(|gap| gap.next == block.start) {
            Some(gap) => gap.next = block.next(),
            None => gaps.push(Gap { start: block.start, next: block.next(), key: key.to_vec() }),
        }
    }

    /// Whether the catalogue says of all of it that it is gone.
    pub(super) fn explain(&self, index: &Index) -> Result<(), StorageError> {
        let lost = |key: &[u8]| StorageError::Corrupt(format!("{} is missing", describe(key)));
        let mut lineages = Lineages::default();
        for (lineage, gaps) in &self.blocks {
            let kept = lineages.kept(index, *lineage)?;
            let needed = |gap: &&Gap| kept.is_some_and(|kept| kept.keeps(gap.start, gap.next));
            if let Some(gap) = gaps.iter().find(needed) {
                return Err(lost(&gap.key));
            }
        }
        for (lineage, key) in &self.lineages {
            if lineages.kept(index, *lineage)?.is_some() {
                return Err(lost(key));
            }
        }
        for (lineage, key) in &self.streams {
            if index.get(&Row::Lineage(*lineage).key())?.is_some() && index.get(key)?.is_none() {
                return Err(lost(key));
            }
        }
        Ok(())
    }
}

/// What becomes of rows that are not about places in files.
#[derive(Debug)]
pub(super) struct Keeping<'i> {
    pub(super) index: &'i Index,
    pub(super) older: Older,
    pub(super) missing: Missing,
}

impl Keeping<'_> {
    /// Whether a row goes into the new file, given the edition of the last round of the file that has it.
    pub(super) fn keeps(&mut self, row: &RowEdit, latest: u64) -> Result<bool, StorageError> {
        if matches!(row.key.first(), Some(&(tag::GRAVE | tag::TRIM))) {
            return Ok(self.older.may_have(&row.key, latest));
        }
        Ok(match (&row.value, self.index.get(&row.key)?) {
            (Some(value), Some(now)) => now == value.as_ref(),
            (Some(value), None) => {
                self.note(&row.key, value)?;
                false
            }
            (None, Some(_)) => false,
            (None, None) => self.older.may_have(&row.key, latest),
        })
    }

    fn note(&mut self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        match Row::parse(key) {
            Some(Row::State { .. }) => {
                let stored: StoredSlot = decode(key, value, Verify::Checksum)?;
                self.missing.streams.entry(stored.lineage()).or_insert_with(|| key.to_vec());
            }
            // They go with all of their lineage, and not before.
            Some(Row::Producer { lineage, .. } | Row::Ranges { lineage, .. }) => {
                self.missing.lineages.entry(lineage).or_insert_with(|| key.to_vec());
            }
            Some(row @ Row::Space { .. }) => {
                return Err(StorageError::Corrupt(format!("{row} is missing")));
            }
            _ => {}
        }
        Ok(())
    }
}
