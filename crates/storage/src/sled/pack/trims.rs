//! Giving back the beginning of lineages whose streams were truncated.
//!
//! While a stream has forks, nothing of it goes: a fork needs what it inherited from the source's beginning, or from its own
//! floor, on. When the last fork is gone, what was given up meanwhile goes too. What goes is whole chunks; the one that holds the
//! floor stays, and so does the last one, behind which the lineage goes on.

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, Slot, StreamKey, Tail};

use super::super::chunk;
use super::super::tree::{Edit, Tree, View};
use super::{Batch, Writer};
use crate::local::read::rows::Start;
use crate::local::recent::SpaceName;
use crate::local::row::{Row, of_lineage, tag};
use crate::local::rows::Rows;
use crate::local::stored::{StoredLineage, StoredTrim, decode};

/// Notes that the packed chunks before the floor of a stream are to be deleted. From now on the lineage begins where the rest does.
pub(super) fn note(
    view: &View,
    lineage: Lineage,
    key: &StreamKey,
    slot: &Slot,
    batch: &mut Batch,
) -> Result<(), StorageError> {
    let Slot::Live(state) = slot else { return Ok(()) };
    if state.forks > 0 || state.floor == Tail::default() {
        return Ok(());
    }
    let row = Row::Lineage(lineage);
    let Some(stored) = view.packed.read::<StoredLineage>(row)? else { return Ok(()) };
    let base = stored.base();
    if state.floor.sequence <= base.sequence {
        return Ok(());
    }
    let Some(kept) = chunk::floor(&view.packed, Start::behind(lineage, state.floor))? else {
        return Ok(());
    };
    let start = kept.start;
    let begins = Tail { position: start.position, sequence: start.sequence.saturating_sub(1) };
    if begins.sequence <= base.sequence {
        return Ok(());
    }
    batch.edit.put(row, &stored.kept_from(begins))?;
    batch.edit.put(Row::Trim(lineage), &StoredTrim(start.position, start.sequence))?;
    *batch.dead.entry(SpaceName::of(key)).or_default() += begins.sequence - base.sequence;
    Ok(())
}

/// Deletes some chunks, and returns how many bytes that wrote; `None` when there is nothing to give back.
pub(super) fn step(writer: &mut Writer) -> Result<Option<usize>, StorageError> {
    let tree = &writer.view.packed;
    let Some((key, value)) = tree.db().scan(&[tag::TRIM]).next().transpose()? else {
        return Ok(None);
    };
    let StoredTrim(position, sequence) = decode(&key, &value, tree.verify())?;
    let Some(Row::Trim(lineage)) = Row::parse(&key) else { return Ok(None) };
    let kept = Row::Chunk { lineage, position, sequence }.key();
    let mut edit = Edit::default();
    for entry in tree.db().scan(&of_lineage(tag::CHUNK, lineage)) {
        let (chunk, _) = entry?;
        if *chunk >= *kept || edit.is_full() {
            break;
        }
        edit.delete(chunk.to_vec());
    }
    if !edit.is_full() {
        edit.delete(key.to_vec());
    }
    // What is deleted is also written, in sled's log: a key at least.
    writer.apply(edit).map(Some)
}

/// Whether the first chunks of a lineage are still to be deleted.
pub(crate) fn is_trimmed(tree: &Tree, lineage: Lineage) -> Result<bool, StorageError> {
    Ok(tree.db().get(&Row::Trim(lineage).key())?.is_some())
}
