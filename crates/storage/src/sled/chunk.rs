//! Chunks: some records of one stream, their table and their bytes in one value.
//!
//! The chunks of a lineage follow each other without a gap, from its own first record to its tail. Each begins where the
//! one before it ends, and says so in its key, so the next one is found without a search. Records are not divided between
//! chunks, unless one alone is too large.

use bytes::Bytes;
use headwater_core::storage::StorageError;
use headwater_core::{BatchRecord, Lineage, Tail};
use sled::IVec;

use super::tree::Tree;
use crate::local::database::tuning::VALUE_BYTES;
use crate::local::frame::{self, Damage, HEADER};
use crate::local::read::rows::{Part, Parts, Start};
use crate::local::row::{Row, Written, of_lineage, tag};
use crate::local::run::{self, Head, Run};
use crate::local::stored::{StoredTable, Table, Unacceptable};

/// The version of a chunk.
const VERSION: u8 = 1;

/// Before the table stand its length and the number of records that begin in the chunk, four bytes each. So a reader of
/// bytes goes from chunk to chunk without looking into a table.
const COUNTS: usize = 8;

/// Most records in a chunk: who wants to know about one record decodes the table of all.
const CHUNK_RECORDS: usize = 1024;

/// The start in a chunk's key.
fn parse(key: &[u8]) -> Result<Start, StorageError> {
    match Row::parse(key) {
        Some(Row::Chunk { lineage, position, sequence }) => {
            Ok(Start { lineage, position, sequence })
        }
        _ => Err(StorageError::Corrupt(Damage::Content.at(key))),
    }
}

/// A chunk that was read. Its table is decoded when it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) start: Start,
    /// Its bytes. They are the database's own copy; nothing is copied again.
    pub(super) payload: Bytes,
    records: u32,
    table: Bytes,
}

impl Chunk {
    /// Verifies a value, and takes it apart.
    pub(super) fn open(tree: &Tree, key: &[u8], value: IVec) -> Result<Self, StorageError> {
        let start = parse(key)?;
        let damage = |damage: Damage| StorageError::Corrupt(damage.at(key));
        let (version, body) = frame::open(key, &value, tree.verify()).map_err(damage)?;
        if version != VERSION {
            return Err(damage(Damage::Version(version)));
        }
        let Some((&[a, b, c, d, records @ ..], body)) = body.split_first_chunk::<COUNTS>() else {
            return Err(damage(Damage::Short));
        };
        let len = u32::from_le_bytes([a, b, c, d]) as usize;
        if len > body.len() {
            return Err(damage(Damage::Short));
        }
        let body = Bytes::from_owner(value).slice(HEADER + COUNTS..);
        let records = u32::from_le_bytes(records);
        Ok(Self { start, payload: body.slice(len..), records, table: body.slice(..len) })
    }

    /// Bytes of its value.
    pub(super) fn size(&self) -> usize {
        HEADER + COUNTS + self.table.len() + self.payload.len()
    }

    /// The position after its last byte.
    pub(super) fn end(&self) -> u64 {
        self.start.position + self.payload.len() as u64
    }

    /// Its bytes in `from..to`, as far as it has them.
    pub(super) fn within(&self, from: u64, to: u64) -> Bytes {
        let from = from.clamp(self.start.position, self.end()) - self.start.position;
        let to = to.clamp(self.start.position, self.end()) - self.start.position;
        // Both are at most the length of the payload.
        self.payload.slice(from as usize..(to as usize).max(from as usize))
    }

    /// The tail after it.
    pub(super) fn tail(&self) -> Tail {
        Tail { position: self.end(), sequence: self.next().sequence - 1 }
    }

    /// Reads all of it, to see that it fits together.
    pub(super) fn verify(&self) -> Result<(), StorageError> {
        let table = self.table()?;
        let last = table.runs.last().map(Run::end);
        let counted = last.is_none_or(|end| end.sequence == self.next().sequence);
        let covered =
            last.map_or(table.lead >= self.payload.len() as u64, |end| end.position >= self.end());
        let told = last.is_some() || self.records == 0;
        if counted && covered && told {
            Ok(())
        } else {
            Err(StorageError::Corrupt(Damage::Content.at(&self.start.row().key())))
        }
    }
}

impl Parts for Tree {
    type Part = Chunk;

    fn at(&self, start: Start) -> Result<Option<Chunk>, StorageError> {
        at(self, start)
    }

