//! The block that is being filled: what goes into it, and what of it is written.

use bytes::Bytes;
use headwater_core::BatchRecord;

use super::out::{Failure, Out};
use super::{BLOCK_BYTES, BLOCK_RECORDS};
use crate::local::run::{self, Head, Run};
use crate::local::stored::Table;

/// What a block's table takes, about, at most: with much metadata it would otherwise be larger than the block.
const TABLE_BYTES: usize = BLOCK_BYTES;

/// Payload that was not written yet.
#[derive(Debug)]
pub(super) struct Pieces<'p> {
    rest: std::slice::Iter<'p, Bytes>,
    current: &'p [u8],
}

impl<'p> Pieces<'p> {
    pub(super) fn new(pieces: &'p [Bytes]) -> Self {
        Self { rest: pieces.iter(), current: &[] }
    }

    /// The next bytes, so many at most; none where nothing is left.
    fn next(&mut self, most: usize) -> &'p [u8] {
        while self.current.is_empty() {
            let Some(piece) = self.rest.next() else { return &[] };
            self.current = piece;
        }
        let (now, later) = self.current.split_at_checked(most).unwrap_or((self.current, &[]));
        self.current = later;
        now
    }
}

/// The block that is being filled.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) offset: u64,
    pub(super) len: usize,
    pub(super) crc: u32,
    pub(super) table: Table,
    pub(super) records: usize,
    table_bytes: usize,
}

impl Open {
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0 && self.records == 0
    }

    /// How many of these records go into it; an empty one takes at least one that is not too large.
    pub(super) fn fitting(&self, records: &[BatchRecord]) -> usize {
        let (mut len, mut table) = (self.len as u64, self.table_bytes + run::RUN_BYTES);
        let mut count = 0;
        for record in records {
            len = len.saturating_add(record.len);
            table += run::cost(record, run::Metadata::Inline);
            let full = len > BLOCK_BYTES as u64
                || self.records + count >= BLOCK_RECORDS
                || table > TABLE_BYTES;
            let first = self.is_empty() && count == 0 && record.len <= BLOCK_BYTES as u64;
            if full && !first {
                break;
            }
            count += 1;
        }
        count
    }

    /// Adds records that fit, or the one that is too large for any block.
    pub(super) fn note(&mut self, head: Head, records: &[BatchRecord]) {
        self.records += records.len();
        let cost = |record| run::cost(record, run::Metadata::Inline);
        self.table_bytes += run::RUN_BYTES + records.iter().map(cost).sum::<usize>();
        self.table.runs.push(Run { head, records: records.to_vec() });
    }

    /// Writes so many bytes of it.
    pub(super) fn write(
        &mut self,
        out: &mut Out,
        payload: &mut Pieces<'_>,
        len: u64,
    ) -> Result<(), Failure> {
        if self.len == 0 {
            self.offset = out.offset();
        }
        // No more than a block has.
        let mut left = len as usize;
        while left > 0 {
            let part = payload.next(left);
            if part.is_empty() {
                return Err(Failure::input("the payload ends before its records"));
            }
            out.put(part)?;
            self.crc = crc32c::crc32c_append(self.crc, part);
            self.len += part.len();
            left -= part.len();
        }
        Ok(())
    }
}
