//! Reading a file from its beginning to its end, as merging does.
//!
//! Everything is verified, also what was verified before: what is written anew gets a new checksum, so damage would become sound.

use bytes::Bytes;
use headwater_core::storage::StorageError;

use super::file::ChunkFile;
use super::place::Block;
use super::refs::{Extent, OrderRef};
use crate::local::row::Row;
use crate::local::stored::{Stretch, Table};

/// What is read at once: some dozens of files are read at the same time, and their tables apart from their payload.
const AHEAD_BYTES: u64 = 128 << 10;

/// A reader that goes forward.
#[derive(Debug)]
pub(crate) struct Ahead<'f> {
    file: &'f ChunkFile,
    payload: Window,
    // Tables stand behind the payload of a whole lineage.
    tables: Window,
}

/// A part of the file that was read.
#[derive(Debug, Default)]
struct Window {
    offset: u64,
    bytes: Bytes,
}

impl<'f> Ahead<'f> {
    pub(crate) fn new(file: &'f ChunkFile) -> Self {
        Self { file, payload: Window::default(), tables: Window::default() }
    }

    /// The bytes of a block.
    pub(crate) fn payload(&mut self, block: &Block) -> Result<Bytes, StorageError> {
        let (extent, row) = (&block.at.payload, block.start.row());
        self.file.check(block.file(), extent, &row)?;
        let bytes = self.payload.read(self.file, extent)?;
        self.file.verify(extent, &bytes, &row)?;
        Ok(bytes)
    }

    /// The table of a block, as it is stored and as it is used.
    pub(crate) fn table(&mut self, block: &Block) -> Result<(Bytes, Table), StorageError> {
        let (extent, row) = (&block.at.table, block.start.row());
        self.file.check(block.file(), extent, &row)?;
        let bytes = self.tables.read(self.file, extent)?;
        self.file.verify(extent, &bytes, &row)?;
        let table = self.file.decode_table(block, &bytes)?;
        Ok((bytes, table))
    }

    /// A stretch of an order.
    pub(crate) fn order(&mut self, row: &Row<'_>, at: &OrderRef) -> Result<Stretch, StorageError> {
        self.file.check(at.file(), &at.stretch, row)?;
        let bytes = self.payload.read(self.file, &at.stretch)?;
        self.file.verify(&at.stretch, &bytes, row)?;
        self.file.decode_order(row, at, &bytes)
    }
}

impl Window {
    /// Bytes that are inside of the file.
    fn read(&mut self, file: &ChunkFile, extent: &Extent) -> Result<Bytes, StorageError> {
        let len = extent.len as usize;
        if len == 0 {
            return Ok(Bytes::new());
        }
        let skip =
            extent.offset.checked_sub(self.offset).and_then(|skip| usize::try_from(skip).ok());
        let there = |skip: usize| skip.checked_add(len).is_some_and(|end| end <= self.bytes.len());
        if let Some(skip) = skip.filter(|skip| there(*skip)) {
            return Ok(self.bytes.slice(skip..skip + len));
        }
        let left = file.data_end().saturating_sub(extent.offset);
        let most = left.min(AHEAD_BYTES).max(len as u64) as usize;
        match file.read(extent.offset, most) {
            Ok(bytes) => *self = Self { offset: extent.offset, bytes },
            // Perhaps only what follows cannot be read.
            Err(_) if most > len => return file.read(extent.offset, len),
            Err(error) => return Err(error),
        }
        Ok(self.bytes.slice(..len.min(self.bytes.len())))
    }
}
