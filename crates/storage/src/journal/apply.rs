//! Bringing the rows of a chunk file into the catalogue, and keeping account of them.
//!
//! The **ledger** counts the rows and sums up their fingerprints. What it will be is computed before a file is completed, and
//! stands in it; so whatever catalogue is found later either adds up or is not the one that was written. Applying
//! the same file twice is the same as once.
//!
//! A *grave* is no row of the catalogue: it is the deletion of many, those of its own file included. So is a *trim*, of what a stream
//! gave up.

use std::collections::HashMap;
use std::ops::Bound;

use headwater_core::Lineage;
use headwater_core::storage::StorageError;
use serde::{Deserialize, Serialize};

use super::catalogue::Edit;
use super::chunks::{Block, Ledger, RowEdit};
use super::holdings::{self, PerFile};
use super::index::Index;
#[cfg(test)]
use super::planted::{Fault, planted};
use crate::local::database::tuning::{BATCH_BYTES, BATCH_KEYS};
use crate::local::frame::{self, Verify, fingerprint};
use crate::local::row::{Row, of_lineage, tag};
use crate::local::rows::Rows;
use crate::local::stored::{Stored, StoredGrave, StoredTrim, decode, encode};

/// The kinds of rows that a lineage may have many of.
const KINDS: [u8; 4] = [tag::CHUNK, tag::PRODUCER, tag::PIN, tag::RANGES];

/// Keys at which an edit is full: few in tests, so that crashes find the catalogue between two edits of one file.
const EDIT_KEYS: usize = if cfg!(test) { 8 } else { BATCH_KEYS };

/// What the catalogue says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Edition {
    /// The last edition that is in it.
    pub(super) edition: u64,
}

impl Stored for Edition {
    const VERSION: u8 = 1;
}

impl Ledger {
    /// Counts a row in.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(weight(key, value));
        self.digest = self.digest.wrapping_add(fingerprint(value));
        self.streams = self.streams.wrapping_add(u64::from(is_state(key)));
    }

    /// Counts in what other rows come to.
    pub(super) fn merge(&mut self, other: Self) {
        self.rows = self.rows.wrapping_add(other.rows);
        self.bytes = self.bytes.wrapping_add(other.bytes);
        self.digest = self.digest.wrapping_add(other.digest);
        self.streams = self.streams.wrapping_add(other.streams);
    }

    /// Takes out what other rows come to.
    pub(super) fn give_up(&mut self, other: Self) {
        self.rows = self.rows.wrapping_sub(other.rows);
        self.bytes = self.bytes.wrapping_sub(other.bytes);
        self.digest = self.digest.wrapping_sub(other.digest);
        self.streams = self.streams.wrapping_sub(other.streams);
    }

    pub(super) fn subtract(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.bytes = self.bytes.wrapping_sub(weight(key, value));
        self.digest = self.digest.wrapping_sub(fingerprint(value));
        self.streams = self.streams.wrapping_sub(u64::from(is_state(key)));
    }
}

fn weight(key: &[u8], value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}

fn is_state(key: &[u8]) -> bool {
    key.first() == Some(&tag::STATE)
}

/// Whether a row is one of those that the ledger counts.
pub(super) fn is_counted(key: &[u8]) -> bool {
    !matches!(key.first(), Some(&(tag::GRAVE | tag::TRIM | tag::CHECKPOINT)))
}

/// Whether a row's value is the one that was written under its key.
pub(super) fn verify(key: &[u8], value: &[u8]) -> Result<(), StorageError> {
    let opened = frame::open(key, value, Verify::Checksum);
    opened.map(drop).map_err(|damage| StorageError::Corrupt(damage.at(key)))
}

/// What the catalogue may have under the keys of rows that lead into a file that is being written. A look for one row reads a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leading {
    /// Nothing: what a round packs follows everything that was packed before it, in its lineage and in the order of its space.
    Anew,
    /// Anything: some of what was packed before is lost.
    Perhaps,
}

