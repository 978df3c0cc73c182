//! Files whose rows come sorted, and blocks that are taken over from other files.

use std::sync::Arc;

use headwater_core::Lineage;
use headwater_core::storage::StorageError;

use super::super::*;
use super::disk::MemDisk;
use super::story::{Append, Index, Story, facts, name};
use crate::local::row::Row;

fn story() -> Story {
    let append = |stream, lens: &[usize]| Append {
        stream,
        skipped: 1,
        lens: lens.to_vec(),
        tagged: vec![0],
    };
    let mut story = Story::tell(&[
        append(0, &[200; 400]),
        append(1, &[200_000, 5]),
        append(2, &[3, 0]),
        append(0, &[900; 100]),
    ]);
    story.rows = vec![
        (Row::Producer { lineage: Lineage(5), id: "p" }.key(), Some(vec![1, 2, 3])),
        (Row::Grave(Lineage(2)).key(), None),
    ];
    story
}

#[test]
fn a_chunk_file_of_sorted_rows_is_the_same_file() {
    let story = story();
    let (plain, _) = story.file();
    let disk = MemDisk::default();
    let mut writer = ChunkWriter::create_sorted(Arc::new(disk.clone()), name()).unwrap();
    story.put(&mut writer).unwrap();
    assert_eq!(disk.names().len(), 2, "{:?}", disk.names());
    assert!(
        Listing::of(disk.names().iter().map(|name| name.replace("chunks/", "")))
            .unwrap()
            .strange
            .is_empty()
    );
    writer.settle().unwrap();
    let (draft, written) = (writer.settled().unwrap(), Index::of(&plain_file(&plain)).unwrap());
    assert_eq!(
        draft.rows().count(),
        written.all().count() + written.others.len() + orders(&written)
    );
    writer.finish(facts()).unwrap();
    assert_eq!(disk.names().len(), 1);
    assert_eq!(disk.content(&name().path()), plain.content(&name().path()));
}

fn plain_file(disk: &MemDisk) -> ChunkFile {
    ChunkFile::open(disk, name()).unwrap()
}

fn orders(index: &Index) -> usize {
    index.orders.values().map(Vec::len).sum()
}

#[test]
fn rows_that_are_not_sorted_are_refused_in_a_chunk_file_of_sorted_ones() {
    let mut story = story();
    story.rows.reverse();
    let disk = MemDisk::default();
    let mut writer = ChunkWriter::create_sorted(Arc::new(disk.clone()), name()).unwrap();
    assert!(matches!(story.put(&mut writer), Err(StorageError::Corrupt(_))));
    assert!(writer.settle().is_err());
    assert!(Listing::read(&disk).unwrap().files.is_empty());
}

#[test]
fn blocks_of_one_chunk_file_are_taken_over_into_another() {
    let story = story();
    let (_, file) = story.file();
    let index = Index::of(&file).unwrap();
    let disk = MemDisk::default();
    let mut writer = ChunkWriter::create(Arc::new(disk.clone()), name()).unwrap();
    let mut ahead = Ahead::new(&file);
    for blocks in index.blocks.values() {
        writer.stream(blocks[0].start).unwrap();
        for block in blocks {
            let payload = ahead.payload(block).unwrap();
            let (table, _) = ahead.table(block).unwrap();
            writer.adopt(block, &payload, &table).unwrap();
        }
    }
    writer.finish(facts()).unwrap();
    let copy = ChunkFile::open(&disk, name()).unwrap();
    let copied = Index::of(&copy).unwrap();
    for (lineage, blocks) in &copied.blocks {
        let bytes: Vec<u8> = blocks.iter().flat_map(|block| copy.block(block).unwrap()).collect();
        assert!(bytes == story.payload(*lineage));
        let starts = |blocks: &[Block]| blocks.iter().map(|block| block.start).collect::<Vec<_>>();
        assert_eq!(starts(blocks), starts(&index.blocks[lineage]));
        for (block, other) in blocks.iter().zip(&index.blocks[lineage]) {
            assert_eq!(copy.table(block).unwrap(), file.table(other).unwrap());
        }
    }
    // A block that does not follow is refused.
    let first = index.all().next().unwrap();
    let mut writer = ChunkWriter::create(Arc::new(disk), name()).unwrap();
    writer.stream(first.next()).unwrap();
    let (payload, table) = (ahead.payload(first).unwrap(), ahead.table(first).unwrap().0);
    assert!(matches!(writer.adopt(first, &payload, &table), Err(StorageError::Corrupt(_))));
}
