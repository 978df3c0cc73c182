//! Rows of the record tables.

use headwater_core::record::RecordMeta;
use headwater_core::storage::StorageError;
use headwater_core::{Lineage, Tail};

use super::super::row::Row;
use super::super::run;
use super::super::stored::Table;
use super::page::touches;

/// Where records of a lineage that are stored together begin: the position of the first byte, and the sequence of the first
/// record that begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) lineage: Lineage,
    pub(crate) position: u64,
    pub(crate) sequence: u64,
}

impl Start {
    /// What follows a tail.
    pub(crate) fn behind(lineage: Lineage, tail: Tail) -> Self {
        Self { lineage, position: tail.position, sequence: tail.sequence.saturating_add(1) }
    }

    /// The name of the row that is found there.
    pub(crate) fn row(self) -> Row<'static> {
        let Self { lineage, position, sequence } = self;
        Row::Chunk { lineage, position, sequence }
    }
}

/// Records of a lineage that are stored together, with one table.
pub(crate) trait Part {
    /// Where it begins.
    fn start(&self) -> Start;

    /// Where what follows it begins.
    fn next(&self) -> Start;

    /// Its table.
    fn table(&self) -> Result<Table, StorageError>;

    /// The rows of the records that begin in it.
    fn rows(&self) -> Result<Vec<RecordMeta>, StorageError> {
        let runs = self.table()?.runs;
        Ok(runs.iter().flat_map(|run| run::rows(run.head, &run.records)).collect())
    }
}

/// The parts of all lineages. Those of one follow each other without a gap.
pub(crate) trait Parts {
    type Part: Part;

    /// The part that begins somewhere, or holds what begins there because parts were joined meanwhile.
    fn at(&self, start: Start) -> Result<Option<Self::Part>, StorageError>;

    /// The last part that begins at or before a place.
    fn floor(&self, place: Start) -> Result<Option<Self::Part>, StorageError>;

    /// The first part of a lineage.
    fn first(&self, lineage: Lineage) -> Result<Option<Self::Part>, StorageError>;
}

/// The rows that are packed of the records that belong to a page; none from the sequence `before` on, where something newer
/// tells.
pub(crate) fn rows_touching(
    parts: &impl Parts,
    lineage: Lineage,
    (from, to): (u64, u64),
    before: Option<u64>,
) -> Result<Vec<RecordMeta>, StorageError> {
    let mut rows = Vec::new();
    // Sequences count from 1, so this lies before all parts that begin at the position.
    let earlier = parts.floor(Start { lineage, position: from, sequence: 0 })?;
    let mut next = match earlier {
        Some(part) => Some(part),
        None => parts.first(lineage)?,
    };
    if let Some(part) = &next {
        let (start, back) = (part.start(), part.table()?.back);
        if back > 0 {
            let place = Start {
                position: start.position.saturating_sub(back),
                sequence: start.sequence.saturating_sub(1),
                ..start
            };
            rows.extend(row_of(parts, place)?.filter(|row| touches(row, from, to)));
        }
    }
    let mut told = 0;
    while let Some(part) = next {
        if part.start().position > to {
            break;
        }
        for row in part.rows()? {
            // Joined with what was told already.
            if row.sequence < told {
                continue;
            }
            if row.position > to || before.is_some_and(|before| row.sequence >= before) {
                return Ok(rows);
            }
            if touches(&row, from, to) {
                rows.push(row);
            }
        }
        told = part.next().sequence;
        next = parts.at(part.next())?;
    }
    Ok(rows)
}

/// The row of the record at a place.
pub(crate) fn row_of(parts: &impl Parts, place: Start) -> Result<Option<RecordMeta>, StorageError> {
    let Some(part) = parts.floor(place)? else { return Ok(None) };
    Ok(part.rows()?.into_iter().find(|row| row.sequence == place.sequence))
}
