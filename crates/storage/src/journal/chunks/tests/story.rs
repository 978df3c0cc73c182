//! What is put into a file, and what must be found in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::record::RecordMeta;
use headwater_core::storage::{SpaceSequence, StorageError};
use headwater_core::{BatchRecord, Lineage, Metadata, StoreId};

use super::super::super::log::{Mark, Place};
use super::super::*;
use super::disk::MemDisk;
use crate::local::frame::Verify;
use crate::local::row::Row;
use crate::local::run::{self, Head};
use crate::local::stored::decode;

pub(super) const STORE: StoreId = StoreId(9);

fn mark(generation: u64, offset: u32, group: u64) -> Mark {
    Mark { place: Place { generation, offset }, group }
}

/// Records that are appended together: to which stream, after how many others elsewhere, how long, and which have metadata.
#[derive(Clone, Debug)]
pub(super) struct Append {
    pub(super) stream: usize,
    pub(super) skipped: u64,
    pub(super) lens: Vec<usize>,
    pub(super) tagged: Vec<usize>,
}

/// Records of one append, as they are numbered.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) head: Head,
    pub(super) records: Vec<BatchRecord>,
    pub(super) payload: Vec<Bytes>,
}

/// All that goes into a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Story {
    /// By lineage.
    pub(super) streams: BTreeMap<u64, (Start, Vec<Part>)>,
    /// By name: the first space sequence, and what follows.
    pub(super) spaces: BTreeMap<String, (u64, u64, Vec<Part>)>,
    pub(super) rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

pub(super) fn name() -> ChunkName {
    ChunkName::new(3, 5).unwrap()
}

fn pattern(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes.into()
}

impl Story {
    /// Numbers appends. Streams with an odd number share a space with those that have the same remainder by four.
    pub(super) fn tell(appends: &[Append]) -> Self {
        let mut story = Self::default();
        let (mut unit, mut ends) = (1_000_000u64, BTreeMap::new());
        for append in appends {
            unit += 1 + append.skipped;
            let lineage = Lineage(append.stream as u64 * 977 + 5);
            let space = format!("s{}", append.stream % 4 / 2);
            let (_, next, told) =
                story.spaces.entry(space).or_insert_with(|| (40_000, 40_000, Vec::new()));
            *next += append.skipped % 3;
            let begin = (append.stream as u64 * 1_000_003, append.stream as u64 * 41 + 1);
            let (position, sequence) = *ends.entry(lineage).or_insert(begin);
            let at = 1_700_000_000_000 + unit / 7;
            let head = Head { lineage, sequence, position, space: *next, unit, at };
            let metadata = Some(Arc::new(Metadata::from([("kind".into(), unit.to_string())])));
            let record = |(index, len): (usize, &usize)| BatchRecord {
                len: *len as u64,
                metadata: if append.tagged.contains(&index) { metadata.clone() } else { None },
            };
            let records: Vec<_> = append.lens.iter().enumerate().map(record).collect();
            let mut payload = pattern(unit, append.lens.iter().sum());
            // Sometimes in two pieces, which have nothing to do with the records.
            let first = payload.split_to(payload.len() / 3 * (unit as usize % 2));
            let part = Part { head, records, payload: vec![first, payload] };
            let end = head.after(&part.records);
            (*next, _) = (end.space, ends.insert(lineage, (end.position, end.sequence)));
            told.push(part.clone());
            let start = Start { lineage, position, sequence };
            story.streams.entry(lineage.0).or_insert((start, Vec::new())).1.push(part);
        }
        for (_, next, _) in story.spaces.values_mut() {
            // Whoever was removed leaves a gap at the end.
            *next += 2;
        }
        story
    }

    /// Writes it.
    pub(super) fn put(&self, writer: &mut ChunkWriter) -> Result<(), StorageError> {
        for (start, parts) in self.streams.values() {
            writer.stream(*start)?;
            for Part { head, records, payload } in parts {
                writer.push(*head, records, payload)?;
            }
        }
        for (space, (first, to, parts)) in &self.spaces {
            let runs = parts.iter().map(|part| (part.head, &part.records[..]));
            writer.order((STORE, space), (*first, *to), runs)?;
        }
        self.rows.iter().try_for_each(|(key, value)| writer.row(key.clone(), value.clone()))
    }

    /// Writes it to a file of its own.
    pub(super) fn write(&self, disk: &MemDisk) -> Result<Footer, StorageError> {
        let mut writer = ChunkWriter::create(Arc::new(disk.clone()), name())?;
        self.put(&mut writer)?;
        writer.finish(facts())
    }

    /// Writes and opens it.
    pub(super) fn file(&self) -> (MemDisk, ChunkFile) {
        let disk = MemDisk::default();
        self.write(&disk).unwrap();
        let file = ChunkFile::open(&disk, name()).unwrap();
        (disk, file)
    }

    /// The bytes of a lineage.
    pub(super) fn payload(&self, lineage: u64) -> Vec<u8> {
        let parts = self.streams[&lineage].1.iter();
        parts.flat_map(|part| part.payload.concat()).collect()
    }

    /// The rows of the records of a lineage.
    pub(super) fn records(&self, lineage: u64) -> Vec<RecordMeta> {
        let parts = self.streams[&lineage].1.iter();
        parts.flat_map(|part| run::rows(part.head, &part.records)).collect()
    }
}

pub(super) fn facts() -> Facts {
    Facts {
        edition: 7,
        as_of: 7,
        latest: 7,
        from: mark(11, 4096, 5),
        to: mark(12, 64, 9),
        unit: 1_234_567,
        at: 1_700_000_000_000,
        ledger: Ledger { rows: 10, streams: 3, digest: 0xFEDC_BA98_7654_3210, bytes: 1_500 },
    }
}

/// What the rows of a file lead to.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) blocks: BTreeMap<u64, Vec<Block>>,
    /// By space: where each stretch begins, and where it is.
    pub(super) orders: BTreeMap<String, Vec<(u64, OrderRef)>>,
    pub(super) others: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Index {
    pub(super) fn of(file: &ChunkFile) -> Result<Self, StorageError> {
        let mut index = Self::default();
        for row in file.rows() {
            let RowEdit { key, value } = row?;
            match (Row::parse(&key), &value) {
                (Some(Row::Chunk { lineage, .. }), Some(value)) => {
                    let block = Block::of_row(&key, value, Verify::Checksum)?;
                    index.blocks.entry(lineage.0).or_default().push(block);
                }
                (Some(Row::Order { store: STORE, space, first }), Some(value)) => {
                    let at = decode(&key, value, Verify::Checksum)?;
                    index.orders.entry(space.to_owned()).or_default().push((first.0, at));
                }
                _ => index.others.push((key.to_vec(), value.map(|value| value.to_vec()))),
            }
        }
        Ok(index)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Block> {
        self.blocks.values().flatten()
    }
}

/// The row of a stretch.
pub(super) fn order_row(space: &str, first: u64) -> Row<'_> {
    Row::Order { store: STORE, space, first: SpaceSequence(first) }
}
