//! Dividing the records of one lineage into blocks, while they are written.
//!
//! Payload goes out at once, tables when the lineage is complete. So the payload of a lineage is one stretch, which is
//! what long reads are after, and no more than one lineage's tables is ever held. A lineage that is so large that its tables
//! would weigh something has them written in between: once in hundreds of blocks a reader then takes two reads for one.

use std::io;

use bytes::Bytes;
use headwater_core::BatchRecord;
use headwater_core::storage::StorageError;

use super::name::ChunkName;
use super::out::Out;
use super::place::{Block, Start};
use super::refs::{BlockRef, Extent};
use super::table;
use super::{BLOCK_BYTES, BLOCK_RECORDS};
use crate::local::run::{self, Head, Run};
use crate::local::stored::Table;

/// What the tables of a lineage may weigh until they are written: as much as what is gathered to be written anyway.
const TABLES_BYTES: usize = 1 << 20;

/// What a block's table takes, about, at most: with much metadata it would otherwise be larger than the block.
const TABLE_BYTES: usize = BLOCK_BYTES;

/// Why something was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The disk refused.
    #[error("{0}")]
    Disk(#[from] io::Error),
    /// It does not fit together.
    #[error("{0}")]
    Input(String),
}

impl Failure {
    /// What the caller of the writer is told.
    pub(super) fn at(self, path: &std::path::Path) -> StorageError {
        let text = format!("cannot write {}: {self}", path.display());
        match self {
            Self::Disk(_) => StorageError::Unavailable(text),
            Self::Input(_) => StorageError::Corrupt(text),
        }
    }

    pub(super) fn input(what: impl ToString) -> Self {
        Self::Input(what.to_string())
    }
}

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
struct Open {
    offset: u64,
    len: usize,
    crc: u32,
    table: Table,
    records: usize,
    table_bytes: usize,
}

impl Open {
    fn is_empty(&self) -> bool {
        self.len == 0 && self.records == 0
    }

