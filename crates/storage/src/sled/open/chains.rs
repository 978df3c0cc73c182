//! Whether the rows of each stream, and of each space, fit together.
//!
//! The chunks of a stream follow each other from its own beginning to its tail, the stretches of a space's order from 1 to its last
//! number. A stream may be packed halfway: then the groups that are replayed must tell the rest of it, which is settled
//! afterwards.

use std::sync::Arc;

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, Slot, StreamKey, Tail};

use super::super::chunk::{self, Chunk};
use super::super::pack::{is_grave, is_trimmed};
use super::super::read::stretches::{last_stretch, open as open_stretch};
use super::super::tree::View;
use crate::local::read::rows::{Part, Start};
use crate::local::recent::SpaceName;
use crate::local::row::Row;
use crate::local::rows::Rows;
use crate::local::stored::{StoredLineage, Unacceptable, decode};

/// What the rows so far say about the next one.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// State rows met, less the lineages that are somebody's.
    unnamed: i64,
    /// Where the next chunk of the lineage begins whose chunks are being met.
    chunks: Option<Start>,
    /// The space whose order is being met, and where the next stretch begins.
    order: Option<(SpaceName, u64)>,
    /// Lineages whose stream is packed halfway: how far their chunks are.
    ahead: Vec<(Lineage, StreamKey, Tail)>,
}

impl Chains {
    /// Looks at a row that is no chunk, and its neighbours.
    pub(super) fn visit(
        &mut self,
        view: &View,
        row: Row<'_>,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StorageError> {
        match row {
            Row::State { .. } => {
                self.unnamed += 1;
                Ok(())
            }
            Row::Lineage(lineage) => self.visit_lineage(view, lineage, key, value),
            Row::Space { store, space } => {
                ends_where_it_should(view, &SpaceName { store, space: Arc::from(space) })
            }
            Row::Order { store, space, .. } => {
                let (first, stretch) = open_stretch(&view.packed, key, value)?;
                self.visit_stretch(SpaceName { store, space: Arc::from(space) }, first, stretch.to)
            }
            _ => Ok(()),
        }
    }

    /// Compares the last chunk of a lineage with its state.
    fn visit_lineage(
        &mut self,
        view: &View,
        lineage: Lineage,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StorageError> {
        let stored: StoredLineage = decode(key, value, view.packed.verify())?;
        let (base, kept) = (stored.base(), stored.kept());
        let name = stored.into_key().map_err(Unacceptable::at(key))?;
        let found = chunk::last(&view.packed, lineage)?.map_or(base, |chunk| chunk.tail());
        let slot = view.packed.slot(&name)?;
        let tail =
            slot.state().filter(|state| state.ranges.own() == lineage).map(|state| state.tail);
        self.unnamed -= i64::from(tail.is_some());
        match (tail, kept) {
            // What lies past what is kept may be deleted, as a whole or in part.
            (tail, Some(kept)) => {
                let needed = tail.map_or(kept, |tail| kept.min(tail.position)).max(base.position);
                if found.position >= needed {
                    Ok(())
                } else {
                    Err(short(lineage, needed, found.position))
                }
            }
            (Some(tail), None) if tail == found => Ok(()),
            (Some(tail), None) if tail.sequence >= found.sequence => {
                Err(short(lineage, tail.position, found.position))
            }
            _ => {
                self.ahead.push((lineage, name, found));
                Ok(())
            }
        }
    }

    /// Looks at a chunk and the one before it.
    pub(super) fn visit_chunk(&mut self, view: &View, chunk: &Chunk) -> Result<(), StorageError> {
        let (start, lineage) = (chunk.start, chunk.start.lineage);
        let expected = match self.chunks {
            Some(next) if next.lineage == lineage => Some(next),
            _ => beginning(view, lineage)?.map(|base| Start::behind(lineage, base)),
        };
        self.chunks = Some(chunk.next());
        match expected {
            Some(expected) if expected != start => {
                Err(short(lineage, start.position, expected.position))
            }
            _ => Ok(()),
        }
    }

    fn visit_stretch(&mut self, name: SpaceName, first: u64, to: u64) -> Result<(), StorageError> {
        let expected = match &self.order {
            Some((current, next)) if *current == name => *next,
            _ => 1,
        };
        if first != expected {
            return Err(gap(&name, expected, first));
        }
        self.order = Some((name, to));
        Ok(())
    }

    /// When all rows are met.
    pub(super) fn finish(&self) -> Result<(), StorageError> {
        if self.unnamed == 0 {
            return Ok(());
        }
        Err(StorageError::Corrupt(format!("the lineages of {} streams are missing", self.unnamed)))
    }

    /// When the groups are replayed, no stream is halfway any more.
    pub(super) fn settle(&self, view: &View) -> Result<(), StorageError> {
        for (lineage, key, found) in &self.ahead {
            if view.recent.read().active.stream(*lineage).is_some_and(|stream| stream.removed) {
                continue;
            }
            let told = |slot: &Slot| {
                let state = slot.state().filter(|state| state.ranges.own() == *lineage);
                state.is_some_and(|state| state.tail.sequence >= found.sequence)
            };
            if !told(&view.slot(key)?) {
                return Err(StorageError::Corrupt(format!(
                    "lineage {} has records up to {} that its stream `{key}` does not know",
                    lineage.0, found.sequence
                )));
            }
        }
        Ok(())
    }
}

/// Whether the order of a space goes as far as its counters say.
fn ends_where_it_should(view: &View, name: &SpaceName) -> Result<(), StorageError> {
    let last = view.packed.space(name)?.last;
    let end = last_stretch(&view.packed, name)?.map_or(1, |(_, stretch, _)| stretch.to);
    if end == last + 1 { Ok(()) } else { Err(gap(name, end, last + 1)) }
}

/// Where the chunks of a lineage begin; `None` where they, or the first of them, are being deleted.
fn beginning(view: &View, lineage: Lineage) -> Result<Option<Tail>, StorageError> {
    let row = Row::Lineage(lineage);
    match view.packed.read::<StoredLineage>(row)? {
        Some(_) if is_trimmed(&view.packed, lineage)? => Ok(None),
        Some(stored) => Ok(Some(stored.base())),
        None if is_grave(&view.packed, lineage)? => Ok(None),
        None => Err(StorageError::Corrupt(format!("{row} is missing"))),
    }
}

fn short(lineage: Lineage, expected: u64, found: u64) -> StorageError {
    StorageError::Corrupt(format!(
        "the chunks of lineage {} end at position {found} where {expected} is expected",
        lineage.0
    ))
}

fn gap(name: &SpaceName, expected: u64, found: u64) -> StorageError {
    StorageError::Corrupt(format!(
        "the order of space `{}` goes on at space sequence {found} where {expected} is expected",
        name.space
    ))
}
