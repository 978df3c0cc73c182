//! Every byte of a file, changed.

use std::ops::ControlFlow;

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, StoreId};

use super::super::footer::{FOOTER, HEADER};
use super::super::*;
use super::disk::MemDisk;
use super::story::{Append, Index, Story, name, order_row};
use crate::local::row::Row;

fn story() -> Story {
    let append = |stream, lens: &[usize]| Append {
        stream,
        skipped: 1,
        lens: lens.to_vec(),
        tagged: vec![0],
    };
    let mut story = Story::tell(&[
        append(0, &[20, 0, 5]),
        append(1, &[300]),
        append(0, &[7]),
        append(2, &[0]),
        append(0, &[4000]),
        append(5, &[1, 1, 1, 1]),
    ]);
    let producer = |id| Row::Producer { lineage: Lineage(5), id }.key();
    story.rows = vec![
        (producer("a"), Some(vec![7; 40])),
        (producer("b"), None),
        (Row::Space { store: StoreId(1), space: "s" }.key(), Some(vec![1])),
    ];
    story
}

/// Everything that can be read of a file, piece by piece.
fn look(file: &ChunkFile, index: &Index) -> Vec<Result<String, StorageError>> {
    let rows = file.rows().collect::<Result<Vec<_>, _>>();
    let mut seen = vec![rows.map(|rows| format!("{rows:?}"))];
    for block in index.all() {
        seen.push(file.block(block).map(|bytes| format!("{bytes:?}")));
        let across = file.read_across(&[*block], block.start.position + 1, block.end());
        seen.push(across.map(|bytes| format!("{bytes:?}")));
        seen.push(file.table(block).map(|table| format!("{table:?}")));
    }
    for (space, stretches) in &index.orders {
        for (first, at) in stretches {
            seen.push(file.order(&order_row(space, *first), at).map(|told| format!("{told:?}")));
        }
    }
    seen
}

#[test]
fn every_changed_byte_of_a_chunk_file_is_noticed_by_who_reads_it() {
    let story = story();
    let (disk, file) = story.file();
    let index = Index::of(&file).unwrap();
    let expected = look(&file, &index);
    assert!(expected.iter().all(Result::is_ok));
    let path = name().path();
    let size = disk.content(&path).len();
    let (mut unopened, mut noticed) = (0, 0);
    for at in 0..size {
        disk.flip(&path, at as u64, 1 << (at % 8));
        match ChunkFile::open(&disk, name()) {
            Err(error) => {
                assert!(matches!(error, StorageError::Corrupt(_)), "{at}: {error}");
                unopened += 1;
            }
            Ok(file) => {
                let found = look(&file, &index);
                let failed = found.iter().zip(&expected).filter(|(found, expected)| match found {
                    Ok(_) => {
                        assert!(found == expected, "byte {at}: wrong data");
                        false
                    }
                    Err(error) => {
                        assert!(matches!(error, StorageError::Corrupt(_)), "{at}: {error}");
                        true
                    }
                });
                // A block is looked at twice; everything else once.
                let failed = failed.count();
                assert!((1..=2).contains(&failed), "byte {at}: {failed} pieces are lost");
                let mut found = Vec::new();
                let all = file.scrub(|_| ControlFlow::Continue(()), |error| found.push(error));
                assert_eq!(
                    (all, found.len()),
                    (ControlFlow::Continue(()), 1),
                    "byte {at}: {found:?}"
                );
                noticed += 1;
            }
        }
        disk.flip(&path, at as u64, 1 << (at % 8));
    }
    // The ends are compared when the file is opened. There are no other bytes that nobody looks at.
    assert_eq!((unopened, noticed), (HEADER + FOOTER, size - HEADER - FOOTER));
}

#[test]
fn a_chunk_file_that_is_cut_off_while_it_is_open_fails_where_it_is_cut() {
    let story = story();
    let (disk, file) = story.file();
    let index = Index::of(&file).unwrap();
    let expected = look(&file, &index);
    let path = name().path();
    let mut failed = 0;
    for len in (0..disk.content(&path).len()).rev() {
        disk.cut(&path, len);
        let found = look(&file, &index);
        let now = found.iter().zip(&expected).filter(|(found, expected)| match found {
            Ok(_) => {
                assert!(found == expected, "cut to {len}: wrong data");
                false
            }
            Err(error) => {
                assert!(matches!(error, StorageError::Unavailable(_)), "{len}: {error}");
                true
            }
        });
        let now = now.count();
        assert!(now >= failed, "cut to {len}");
        failed = now;
    }
    // What has no bytes is still there.
    let empty = |block: &&Block| block.at.payload.len == 0;
    assert_eq!(failed, expected.len() - 2 * index.all().filter(empty).count() - short(&index));
}

/// Blocks of which nothing was asked for behind their first byte.
fn short(index: &Index) -> usize {
    index.all().filter(|block| block.at.payload.len == 1).count()
}

#[test]
fn a_chunk_file_that_is_another_one_is_never_served() {
    let (disk, file) = story().file();
    let index = Index::of(&file).unwrap();
    let expected = look(&file, &index);
    let other = MemDisk::default();
    let mut longer = story();
    longer.rows.remove(0);
    longer.write(&other).unwrap();
    // Another file of the same name, with the same payload and other rows.
    disk.plant(&name().path(), &other.content(&name().path()));
    let file = ChunkFile::open(&disk, name()).unwrap();
    for (found, expected) in look(&file, &index).iter().zip(&expected).skip(1) {
        assert!(found.is_err() || found == expected);
    }
}
