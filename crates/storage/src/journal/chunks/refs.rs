//! The values of rows that lead into a chunk file.

use serde::{Deserialize, Serialize};

use super::name::ChunkName;
use crate::local::stored::Stored;

/// Some bytes of a file, and their checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) len: u32,
    /// CRC-32C, little-endian. Fixed width, because it is a random number.
    crc: [u8; 4],
}

impl Extent {
    pub(super) fn new(offset: u64, len: u32, crc: u32) -> Self {
        Self { offset, len, crc: crc.to_le_bytes() }
    }

    /// Where its last byte has ended, if a file can be that long.
    pub(super) fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.len.into())
    }

    /// Whether these are its bytes.
    pub(super) fn holds(&self, bytes: &[u8]) -> bool {
        bytes.len() as u64 == u64::from(self.len) && crc32c::crc32c(bytes).to_le_bytes() == self.crc
    }
}

fn parts(file: ChunkName) -> (u64, u64, u32) {
    (file.first(), file.last(), file.turn())
}

fn of_parts((first, last, turn): (u64, u64, u32)) -> Option<ChunkName> {
    ChunkName::with_turn(first, last, turn)
}

/// Where a block is: the value of a chunk's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlockRef {
    /// First and last round, and turn.
    file: (u64, u64, u32),
    pub(crate) payload: Extent,
    pub(crate) table: Extent,
    /// Records that begin in it.
    pub(crate) records: u32,
}

impl BlockRef {
    pub(super) fn new(file: ChunkName, payload: Extent, table: Extent, records: u32) -> Self {
        Self { file: parts(file), payload, table, records }
    }

    /// The file.
    pub(crate) fn file(&self) -> Option<ChunkName> {
        of_parts(self.file)
    }
}

/// Where a stretch of the order of a space is: the value of an order's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderRef {
    /// First and last round, and turn.
    file: (u64, u64, u32),
    pub(crate) stretch: Extent,
    /// The space sequence after the last one that it tells about.
    pub(crate) to: u64,
}

impl OrderRef {
    pub(super) fn new(file: ChunkName, stretch: Extent, to: u64) -> Self {
        Self { file: parts(file), stretch, to }
    }

    /// The file.
    pub(crate) fn file(&self) -> Option<ChunkName> {
        of_parts(self.file)
    }
}

impl Stored for BlockRef {
    const VERSION: u8 = 1;
}

impl Stored for OrderRef {
    const VERSION: u8 = 1;
}
