//! Rows of the record tables.

use headwater_core::Lineage;
use headwater_core::record::RecordMeta;
use headwater_core::storage::StorageError;

use super::super::chunk::{self, Start};
use super::super::tree::Tree;

/// Whether a record belongs to a page: with a byte in it, or empty and from its start to its end.
pub(super) fn touches(row: &RecordMeta, from: u64, to: u64) -> bool {
    match row.len {
        0 => (from..=to).contains(&row.position),
        _ => row.position < to && row.end() > from,
    }
}

/// The rows that the database has of the records that belong to a page; none from the sequence `before` on, where
/// something newer than the database tells.
pub(super) fn rows_touching(
    tree: &Tree,
    lineage: Lineage,
    (from, to): (u64, u64),
    before: Option<u64>,
) -> Result<Vec<RecordMeta>, StorageError> {
    let mut rows = Vec::new();
    // Sequences count from 1, so this lies before all chunks that begin at the position.
    let earlier = chunk::floor(tree, Start { lineage, position: from, sequence: 0 })?;
    let mut next = match earlier {
        Some(chunk) => Some(chunk),
        None => chunk::first(tree, lineage)?,
    };
    if let Some(chunk) = &next {
        let (start, back) = (chunk.start, chunk.table()?.back);
        if back > 0 {
            let row =
                row_of(tree, lineage, start.position.saturating_sub(back), start.sequence - 1)?;
            rows.extend(row.filter(|row| touches(row, from, to)));
        }
    }
    while let Some(chunk) = next {
        if chunk.start.position > to {
            break;
        }
        for row in chunk.rows()? {
            if row.position > to || before.is_some_and(|before| row.sequence >= before) {
                return Ok(rows);
            }
            if touches(&row, from, to) {
                rows.push(row);
            }
        }
        next = chunk::at(tree, chunk.next())?;
    }
    Ok(rows)
}

/// The row of the record at a place.
pub(super) fn row_of(
    tree: &Tree,
    lineage: Lineage,
    position: u64,
    sequence: u64,
) -> Result<Option<RecordMeta>, StorageError> {
    let Some(chunk) = chunk::floor(tree, Start { lineage, position, sequence })? else {
        return Ok(None);
    };
    Ok(chunk.rows()?.into_iter().find(|row| row.sequence == sequence))
}