    fn floor(&self, place: Start) -> Result<Option<Chunk>, StorageError> {
        floor(self, place)
    }

    fn first(&self, lineage: Lineage) -> Result<Option<Chunk>, StorageError> {
        first(self, lineage)
    }
}

impl Part for Chunk {
    fn start(&self) -> Start {
        self.start
    }

    fn next(&self) -> Start {
        let sequence = self.start.sequence.saturating_add(self.records.into());
        Start { position: self.end(), sequence, ..self.start }
    }

    fn table(&self) -> Result<Table, StorageError> {
        let Start { lineage, position, sequence } = self.start;
        let decoded = match postcard::take_from_bytes::<StoredTable>(&self.table) {
            Ok((stored, [])) => stored.into_table(lineage, position, sequence),
            _ => Err(Unacceptable),
        };
        decoded.map_err(Unacceptable::at(&self.start.row().key()))
    }
}

/// The chunk that begins somewhere.
pub(super) fn at(tree: &Tree, start: Start) -> Result<Option<Chunk>, StorageError> {
    let key = start.row().key();
    tree.db().get_in_passing(&key)?.map(|value| Chunk::open(tree, &key, value)).transpose()
}

/// The last chunk that begins at or before a place.
pub(super) fn floor(tree: &Tree, place: Start) -> Result<Option<Chunk>, StorageError> {
    let found = tree.db().floor(&of_lineage(tag::CHUNK, place.lineage), &place.row().key())?;
    found.map(|(key, value)| Chunk::open(tree, &key, value)).transpose()
}

/// The chunk that holds the byte at a position.
pub(super) fn holding(
    tree: &Tree,
    lineage: Lineage,
    position: u64,
) -> Result<Option<Chunk>, StorageError> {
    // Of several chunks at one position, only the last has bytes.
    let found = floor(tree, Start { lineage, position, sequence: u64::MAX })?;
    Ok(found.filter(|chunk| position < chunk.end()))
}

/// The first chunk of a lineage.
pub(super) fn first(tree: &Tree, lineage: Lineage) -> Result<Option<Chunk>, StorageError> {
    let found = tree.db().scan(&of_lineage(tag::CHUNK, lineage)).next().transpose()?;
    found.map(|(key, value)| Chunk::open(tree, &key, value)).transpose()
}

/// The last chunk of a lineage.
pub(super) fn last(tree: &Tree, lineage: Lineage) -> Result<Option<Chunk>, StorageError> {
    let found = tree.db().last(&of_lineage(tag::CHUNK, lineage))?;
    found.map(|(key, value)| Chunk::open(tree, &key, value)).transpose()
}

/// Divides records of one lineage into chunks.
#[derive(Debug)]
pub(super) struct Cutter {
    chunks: Vec<(Vec<u8>, Vec<u8>)>,
    start: Start,
    table: Table,
    payload: Vec<u8>,
    records: usize,
    table_bytes: usize,
}

impl Cutter {
    /// Begins where the lineage's chunks end.
    pub(super) fn new(start: Start) -> Self {
        let (table, payload) = (Table::default(), Vec::with_capacity(VALUE_BYTES));
        Self { chunks: Vec::new(), start, table, payload, records: 0, table_bytes: 0 }
    }

    /// Begins with the lineage's last chunk, which will be written anew.
    pub(super) fn reopen(last: &Chunk) -> Result<Self, StorageError> {
        let mut cutter = Self::new(last.start);
        let Table { back, lead, runs } = last.table()?;
        (cutter.table.back, cutter.table.lead) = (back, lead);
        let lead = usize::try_from(lead).unwrap_or(usize::MAX);
        let (leading, own) = last.payload.split_at_checked(lead).unwrap_or((&[], &last.payload));
        cutter.payload.extend_from_slice(leading);
        let mut rest = own;
        for Run { head, records } in &runs {
            let len = usize::try_from(run::bytes(records)).unwrap_or(usize::MAX);
            let (payload, later) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            cutter.push(*head, records, payload)?;
            rest = later;
        }
        Ok(cutter)
    }