/// What the ledger will be when the rows of a round are applied, which replace the states that come to `replaced`.
pub(super) fn after(
    mut ledger: Ledger,
    replaced: Ledger,
    rows: &[RowEdit],
    index: &Index,
    leading: Leading,
) -> Result<Ledger, StorageError> {
    #[cfg(test)]
    let replaced = if planted(Fault::KeepsReplaced) { Ledger::default() } else { replaced };
    ledger.give_up(replaced);
    let looks = |row: &RowEdit| match row.key.first() {
        Some(&tag::STATE) => false,
        Some(&(tag::CHUNK | tag::ORDER)) => leading == Leading::Perhaps,
        _ => true,
    };
    let mut graves = Graves::default();
    for row in rows.iter().filter(|row| is_grave(row)) {
        graves.add(row)?.visit(index, |key, value| {
            ledger.subtract(key, value);
            Ok(())
        })?;
    }
    for row in rows.iter().filter(|row| is_counted(&row.key)) {
        if graves.take(row)? {
            continue;
        }
        if looks(row)
            && let Some(old) = index.get(&row.key)?
        {
            ledger.subtract(&row.key, &old);
        }
        if let Some(value) = &row.value {
            ledger.add(&row.key, value);
        }
    }
    Ok(ledger)
}

/// Applies rows, which are gone through twice, and notes the edition with the last of them. Returns what nothing leads to any
/// more.
pub(super) fn apply<R>(
    rows: impl Fn() -> R,
    edition: u64,
    index: &Index,
) -> Result<PerFile, StorageError>
where
    R: Iterator<Item = Result<RowEdit, StorageError>>,
{
    let (mut batch, mut freed) = (Batch::new(index), PerFile::new());
    #[cfg(test)]
    if planted(Fault::EditionFirst) {
        Batch::new(index).finish(edition)?;
    }
    let mut graves = Graves::default();
    for row in rows() {
        let row = row?;
        if is_grave(&row) {
            graves.add(&row)?.visit(index, |key, value| {
                holdings::note(&mut freed, key, value)?;
                batch.push((key.to_vec(), None))
            })?;
        }
    }
    batch.flush()?;
    for row in rows() {
        let row = row?;
        if graves.take(&row)? {
            row.value.map_or(Ok(()), |value| holdings::note(&mut freed, &row.key, &value))?;
        } else if !is_grave(&row) {
            batch.push((row.key.to_vec(), row.value.map(|value| value.to_vec())))?;
        }
    }
    batch.finish(edition)?;
    Ok(freed)
}

fn is_grave(row: &RowEdit) -> bool {
    matches!(row.key.first(), Some(&(tag::GRAVE | tag::TRIM)))
}

/// Rows that are changed together.
pub(super) struct Batch<'i> {
    index: &'i Index,
    edits: Vec<Edit>,
    bytes: usize,
}

impl<'i> Batch<'i> {
    pub(super) fn new(index: &'i Index) -> Self {
        Self { index, edits: Vec::new(), bytes: 0 }
    }

    pub(super) fn push(&mut self, edit: Edit) -> Result<(), StorageError> {
        self.bytes += edit.0.len() + edit.1.as_ref().map_or(0, Vec::len);
        self.edits.push(edit);
        if self.edits.len() >= EDIT_KEYS || self.bytes >= BATCH_BYTES {
            return self.flush();
        }
        Ok(())
    }

    /// Notes the edition with the last rows.
    pub(super) fn finish(mut self, edition: u64) -> Result<(), StorageError> {
        let key = Row::Checkpoint.key();
        let value = encode(&key, &Edition { edition })?;
        self.edits.push((key, Some(value)));
        self.flush()
    }

    /// Changes what was taken in.
    pub(super) fn flush(&mut self) -> Result<(), StorageError> {
        self.bytes = 0;
        match std::mem::take(&mut self.edits) {
            edits if edits.is_empty() => Ok(()),
            edits => self.index.write(edits),
        }
    }
}

