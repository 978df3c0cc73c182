//! Reading what is packed: rows as they stand in the database, chunks, and stretches of orders.

pub(super) mod stretches;

use std::ops::Bound;

use bytes::Bytes;
use headwater_core::Lineage;
use headwater_core::record::RecordMeta;
use headwater_core::storage::StorageError;
use sled::IVec;

use super::chunk;
use super::tree::Tree;
use crate::local::frame::Verify;
use crate::local::read::rows::{Part, Start, row_of, rows_touching};
use crate::local::recent::SpaceName;
use crate::local::rows::{Entry, Packed, Piece, Rows};
use crate::local::stored::Stretch;

impl Rows for Tree {
    fn verify(&self) -> Verify {
        Tree::verify(self)
    }

    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        self.db().get(key)
    }

    fn scan_from(&self, prefix: Vec<u8>, from: Bound<Vec<u8>>) -> impl Iterator<Item = Entry> {
        self.db().scan_from(prefix, from)
    }

    fn edits(&self) -> u64 {
        Tree::edits(self)
    }
}

impl Packed for Tree {
    fn piece(&self, lineage: Lineage, position: u64) -> Result<Option<Piece>, StorageError> {
        let chunk = chunk::holding(self, lineage, position)?;
        Ok(chunk.map(|chunk| Piece { from: chunk.start.position, bytes: chunk.payload }))
    }

    fn bytes(&self, lineage: Lineage, from: u64, to: u64) -> Result<Vec<Bytes>, StorageError> {
        let (mut chunks, mut position) = (Vec::new(), from);
        let mut found = chunk::holding(self, lineage, from)?;
        while position < to
            && let Some(chunk) = found
        {
            let piece = chunk.within(position, to);
            // A chunk of empty records alone has no bytes.
            if !piece.is_empty() {
                chunks.push(piece);
            }
            position = chunk.end();
            found = if position < to { chunk::at(self, chunk.next())? } else { None };
        }
        Ok(chunks)
    }

    fn records(
        &self,
        lineage: Lineage,
        span: (u64, u64),
        before: Option<u64>,
    ) -> Result<Vec<RecordMeta>, StorageError> {
        rows_touching(self, lineage, span, before)
    }

    fn record(
        &self,
        lineage: Lineage,
        position: u64,
        sequence: u64,
    ) -> Result<Option<RecordMeta>, StorageError> {
        row_of(self, Start { lineage, position, sequence })
    }

    fn stretch(&self, name: &SpaceName, sequence: u64) -> Result<Option<Stretch>, StorageError> {
        let found = stretches::stretch_holding(self, name, sequence)?;
        Ok(found.map(|(_, stretch)| stretch))
    }
}
