//! Dividing the records of one lineage into blocks, while they are written.
//!
//! Payload goes out at once, tables when the lineage is complete. So the payload of a lineage is one stretch, which is
//! what long reads are after, and no more than one lineage's tables is ever held. A lineage that is so large that its tables
//! would weigh something has them written in between: once in hundreds of blocks a reader then takes two reads for one.

use bytes::Bytes;
use headwater_core::BatchRecord;

use super::BLOCK_BYTES;
use super::name::ChunkName;
use super::open::{Open, Pieces};
use super::out::{Failure, Out};
use super::place::{Block, Start};
use super::refs::{BlockRef, Extent};
use super::table;
use crate::local::run::{self, Head};

/// What the tables of a lineage may weigh until they are written: as much as what is gathered to be written anyway.
const TABLES_BYTES: usize = 1 << 20;

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

    /// Adds a block as it stands in another file. It follows those before.
    pub(super) fn adopt(
        &mut self,
        out: &mut Out,
        block: &Block,
        payload: &[u8],
        table: &[u8],
    ) -> Result<(), Failure> {
        self.close(out)?;
        let place = (block.start.position, block.start.sequence);
        let fits = payload.len() as u64 == u64::from(block.at.payload.len);
        if block.start.lineage != self.start.lineage || place != self.next || !fits {
            return Err(Failure::input("a block does not follow the ones before"));
        }
        let extent = Extent::new(out.offset(), block.at.payload.len, crc32c::crc32c(payload));
        out.put(payload)?;
        let (records, table) = (block.at.records, table.to_vec());
        self.pending_bytes += table.len() + size_of::<Pending>();
        self.pending.push(Pending { start: block.start, payload: extent, records, table });
        self.start = block.next();
        self.next = (self.start.position, self.start.sequence);
        if self.pending_bytes > TABLES_BYTES { self.put_tables(out) } else { Ok(()) }
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