/// Rows of a lineage that are deleted together.
#[derive(Clone, Copy, Debug)]
struct Grave {
    lineage: Lineage,
    what: Deletion,
}

/// Which rows.
#[derive(Clone, Copy, Debug)]
enum Deletion {
    Grave(StoredGrave),
    /// Blocks that end before a position and sequence. One that was made of some before it and some behind it stays.
    Trim(StoredTrim),
}

/// What the graves of one file delete.
#[derive(Debug, Default)]
struct Graves(HashMap<Lineage, Vec<Deletion>>);

impl Graves {
    fn add(&mut self, row: &RowEdit) -> Result<Grave, StorageError> {
        let grave = Grave::of(row)?;
        self.0.entry(grave.lineage).or_default().push(grave.what);
        Ok(grave)
    }

    /// Whether one of them takes a row.
    fn take(&self, row: &RowEdit) -> Result<bool, StorageError> {
        let (Row::Chunk { lineage, .. }
        | Row::Producer { lineage, .. }
        | Row::Pin { lineage, .. }
        | Row::Ranges { lineage, .. }) = (match Row::parse(&row.key) {
            Some(row) if !self.0.is_empty() => row,
            _ => return Ok(false),
        })
        else {
            return Ok(false);
        };
        for what in self.0.get(&lineage).into_iter().flatten() {
            let grave = Grave { lineage, what: *what };
            if grave.takes(&row.key, row.value.as_deref().unwrap_or_default())? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Grave {
    fn of(row: &RowEdit) -> Result<Self, StorageError> {
        let corrupt = || StorageError::Corrupt("a grave cannot be understood".to_owned());
        let value = row.value.as_deref().ok_or_else(corrupt)?;
        match Row::parse(&row.key) {
            Some(Row::Grave(lineage)) => {
                let what = Deletion::Grave(decode(&row.key, value, Verify::Checksum)?);
                Ok(Self { lineage, what })
            }
            Some(Row::Trim(lineage)) => {
                let what = Deletion::Trim(decode(&row.key, value, Verify::Checksum)?);
                Ok(Self { lineage, what })
            }
            _ => Err(corrupt()),
        }
    }

    /// Whether a row is one of those that it deletes.
    fn takes(&self, key: &[u8], value: &[u8]) -> Result<bool, StorageError> {
        let of_kind = |kind: &u8| key.starts_with(&of_lineage(*kind, self.lineage));
        Ok(match self.what {
            Deletion::Grave(StoredGrave::Whole) => KINDS.iter().any(of_kind),
            // Empty records at the very end are inherited too.
            Deletion::Grave(StoredGrave::Past(last)) => matches!(
                Row::parse(key),
                Some(Row::Chunk { lineage, position, .. })
                    if lineage == self.lineage && position > last
            ),
            Deletion::Trim(StoredTrim(position, sequence)) => {
                of_kind(&tag::CHUNK) && {
                    let block = Block::of_row(key, value, Verify::Checksum)?;
                    #[cfg(test)]
                    if planted(Fault::TrimsTooMuch) {
                        return Ok(block.start.position <= position);
                    }
                    let next = block.next();
                    (next.position, next.sequence) <= (position, sequence)
                }
            }
        })
    }

    /// Visits the rows that it deletes, as they stand in the catalogue.
    fn visit(
        &self,
        index: &Index,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let kinds = match self.what {
            Deletion::Grave(StoredGrave::Whole) => &KINDS[..],
            Deletion::Grave(StoredGrave::Past(_)) | Deletion::Trim(_) => &[tag::CHUNK],
        };
        for kind in kinds {
            let prefix = of_lineage(*kind, self.lineage);
            for entry in index.scan_from(prefix.clone(), Bound::Included(prefix)) {
                let (key, value) = entry?;
                if self.takes(&key, &value)? {
                    visit(&key, &value)?;
                } else if matches!(self.what, Deletion::Trim(_)) {
                    break;
                }
            }
        }
        Ok(())
    }
}
