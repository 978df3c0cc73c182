//! References, tables and rows that were not written by this program, and have the right checksums.

use bytes::Bytes;
use headwater_core::storage::StorageError;
use headwater_core::{BatchRecord, Lineage};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::column::put;
use super::super::footer::HEADER;
use super::super::*;
use super::disk::MemDisk;
use super::story::{Append, Index, Story, facts, name, order_row};
use crate::local::frame::Verify;
use crate::local::row::Row;
use crate::local::run::{Head, Run};
use crate::local::stored::encode;

const BEGIN: u64 = HEADER as u64;
const START: Start = Start { lineage: Lineage(7), position: 100, sequence: 3 };

fn file() -> (MemDisk, ChunkFile) {
    let lens = vec![500; 20];
    let (disk, file) =
        Story::tell(&[Append { stream: 0, skipped: 0, lens, tagged: vec![] }]).file();
    disk.reads();
    (disk, file)
}

fn is_corrupt<T: std::fmt::Debug>(result: &Result<T, StorageError>) -> bool {
    matches!(result, Err(StorageError::Corrupt(_)))
}

#[test]
fn references_that_lead_out_of_a_chunk_file_are_refused_unread() {
    let (disk, file) = file();
    let rows = file.footer().section.offset;
    let end = disk.content(&name().path()).len() as u64;
    for (offset, len) in [
        (rows, 1),
        (rows - 1, 2),
        (rows + 1, 0),
        (0, 32),
        (BEGIN - 1, 1),
        (end, 1),
        (end - 1, u32::MAX),
        (BEGIN, u32::MAX),
        (u64::MAX, 1),
        (u64::MAX, u32::MAX),
        (u64::MAX - 10, 10),
    ] {
        let (extent, good) = (Extent::new(offset, len, 0), Extent::new(BEGIN, 0, 0));
        for at in [
            BlockRef::new(name(), extent, extent, u32::MAX),
            BlockRef::new(name(), extent, good, 0),
        ] {
            let block = Block { start: START, at };
            assert!(is_corrupt(&file.block(&block)), "{offset} {len}");
            if len > 0 {
                assert!(
                    is_corrupt(&file.read_across(&[block, block], 0, u64::MAX)),
                    "{offset} {len}"
                );
            }
        }
        let block = Block { start: START, at: BlockRef::new(name(), good, extent, u32::MAX) };
        assert!(is_corrupt(&file.table(&block)), "{offset} {len}");
        let order = OrderRef::new(name(), extent, u64::MAX);
        assert!(is_corrupt(&file.order(&order_row("s", 1), &order)), "{offset} {len}");
    }
    let other = ChunkName::new(3, 6).unwrap();
    let at = BlockRef::new(other, Extent::new(BEGIN, 10, 0), Extent::new(BEGIN, 10, 0), 1);
    assert!(is_corrupt(&file.block(&Block { start: START, at })));
    assert!(is_corrupt(&file.table(&Block { start: START, at })));
    assert_eq!(disk.reads(), []);
}

#[test]
fn references_to_other_places_in_a_chunk_file_serve_nothing() {
    let (disk, file) = file();
    let sound = *Index::of(&file).unwrap().all().next().unwrap();
    let (payload, table) = (sound.at.payload, sound.at.table);
    let crc = |bytes: &[u8]| crc32c::crc32c(bytes);
    let bytes = file.block(&sound).unwrap();
    for (offset, len) in
        [(BEGIN + 1, payload.len), (BEGIN, payload.len - 1), (BEGIN - 1, 1), (BEGIN + 8, 8)]
    {
        let file = ChunkFile::open(&disk, name()).unwrap();
        let moved = Extent::new(offset, len, crc(&bytes));
        let at = BlockRef::new(name(), moved, table, sound.at.records);
        assert!(is_corrupt(&file.block(&Block { at, ..sound })), "{offset} {len}");
    }
    // A sound table of another block.
    for (start, records) in [
        (sound.start, sound.at.records - 1),
        (sound.start, sound.at.records + 1),
        (sound.start, 0),
        (Start { position: u64::MAX, ..sound.start }, sound.at.records),
    ] {
        let at = BlockRef::new(name(), payload, table, records);
        let found = file.table(&Block { start, at });
        assert!(records == sound.at.records || is_corrupt(&found), "{found:?}");
    }
    let at = BlockRef::new(name(), Extent::new(BEGIN, payload.len + 1, 0), table, sound.at.records);
    assert!(
        is_corrupt(&file.table(&Block { at, ..sound })),
        "a table that does not cover its block"
    );
}

