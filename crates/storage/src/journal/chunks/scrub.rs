//! Verifying everything in a file, piece by piece.

use std::ops::ControlFlow;

use headwater_core::storage::StorageError;

use super::file::ChunkFile;
use super::footer::HEADER;
use super::place::Block;
use super::refs::OrderRef;
use crate::local::frame::{Damage, Verify};
use crate::local::row::{Row, tag};
use crate::local::stored::decode;

impl ChunkFile {
    /// Reads all of the file, and reports what is damaged. After each piece, `pace` is told how many bytes that was, and may
    /// wait, or end it.
    ///
    /// The two ends were verified when the file was opened. Every other byte belongs to a piece of rows, or to one of the
    /// things that a row leads to.
    pub(crate) fn scrub(
        &self,
        mut pace: impl FnMut(u64) -> ControlFlow<()>,
        mut found: impl FnMut(StorageError),
    ) -> ControlFlow<()> {
        let mut covered = HEADER as u64;
        let mut rows = self.rows();
        loop {
            let before = rows.offset();
            let Some(row) = rows.next() else { break };
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    found(error);
                    return ControlFlow::Continue(());
                }
            };
            let value = row.value.unwrap_or_default();
            let (bytes, outcome) = self.scrub_row(&row.key, &value);
            covered = covered.saturating_add(bytes);
            if let Err(error) = outcome {
                found(error);
            }
            pace(bytes + (rows.offset() - before))?;
        }
        if covered != self.footer().section.offset {
            found(self.damage(HEADER as u64, "not every byte belongs to something"));
        }
        ControlFlow::Continue(())
    }

    /// Verifies what a row leads to, and how many bytes that is.
    fn scrub_row(&self, key: &[u8], value: &[u8]) -> (u64, Result<(), StorageError>) {
        match key.first() {
            _ if value.is_empty() => (0, Ok(())),
            Some(&tag::CHUNK) => match Block::of_row(key, value, Verify::Checksum) {
                Ok(block) => {
                    let bytes = u64::from(block.at.payload.len) + u64::from(block.at.table.len);
                    let payload =
                        self.verified(block.file(), &block.at.payload, &block.start.row());
                    (bytes, payload.and_then(|_| self.table(&block)).map(drop))
                }
                Err(error) => (0, Err(error)),
            },
            Some(&tag::ORDER) => {
                match (Row::parse(key), decode::<OrderRef>(key, value, Verify::Checksum)) {
                    (Some(row), Ok(at)) => (at.stretch.len.into(), self.order(&row, &at).map(drop)),
                    (None, _) => (0, Err(StorageError::Corrupt(Damage::Content.at(key)))),
                    (_, Err(error)) => (0, Err(error)),
                }
            }
            _ => (0, Ok(())),
        }
    }
}
