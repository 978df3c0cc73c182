//! Where blocks stand in their lineage.

#[cfg(test)]
use headwater_core::Tail;
use headwater_core::storage::StorageError;

use super::name::ChunkName;
use super::refs::BlockRef;
use crate::local::frame::{Damage, Verify};
pub(crate) use crate::local::read::rows::Start;
use crate::local::row::Row;
use crate::local::stored::decode;

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
    #[cfg(test)]
    pub(crate) fn tail(&self) -> Tail {
        Tail { position: self.end(), sequence: self.next().sequence.saturating_sub(1) }
    }
}
