//! Deleting what is left of lineages that are gone, and of what no fork needs of those that are soft-deleted.

use headwater_core::Lineage;
use headwater_core::storage::StorageError;

use super::super::tree::{Edit, Tree};
use super::Writer;
use crate::local::row::{Row, of_lineage, tag};
use crate::local::stored::{StoredGrave, decode};

/// The kinds of rows that a lineage may have many of.
const KINDS: [u8; 4] = [tag::CHUNK, tag::PRODUCER, tag::PIN, tag::RANGES];

/// Deletes some rows, and returns how many bytes that wrote; `None` when there are no graves.
pub(super) fn step(writer: &mut Writer) -> Result<Option<usize>, StorageError> {
    let tree = &writer.view.packed;
    let Some((key, value)) = tree.db().scan(&[tag::GRAVE]).next().transpose()? else {
        return Ok(None);
    };
    let stored: StoredGrave = decode(&key, &value, tree.verify())?;
    let Some(Row::Grave(lineage)) = Row::parse(&key) else { return Ok(None) };
    let mut edit = Edit::default();
    match stored {
        StoredGrave::Whole => {
            for kind in KINDS {
                delete(tree, &of_lineage(kind, lineage), |_| true, &mut edit)?;
            }
        }
        // Empty records at the very end are inherited too.
        StoredGrave::Past(position) => {
            delete(
                tree,
                &of_lineage(tag::CHUNK, lineage),
                |row| begins_past(row, position),
                &mut edit,
            )?;
        }
    }
    if !edit.is_full() {
        edit.delete(key.to_vec());
    }
    // What is deleted is also written, in sled's log: a key at least.
    writer.apply(edit).map(Some)
}

/// Deletes the last rows with a prefix, as long as they are wanted gone. What is left stays without a gap.
fn delete(
    tree: &Tree,
    prefix: &[u8],
    unwanted: impl Fn(Row<'_>) -> bool,
    edit: &mut Edit,
) -> Result<(), StorageError> {
    if edit.is_full() {
        return Ok(());
    }
    for key in tree.db().keys_backwards(prefix) {
        let key = key?;
        if edit.is_full() || !Row::parse(&key).is_some_and(&unwanted) {
            break;
        }
        edit.delete(key.to_vec());
    }
    Ok(())
}

fn begins_past(row: Row<'_>, end: u64) -> bool {
    matches!(row, Row::Chunk { position, .. } if position > end)
}

/// Whether something of a lineage is still to be deleted.
pub(crate) fn is_grave(tree: &Tree, lineage: Lineage) -> Result<bool, StorageError> {
    Ok(tree.db().get(&Row::Grave(lineage).key())?.is_some())
}
