//! Where blocks stand in their lineage.

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, Tail};

use super::name::ChunkName;
use super::refs::BlockRef;
use crate::local::frame::{Damage, Verify};
use crate::local::row::Row;
use crate::local::stored::decode;

/// Where a block begins: the position of its first byte, and the sequence of the first record that begins in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) lineage: Lineage,
    pub(crate) position: u64,
    pub(crate) sequence: u64,
}

impl Start {
    /// The first block behind a tail.
    pub(crate) fn behind(lineage: Lineage, tail: Tail) -> Self {
        Self { lineage, position: tail.position, sequence: tail.sequence.saturating_add(1) }
    }

    /// The row that leads to the block.
    pub(crate) fn row(self) -> Row<'static> {
        let Self { lineage, position, sequence } = self;
        Row::Chunk { lineage, position, sequence }
    }
}

/// A block: where it begins, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) start: Start,
    pub(crate) at: BlockRef,
}

impl Block {
    /// The block that a row of the catalogue leads to.
    pub(crate) fn of_row(key: &[u8], value: &[u8], verify: Verify) -> Result<Self, StorageError> {
        let corrupt = || StorageError::Corrupt(Damage::Content.at(key));
        let Some(Row::Chunk { lineage, position, sequence }) = Row::parse(key) else {
            return Err(corrupt());
        };
        let block =
            Self { start: Start { lineage, position, sequence }, at: decode(key, value, verify)? };
        let ends = position.checked_add(block.at.payload.len.into());
        let numbered = sequence.checked_add(block.at.records.into());
        ends.and(numbered).and(block.at.file()).map(|_| block).ok_or_else(corrupt)
    }

    /// The file that it is in.
    pub(crate) fn file(&self) -> Option<ChunkName> {
        self.at.file()
    }

    /// The position after its last byte.
    pub(crate) fn end(&self) -> u64 {
        self.start.position.saturating_add(self.at.payload.len.into())
    }

    /// Where the block after it begins.
    pub(crate) fn next(&self) -> Start {
        let sequence = self.start.sequence.saturating_add(self.at.records.into());
        Start { position: self.end(), sequence, ..self.start }
    }

    /// The tail after it.
    pub(crate) fn tail(&self) -> Tail {
        Tail { position: self.end(), sequence: self.next().sequence.saturating_sub(1) }
    }
}