#[test]
fn rows_that_lead_to_impossible_places_in_chunks_are_refused() {
    let extent = Extent::new(BEGIN, 100, 0);
    let of = |start: Start, at: BlockRef| {
        let key = start.row().key();
        Block::of_row(&key, &encode(&key, &at).unwrap(), Verify::Checksum)
    };
    let at = BlockRef::new(name(), extent, extent, 5);
    assert_eq!(of(START, at), Ok(Block { start: START, at }));
    assert!(is_corrupt(&of(Start { position: u64::MAX - 99, ..START }, at)));
    assert!(is_corrupt(&of(Start { sequence: u64::MAX - 4, ..START }, at)));
    let key = Row::Grave(Lineage(7)).key();
    assert!(is_corrupt(&Block::of_row(&key, &encode(&key, &at).unwrap(), Verify::Checksum)));
    // A reference whose name is none, as its bytes say: the first round is 0.
    let key = START.row().key();
    let mut value = encode(&key, &at).unwrap();
    value[5] = 0;
    let value = crate::local::frame::finish(&key, value);
    assert!(is_corrupt(&Block::of_row(&key, &value, Verify::Checksum)));
}

#[test]
fn tables_and_orders_of_chunks_that_claim_much_take_nothing() {
    // So many records of one length, in a handful of bytes.
    let claim = |numbers: &[u64]| {
        let mut bytes = Vec::new();
        numbers.iter().for_each(|number| put(&mut bytes, *number));
        bytes
    };
    let many = u64::MAX >> 1;
    for numbers in [
        &[1, 0, 0, many][..],
        &[1, 0, 0, u64::MAX, 2, 1],
        &[1, 0, u64::MAX, 1, 2, 0, 2, 0, 2, 0, 2, 1, 2, 1, 0],
        &[1, 0, 0, 1, 2, 0, 2, 0, 2, 0, 2, many, many << 1, 1, 0],
        &[1, 0, 0, 1, 2, 0, 2, 0, 2, 0, 2, 1, 2, 1, u64::MAX],
        &[1, 0, 0, 1, 2, 0, 2, 0, 2, 0, 2, 0, 2, 1, 0],
        &[2, 0, 0, 0, 0],
    ] {
        assert!(table::decode(&claim(numbers), START, 1).is_err(), "{numbers:?}");
        assert!(order::decode(&claim(numbers), 1, u64::MAX).is_err(), "{numbers:?}");
    }
    for numbers in [&[1, 0, 0, 0, 0][..], &[1, 0, 0, 1, 2, 0, 2, 0, 2, 0, 2, 1, 2, 1, 0]] {
        let records = numbers[3] as usize;
        assert!(table::decode(&claim(numbers), START, records).is_ok(), "{numbers:?}");
        assert!(table::decode(&claim(numbers), START, records + 1).is_err(), "{numbers:?}");
    }
    let head = Head { lineage: Lineage(1), sequence: 1, position: 0, space: 5, unit: 1, at: 1 };
    let bytes = order::encode(5, &[Run { head, records: vec![BatchRecord::plain(1); 10] }]);
    assert!(order::decode(&bytes, 5, 15).is_ok());
    for (first, to) in [(5, 14), (5, 0), (u64::MAX - 3, u64::MAX)] {
        assert!(order::decode(&bytes, first, to).is_err(), "{first} {to}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_table_or_an_order_of_chunks_or_none(
        bytes in vec(prop_oneof![any::<u8>(), 0..4u8], 0..80),
        records in 0..2000usize,
    ) {
        if let Ok(table) = table::decode(&bytes, START, records) {
            prop_assert_eq!(table.runs.iter().map(|run| run.records.len()).sum::<usize>(), records);
        }
        if let Ok(stretch) = order::decode(&bytes, 1, 5000) {
            let told: usize = stretch.runs.iter().map(|run| run.records.len()).sum();
            prop_assert!(told < 5000);
        }
    }
}

/// A file with these pieces of rows, each with its length and checksum.
fn with_pieces(pieces: &[(Vec<u8>, Option<u32>)], rows: u64) -> Vec<Result<RowEdit, StorageError>> {
    with_sum(pieces, rows, |crc| crc)
}

/// The same, with another checksum of them all.
fn with_sum(
    pieces: &[(Vec<u8>, Option<u32>)],
    rows: u64,
    sum: fn(u32) -> u32,
) -> Vec<Result<RowEdit, StorageError>> {
    let mut bytes = footer::header(name());
    let mut section = footer::Section { offset: bytes.len() as u64, rows, ..Default::default() };
    for (piece, len) in pieces {
        let len = len.unwrap_or(piece.len() as u32).to_le_bytes();
        let crc = crc32c::crc32c_append(crc32c::crc32c(&len), piece).to_le_bytes();
        let head = [len, crc].concat();
        section.crc = crc32c::crc32c_append(section.crc, &head);
        bytes.extend(head);
        bytes.extend_from_slice(piece);
    }
    (section.len, section.crc) = (bytes.len() as u64 - section.offset, sum(section.crc));
    bytes.extend(Footer { name: name(), facts: facts(), section }.encode());
    let disk = MemDisk::default();
    disk.plant(&name().path(), &bytes);
    ChunkFile::open(&disk, name()).unwrap().rows().collect()
}

#[test]
fn rows_of_a_chunk_file_that_cannot_be_end_in_an_error() {
    let row = |key: u8| vec![1, 0, 3, 0, 0, 0, key, 8, 9];
    let expected =
        |key| RowEdit { key: Bytes::from(vec![key]), value: Some(Bytes::from_static(&[8, 9])) };
    let rows = with_pieces(&[([row(1), row(2)].concat(), None), (row(3), None)], 3);
    assert_eq!(rows, [Ok(expected(1)), Ok(expected(2)), Ok(expected(3))]);
    // Pieces that are whole, and not those that the footer means.
    let others = with_sum(&[(row(1), None), (row(2), None)], 2, |crc| crc ^ 1);
    let [Ok(_), Ok(_), last] = &others[..] else { panic!("{others:?}") };
    assert!(is_corrupt(last));
    let short = vec![9, 0, 0, 0, 0, 0, 1];
    let long = [&row(2)[..2], &[255; 4], &row(2)[6..]].concat();
    for (what, pieces, rows, good) in [
        ("too few", vec![(row(1), None)], 2, 1),
        ("too many", vec![(row(1), None)], 0, 1),
        ("the same twice", vec![([row(1), row(1)].concat(), None)], 2, 1),
        ("out of order", vec![(row(2), None), (row(1), None)], 2, 1),
        ("no key", vec![(vec![0; 6], None)], 1, 0),
        ("a key without end", vec![(row(1), None), (short, None)], 2, 1),
        ("a value without end", vec![(row(1), None), (long, None)], 2, 1),
        ("a rest", vec![([row(1), vec![1, 0]].concat(), None)], 1, 1),
        ("an empty piece", vec![(row(1), None), (vec![], None), (row(2), None)], 2, 1),
        ("a piece that reaches into the footer", vec![(row(1), Some(10))], 1, 0),
        ("a piece of any length", vec![(row(1), Some(u32::MAX))], 1, 0),
    ] {
        let found = with_pieces(&pieces, rows);
        let (last, before) = found.split_last().unwrap();
        assert!(is_corrupt(last), "{what}: {last:?}");
        assert_eq!(before.len(), good, "{what}");
        assert!(before.iter().all(Result::is_ok), "{what}");
    }
}
