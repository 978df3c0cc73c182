//! Chunks: whatever is cut into them reads back, in whatever portions it comes, and no value is too large.

use std::sync::Arc;

use headwater_core::record::MAX_METADATA_BYTES;
use headwater_core::{BatchRecord, Lineage, Metadata, Tail};

use super::super::chunk::{Chunk, Cutter};
use super::{Directory, packed_when_closed};
use crate::local::database::tuning::{MERGE_BELOW, SEGMENT_BYTES, VALUE_BYTES, VALUE_LIMIT};
use crate::local::frame::HEADER;
use crate::local::read::rows::{Part, Start};
use crate::local::row::Row;
use crate::local::run::{Head, bytes, rows};
use crate::testkit::make;

const LINEAGE: Lineage = Lineage(3);
const BASE: Tail = Tail { position: 1000, sequence: 7 };

/// Batches of records that try every way of dividing.
fn batches() -> Vec<Vec<BatchRecord>> {
    let full = VALUE_BYTES as u64;
    let lens: &[&[u64]] = &[
        &[0],
        &[1],
        &[0, 0, 0],
        &[100; 200],
        &[full - 1, full, full + 1, 2 * full, 2 * full + 1, 10],
        &[0, 3 * full, 0],
        &[full / 2, full / 2 + 1, full / 2],
        &[5 * full],
        &[0],
        &[7 * full + 9, 1, 0, 9],
        &[3; 5000],
        &[0; 3000],
    ];
    let mut batches: Vec<Vec<_>> =
        lens.iter().map(|lens| lens.iter().map(|len| BatchRecord::plain(*len)).collect()).collect();
    let tagged = |len, text: usize| {
        let metadata = Metadata::from([("name".to_owned(), "x".repeat(text))]);
        BatchRecord { len, metadata: Some(Arc::new(metadata)) }
    };
    batches.push(vec![
        tagged(0, 10),
        tagged(10, 8000),
        tagged(full, 8000),
        tagged(9 * full, 8000),
        tagged(1, 0),
    ]);
    batches
}

/// Cuts all batches, the chunk that is open at the end of each portion being reopened for the next one.
fn cut(batches: &[Vec<BatchRecord>], portion: usize) -> Vec<Chunk> {
    // Of the empty database, only the checksums are needed.
    let directory = Directory::new(packed_when_closed());
    let committer = directory.committer();
    let tree = &committer.writer.view.packed;
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut head = Head {
        lineage: LINEAGE,
        sequence: BASE.sequence + 1,
        position: BASE.position,
        space: 1,
        unit: 1,
        at: 1,
    };
    for (batches, seed) in batches.chunks(portion).zip(0..) {
        let mut cutter = match chunks.last() {
            Some(last) if last.size() < MERGE_BELOW => {
                Cutter::reopen(&chunks.pop().unwrap()).unwrap()
            }
            Some(last) => Cutter::new(last.next()),
            None => Cutter::new(Start::behind(LINEAGE, BASE)),
        };
        for records in batches {
            let payload = make::pattern(seed, bytes(records) as usize);
            cutter.push(head, records, &payload).unwrap();
            head = Head { unit: head.unit + 1, at: head.at + 2, ..head.after(records) };
            head.space += 3;
        }
        for (key, value) in cutter.finish().unwrap() {
            assert!(value.len() < VALUE_LIMIT, "a value of {} bytes", value.len());
            chunks.push(Chunk::open(tree, &key, value.into()).unwrap());
        }
    }
    chunks
}

#[test]
fn what_is_cut_reads_back_in_any_portions() {
    let batches = batches();
    let count: usize = batches.iter().map(Vec::len).sum();
    for portion in [1, 2, 3, batches.len()] {
        let chunks = cut(&batches, portion);
        let mut next = Start::behind(LINEAGE, BASE);
        for chunk in &chunks {
            assert_eq!(chunk.start, next, "chunks follow each other");
            chunk.verify().unwrap();
            next = chunk.next();
        }
        let found: Vec<_> = chunks.iter().flat_map(|chunk| chunk.rows().unwrap()).collect();
        let (mut expected, mut payload, mut seed) = (Vec::new(), Vec::new(), 0);
        let mut head =
            Head { lineage: LINEAGE, sequence: 8, position: 1000, space: 1, unit: 1, at: 1 };
        for (index, records) in batches.iter().enumerate() {
            expected.extend(rows(head, records));
            payload.extend(make::pattern(seed, bytes(records) as usize));
            head = Head { unit: head.unit + 1, at: head.at + 2, ..head.after(records) };
            head.space += 3;
            seed = (index as u64 + 1) / portion as u64;
        }
        assert_eq!((found.len(), expected.len()), (count, count));
        assert!(found == expected, "rows, {portion} batches at a time");
        let read: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.payload.to_vec()).collect();
        assert!(read == payload, "bytes, {portion} batches at a time");
    }
}

#[test]
fn records_are_not_divided_unless_one_alone_is_too_large() {
    for chunk in cut(&batches(), 2) {
        let table = chunk.table().unwrap();
        let end = table.runs.last().map_or(chunk.end(), |run| run.end().position);
        let last = chunk.rows().unwrap().pop();
        let divided = end > chunk.end();
        assert!(!divided || last.unwrap().len > VALUE_BYTES as u64, "{:?}", chunk.start);
        assert!(chunk.payload.len() <= VALUE_BYTES, "{:?}", chunk.start);
    }
}

/// A leaf holds at most 20 entries: 16, one more before it is divided, and three from a merge.
#[test]
fn twenty_of_the_largest_ordinary_values_fit_into_a_leaf() {
    let metadata = Metadata::from([("m".to_owned(), "x".repeat(MAX_METADATA_BYTES - 1))]);
    let record = BatchRecord { len: VALUE_BYTES as u64, metadata: Some(Arc::new(metadata)) };
    let largest = cut(&[vec![record]], 1).iter().map(Chunk::size).max().unwrap();
    let key = Row::Chunk { lineage: LINEAGE, position: 0, sequence: 0 }.key().len();
    assert!(largest > VALUE_BYTES + MAX_METADATA_BYTES && largest < VALUE_LIMIT - HEADER);
    // Two more bytes each for their lengths, and some for the leaf itself.
    assert!(20 * (largest + key + 4) < SEGMENT_BYTES / 4 - 1024, "{largest}");
    let (name, stretch) = (1 + 16 + headwater_core::key::MAX_PATH_BYTES + 9, VALUE_BYTES + 64);
    assert!(20 * (name + stretch + 4) < SEGMENT_BYTES / 4 - 1024);
}
