//! Payload, tables and orders that are damaged, in files that are kept.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, Offset, StreamKey};

use super::super::chunks::{Block, ChunkFile, ChunkName, OrderRef, Start};
use super::super::index::Index;
use super::report::Losses;
use crate::local::frame::Verify;
use crate::local::row::{Row, of_lineage, tag};
use crate::local::rows::Rows;
use crate::local::stored::{StoredLineage, decode};

/// Reads all that the catalogue leads to, and tells what cannot be.
pub(super) fn look(
    index: &Index,
    files: &[Arc<ChunkFile>],
    losses: &mut Losses,
) -> Result<(), StorageError> {
    let files: HashMap<ChunkName, &ChunkFile> =
        files.iter().map(|file| (file.footer().name, &**file)).collect();
    for entry in index.scan_from(vec![tag::CHUNK], Bound::Included(vec![tag::CHUNK])) {
        let (key, value) = entry?;
        let block = Block::of_row(&key, &value, Verify::Checksum)?;
        let Some(file) = block.file().and_then(|name| files.get(&name)) else { continue };
        if let Some(what) = damage(file.block(&block).and(file.table(&block).map(drop)))? {
            losses.damage(what);
            let (from, next) = (block.start, block.next());
            let behind = Offset::new(from.lineage, record_behind(index, &files, next)?);
            losses.range(
                stream(index, from.lineage)?,
                format!(
                    "positions {} to {}, in records {} to {}, cannot be read; the next whole record begins at offset {behind}",
                    from.position,
                    next.position,
                    from.sequence,
                    next.sequence.saturating_sub(1).max(from.sequence),
                ),
            );
        }
    }
    for entry in index.scan_from(vec![tag::ORDER], Bound::Included(vec![tag::ORDER])) {
        let (key, value) = entry?;
        let at: OrderRef = decode(&key, &value, Verify::Checksum)?;
        let (Some(row), Some(file)) =
            (Row::parse(&key), at.file().and_then(|name| files.get(&name)))
        else {
            continue;
        };
        if let Some(what) = damage(file.order(&row, &at).map(drop))? {
            losses.damage(what);
            losses.range(None, format!("{row}, up to {}, cannot be read", at.to));
        }
    }
    Ok(())
}

/// Where the first record begins that lies wholly behind a place: one that was too large for a block goes on in several.
fn record_behind(
    index: &Index,
    files: &HashMap<ChunkName, &ChunkFile>,
    place: Start,
) -> Result<u64, StorageError> {
    let prefix = of_lineage(tag::CHUNK, place.lineage);
    let mut end = place.position;
    for entry in index.scan_from(prefix, Bound::Included(place.row().key())) {
        let (key, value) = entry?;
        let block = Block::of_row(&key, &value, Verify::Checksum)?;
        let table = block.file().and_then(|name| files.get(&name)).map(|file| file.table(&block));
        if let Some(Ok(table)) = table
            && block.at.records > 0
        {
            return Ok(block.start.position.saturating_add(table.lead));
        }
        end = block.end();
    }
    // A round ends with a whole record.
    Ok(end)
}

/// What is damaged, if it is that.
fn damage(outcome: Result<(), StorageError>) -> Result<Option<String>, StorageError> {
    match outcome {
        Ok(()) => Ok(None),
        Err(StorageError::Corrupt(what)) => Ok(Some(what)),
        Err(error) => Err(error),
    }
}

/// Whose lineage it is.
fn stream(index: &Index, lineage: Lineage) -> Result<Option<StreamKey>, StorageError> {
    let stored = index.read::<StoredLineage>(Row::Lineage(lineage))?;
    Ok(stored.and_then(|stored| stored.into_key().ok()))
}
