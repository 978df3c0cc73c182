//! Stretches of the orders of spaces.

use headwater_core::storage::{SpaceSequence, StorageError};

use super::super::tree::Tree;
use crate::local::frame::Damage;
use crate::local::recent::SpaceName;
use crate::local::row::{Row, of_space};
use crate::local::stored::{StoredOrder, Stretch, Unacceptable, decode};

/// A stretch of the order with the space sequence that it begins at.
type Found = Option<(u64, Stretch)>;

pub(crate) fn stretch_holding(
    tree: &Tree,
    name: &SpaceName,
    sequence: u64,
) -> Result<Found, StorageError> {
    let row = Row::Order { store: name.store, space: &name.space, first: SpaceSequence(sequence) };
    let Some((key, value)) = tree.db().floor(&of_space(name.store, &name.space), &row.key())?
    else {
        return Ok(None);
    };
    let (first, stretch) = open(tree, &key, &value)?;
    Ok((sequence < stretch.to).then_some((first, stretch)))
}

/// The last stretch of the order of a space, and the bytes of its stored form.
pub(crate) fn last_stretch(
    tree: &Tree,
    name: &SpaceName,
) -> Result<Option<(u64, Stretch, usize)>, StorageError> {
    let Some((key, value)) = tree.db().last(&of_space(name.store, &name.space))? else {
        return Ok(None);
    };
    let (first, stretch) = open(tree, &key, &value)?;
    Ok(Some((first, stretch, value.len())))
}

pub(crate) fn open(tree: &Tree, key: &[u8], value: &[u8]) -> Result<(u64, Stretch), StorageError> {
    let Some(Row::Order { first, .. }) = Row::parse(key) else {
        return Err(StorageError::Corrupt(Damage::Content.at(key)));
    };
    let stored: StoredOrder = decode(key, value, tree.verify())?;
    let stretch = stored.into_stretch(first.0).map_err(Unacceptable::at(key))?;
    Ok((first.0, stretch))
}