    /// Adds records that were appended together, with their bytes.
    pub(super) fn push(
        &mut self,
        mut head: Head,
        mut records: &[BatchRecord],
        mut payload: &[u8],
    ) -> Result<(), StorageError> {
        while let Some(first) = records.first() {
            let count = self.fitting(records);
            if count == 0 {
                self.close()?;
                if first.len > VALUE_BYTES as u64 {
                    let (whole, later) =
                        payload.split_at_checked(first.len as usize).unwrap_or((payload, &[]));
                    self.push_large(head, first, whole)?;
                    (head, records, payload) = (
                        head.after(std::slice::from_ref(first)),
                        records.get(1..).unwrap_or_default(),
                        later,
                    );
                }
                continue;
            }
            let (now, later) = records.split_at_checked(count).unwrap_or((records, &[]));
            let len = usize::try_from(run::bytes(now)).unwrap_or(usize::MAX);
            let (bytes, rest) = payload.split_at_checked(len).unwrap_or((payload, &[]));
            self.payload.extend_from_slice(bytes);
            self.table.runs.push(Run { head, records: now.to_vec() });
            (head, records, payload) = (head.after(now), later, rest);
        }
        Ok(())
    }

    /// A record that is too large for a chunk begins one, and goes on in as many as it needs.
    fn push_large(
        &mut self,
        head: Head,
        record: &BatchRecord,
        payload: &[u8],
    ) -> Result<(), StorageError> {
        self.table.runs.push(Run { head, records: vec![record.clone()] });
        self.records = 1;
        let mut back = 0;
        for part in payload.chunks(VALUE_BYTES) {
            if back > 0 {
                self.close()?;
                (self.table.back, self.table.lead) = (back, part.len() as u64);
            }
            self.payload.extend_from_slice(part);
            back += part.len() as u64;
        }
        // Other records may follow in the last one.
        self.table_bytes += run::RUN_BYTES;
        Ok(())
    }

    /// How many of these records go into the open chunk; an empty one takes at least one that is not too large.
    fn fitting(&mut self, records: &[BatchRecord]) -> usize {
        let (mut size, mut count) = (self.payload.len() + self.table_bytes + run::RUN_BYTES, 0);
        let table_before = self.table_bytes;
        let mut table = table_before + run::RUN_BYTES;
        for record in records {
            let cost = run::cost(record, run::Metadata::Inline);
            let len = usize::try_from(record.len).unwrap_or(usize::MAX);
            size = size.saturating_add(len).saturating_add(cost);
            let empty = self.payload.is_empty() && self.records == 0 && len <= VALUE_BYTES;
            if (size > VALUE_BYTES && !empty) || self.records >= CHUNK_RECORDS {
                break;
            }
            table += cost;
            self.records += 1;
            count += 1;
        }
        if count > 0 {
            self.table_bytes = table;
        }
        count
    }

    /// Completes the open chunk, if there is anything in it.
    fn close(&mut self) -> Result<(), StorageError> {
        if self.payload.is_empty() && self.table.runs.is_empty() {
            return Ok(());
        }
        let sequence = self.table.runs.last().map_or(self.start.sequence, |run| run.end().sequence);
        let position = self.start.position + self.payload.len() as u64;
        let next = Start { position, sequence, ..self.start };
        let start = std::mem::replace(&mut self.start, next);
        let table = std::mem::take(&mut self.table);
        let key = start.row().key();
        let value = encode(&key, &table, &self.payload)?;
        self.chunks.push((key, value));
        self.payload.clear();
        (self.records, self.table_bytes) = (0, 0);
        Ok(())
    }

    /// Keys and values of all chunks.
    pub(super) fn finish(mut self) -> Result<Vec<Written>, StorageError> {
        self.close()?;
        Ok(self.chunks)
    }
}

/// The value of a chunk.
pub(super) fn encode(key: &[u8], table: &Table, payload: &[u8]) -> Result<Vec<u8>, StorageError> {
    let cannot = |error: &dyn std::fmt::Display| {
        StorageError::Corrupt(format!(
            "{} cannot be written: {error}",
            crate::local::row::describe(key)
        ))
    };
    let encoded = postcard::to_stdvec(&StoredTable::of(table)).map_err(|error| cannot(&error))?;
    let len = u32::try_from(encoded.len()).map_err(|error| cannot(&error))?;
    let records: usize = table.runs.iter().map(|run| run.records.len()).sum();
    let records = u32::try_from(records).map_err(|error| cannot(&error))?;
    let mut value = frame::begin(VERSION, COUNTS + encoded.len() + payload.len());
    value.extend_from_slice(&len.to_le_bytes());
    value.extend_from_slice(&records.to_le_bytes());
    value.extend_from_slice(&encoded);
    value.extend_from_slice(payload);
    Ok(frame::finish(key, value))
}
