//! What is read, how often, and what damage takes with it.

use std::ops::ControlFlow;

use headwater_core::storage::StorageError;

use super::super::*;
use super::disk::MemDisk;
use super::story::{Append, Index, Story, name};

/// Ten blocks of one lineage, and then a small one of another.
fn ten() -> (Story, MemDisk, ChunkFile, Vec<Block>) {
    let append =
        |stream, len, count| Append { stream, skipped: 0, lens: vec![len; count], tagged: vec![] };
    let story = Story::tell(&[append(0, 4096, 160), append(1, 100, 3)]);
    let (disk, file) = story.file();
    let blocks = Index::of(&file).unwrap().blocks[&5].clone();
    assert_eq!(blocks.len(), 10);
    disk.reads();
    (story, disk, file, blocks)
}

#[test]
fn a_block_is_verified_once_and_then_only_what_is_asked_for_is_read_of_the_chunk_file() {
    let (story, disk, file, blocks) = ten();
    let (payload, block) = (story.payload(5), &blocks[3]);
    let begin = 3 * BLOCK_BYTES as u64;
    let offset = block.at.payload.offset;
    for read in [(offset, BLOCK_BYTES), (offset + 100, 7)] {
        let bytes = file.payload(block, begin + 100, begin + 107).unwrap();
        assert!(bytes == payload[begin as usize + 100..begin as usize + 107]);
        assert_eq!(disk.reads(), [read]);
    }
    assert!(file.payload(block, begin + 5, begin + 5).unwrap().is_empty());
    assert!(file.payload(block, 0, begin).unwrap().is_empty());
    assert!(file.payload(block, begin + 9, begin + 2).unwrap().is_empty());
    assert_eq!(disk.reads(), []);
    // A block that is small is verified each time.
    let small = Index::of(&file).unwrap().blocks[&982][0];
    disk.reads();
    for _ in 0..2 {
        file.payload(&small, small.start.position + 1, small.end()).unwrap();
        assert_eq!(disk.reads(), [(small.at.payload.offset, 300)]);
    }
}

#[test]
fn what_is_known_of_the_blocks_of_a_chunk_file_takes_little() {
    let seen = seen::Seen::new(1 << 30);
    let extent = |offset, len| Extent::new(offset, len, 0);
    assert_eq!(seen.weight(), 0);
    // Blocks that lie side by side, each as short as one can be that is remembered.
    let blocks: Vec<_> = (0..1000).map(|n| extent(32 + n * 4096, 4096)).collect();
    for (index, block) in blocks.iter().enumerate() {
        assert!(!seen.contains(block), "{index}");
        seen.insert(block);
        assert!(seen.contains(block), "{index}");
    }
    let short = extent(5_000_000, 4095);
    seen.insert(&short);
    assert!(!seen.contains(&short));
    seen.insert(&extent(u64::MAX, u32::MAX));
    assert_eq!(seen.weight(), 32 * 1024);
}

#[test]
fn blocks_that_follow_each_other_in_a_chunk_file_are_read_at_once() {
    let (story, disk, file, blocks) = ten();
    let payload = story.payload(5);
    let (from, to) = (100, 10 * BLOCK_BYTES as u64 - 50);
    let all = |pieces: Vec<bytes::Bytes>| pieces.concat() == payload[from as usize..to as usize];
    let first = blocks[0].at.payload.offset;
    assert!(all(file.read_across(&blocks, from, to).unwrap()));
    assert_eq!(disk.reads(), [(first, 10 * BLOCK_BYTES)]);
    assert!(all(file.read_across(&blocks, from, to).unwrap()));
    assert_eq!(disk.reads(), [(first + 100, 10 * BLOCK_BYTES - 150)]);
    assert!(file.read_across(&blocks, 7, 7).unwrap().is_empty());
    assert!(file.read_across(&[], 7, 9).unwrap().is_empty());
    assert_eq!(disk.reads(), []);
}

#[test]
fn long_reads_of_a_chunk_file_are_divided() {
    let lens = vec![1 << 20; 3];
    let story = Story::tell(&[Append { stream: 0, skipped: 0, lens, tagged: vec![] }]);
    let (disk, file) = story.file();
    let blocks = Index::of(&file).unwrap().blocks[&5].clone();
    disk.reads();
    assert!(file.read_across(&blocks, 0, u64::MAX).unwrap().concat() == story.payload(5));
    assert_eq!(disk.reads().iter().map(|(_, len)| *len).collect::<Vec<_>>(), [1 << 20; 3]);
}

#[test]
fn damage_in_a_block_fails_that_part_of_the_chunk_file_only() {
    let (story, disk, file, blocks) = ten();
    let payload = story.payload(5);
    disk.flip(&name().path(), blocks[4].at.payload.offset + 9, 4);
    for again in [false, true] {
        let before = file.read_across(&blocks, 0, u64::MAX).unwrap().concat();
        assert!(before == payload[..4 * BLOCK_BYTES], "{again}");
        let damaged = file.read_across(&blocks, 4 * BLOCK_BYTES as u64 + 1_000, u64::MAX);
        let Err(StorageError::Corrupt(text)) = damaged else { panic!("it was served") };
        let offset = blocks[4].at.payload.offset;
        for part in [&name().to_string(), "lineage 5", &format!("byte {offset}")] {
            assert!(text.contains(part), "{text}");
        }
        assert!(file.block(&blocks[4]).is_err());
        let behind = file.read_across(&blocks, 5 * BLOCK_BYTES as u64, u64::MAX).unwrap().concat();
        assert!(behind == payload[5 * BLOCK_BYTES..], "{again}");
        assert!(blocks.iter().all(|block| file.table(block).is_ok()));
    }
    let mut found = Vec::new();
    let flow = file.scrub(|_| ControlFlow::Continue(()), |error| found.push(error.to_string()));
    assert_eq!((flow, found.len()), (ControlFlow::Continue(()), 1), "{found:?}");
}

#[test]
fn a_place_that_cannot_be_read_fails_that_part_of_the_chunk_file_only() {
    let (story, disk, file, blocks) = ten();
    let payload = story.payload(5);
    let at = blocks[4].at.payload.offset + 9;
    disk.bad(at, at + 1);
    let (mut read, mut position) = (Vec::new(), 0);
    while let Ok(pieces) = file.read_across(&blocks, position, u64::MAX) {
        assert!(!pieces.is_empty());
        read.extend(pieces.concat());
        position = read.len() as u64;
    }
    assert!(read == payload[..4 * BLOCK_BYTES]);
    let failed = file.read_across(&blocks, position, u64::MAX);
    assert!(matches!(failed, Err(StorageError::Unavailable(_))));
    assert!(file.read_across(&blocks, position + BLOCK_BYTES as u64, u64::MAX).is_ok());
    disk.heal();
    assert!(
        file.read_across(&blocks, position, u64::MAX).unwrap().concat()
            == payload[position as usize..]
    );
}

#[test]
fn scrubbing_a_chunk_file_ends_when_it_is_told_to() {
    let (_, disk, file, _) = ten();
    let mut pieces = 0;
    let pace = |_| {
        pieces += 1;
        if pieces == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(file.scrub(pace, |error| panic!("{error}")), ControlFlow::Break(()));
    assert!(disk.reads().iter().all(|(_, len)| *len <= BLOCK_BYTES));
}