    /// How many of these records go into it; an empty one takes at least one that is not too large.
    fn fitting(&self, records: &[BatchRecord]) -> usize {
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
    fn note(&mut self, head: Head, records: &[BatchRecord]) {
        self.records += records.len();
        let cost = |record| run::cost(record, run::Metadata::Inline);
        self.table_bytes += run::RUN_BYTES + records.iter().map(cost).sum::<usize>();
        self.table.runs.push(Run { head, records: records.to_vec() });
    }

    /// Writes so many bytes of it.
    fn write(&mut self, out: &mut Out, payload: &mut Pieces<'_>, len: u64) -> Result<(), Failure> {
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

/// A block whose table is not written yet.
#[derive(Debug)]
struct Pending {
    start: Start,
    payload: Extent,
    records: u32,
    table: Vec<u8>,
}

/// The lineage that is being written.
#[derive(Debug)]
pub(super) struct Filling {
    file: ChunkName,
    /// Where the open block begins.
    start: Start,
    /// Position and sequence of the record that is to come.
    next: (u64, u64),
    open: Open,
    pending: Vec<Pending>,
    pending_bytes: usize,
    blocks: Vec<Block>,
}

impl Filling {
    /// Begins with a block.
    pub(super) fn new(file: ChunkName, start: Start) -> Self {
        Self {
            file,
            start,
            next: (start.position, start.sequence),
            open: Open::default(),
            pending: Vec::new(),
            pending_bytes: 0,
            blocks: Vec::new(),
        }
    }

    /// Adds records that were appended together, with their bytes.
    pub(super) fn push(
        &mut self,
        out: &mut Out,
        mut head: Head,
        mut records: &[BatchRecord],
        pieces: &[Bytes],
    ) -> Result<(), Failure> {
        self.next = self.check(head, records, pieces)?;
        let mut payload = Pieces::new(pieces);
        while let Some((first, rest)) = records.split_first() {
            if first.len > BLOCK_BYTES as u64 {
                self.close(out)?;
                self.push_large(out, head, first, &mut payload)?;
                (head, records) = (head.after(std::slice::from_ref(first)), rest);
                continue;
            }
            let (now, later) =
                records.split_at_checked(self.open.fitting(records)).unwrap_or((records, &[]));
            if now.is_empty() {
                self.close(out)?;
                continue;
            }
            self.open.write(out, &mut payload, run::bytes(now))?;
            self.open.note(head, now);
            (head, records) = (head.after(now), later);
        }
        Ok(())
    }

    /// Writes the tables, and returns the blocks.
    pub(super) fn finish(mut self, out: &mut Out) -> Result<Vec<Block>, Failure> {
        self.close(out)?;
        self.put_tables(out)?;
        Ok(self.blocks)
    }

    /// The place behind some records, if they follow the ones before and their bytes are all there.
    fn check(
        &self,
        head: Head,
        records: &[BatchRecord],
        pieces: &[Bytes],
    ) -> Result<(u64, u64), Failure> {
        if (head.lineage, head.position, head.sequence)
            != (self.start.lineage, self.next.0, self.next.1)
        {
            return Err(Failure::input(format!(
                "records of lineage {} at position {}, sequence {} do not follow those of lineage {} up to {}, {}",
                head.lineage.0,
                head.position,
                head.sequence,
                self.start.lineage.0,
                self.next.0,
                self.next.1,
            )));
        }
        let total = records.iter().try_fold(0u64, |sum, record| sum.checked_add(record.len));
        let bytes: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
        if total != Some(bytes) {
            return Err(Failure::input("records and payload do not have the same length"));
        }
        let count = records.len() as u64;
        let fits = head.space.checked_add(count);
        let next = head.position.checked_add(bytes).zip(head.sequence.checked_add(count));
        next.filter(|_| fits.is_some()).ok_or_else(|| Failure::input("the numbers are exhausted"))
    }

    /// A record that is too large for a block begins one, and goes on in as many as it needs. Others may follow in the last.
    fn push_large(
        &mut self,
        out: &mut Out,
        head: Head,
        record: &BatchRecord,
        payload: &mut Pieces<'_>,
    ) -> Result<(), Failure> {
        self.open.note(head, std::slice::from_ref(record));
        let mut left = record.len;
        loop {
            let part = left.min(BLOCK_BYTES as u64);
            self.open.write(out, payload, part)?;
            left -= part;
            if left == 0 {
                return Ok(());
            }
            self.close(out)?;
            self.open.table.back = record.len - left;
            self.open.table.lead = left.min(BLOCK_BYTES as u64);
        }
    }

    /// Completes the open block, if there is anything in it.
    fn close(&mut self, out: &mut Out) -> Result<(), Failure> {
        if self.open.is_empty() {
            return Ok(());
        }
        let open = std::mem::take(&mut self.open);
        let table = table::encode(&open.table).map_err(Failure::input)?;
        // Both are bounded by what a block takes.
        let payload = Extent::new(open.offset, open.len as u32, open.crc);
        let records = open.records as u32;
        self.pending_bytes += table.len() + size_of::<Pending>();
        self.pending.push(Pending { start: self.start, payload, records, table });
        self.start.position += open.len as u64;
        self.start.sequence += open.records as u64;
        if self.pending_bytes > TABLES_BYTES { self.put_tables(out) } else { Ok(()) }
    }

    fn put_tables(&mut self, out: &mut Out) -> Result<(), Failure> {
        self.pending_bytes = 0;
        for Pending { start, payload, records, table } in self.pending.drain(..) {
            let len = u32::try_from(table.len()).map_err(Failure::input)?;
            let place = Extent::new(out.offset(), len, crc32c::crc32c(&table));
            out.put(&table)?;
            self.blocks
                .push(Block { start, at: BlockRef::new(self.file, payload, place, records) });
        }
        Ok(())
    }
}
