//! Writing: what fails, and what does not fit together.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::StorageError;
use headwater_core::{BatchRecord, Lineage, Tail};

use super::super::*;
use super::disk::MemDisk;
use super::story::{Append, Index, STORE, Story, facts, name};
use crate::local::run::Head;

fn story() -> Story {
    let append = |stream, lens: &[usize]| Append {
        stream,
        skipped: 1,
        lens: lens.to_vec(),
        tagged: vec![0],
    };
    Story::tell(&[append(0, &[200; 30]), append(1, &[700_000]), append(2, &[900_000, 3])])
}

#[test]
fn whatever_fails_leaves_at_most_a_draft_of_a_chunk_file() {
    let disk = MemDisk::default();
    let story = story();
    let draft = format!("chunks/{}.draft", name());
    for number in 1.. {
        disk.fail_at(number);
        let written = story.write(&disk);
        disk.heal();
        let Err(error) = written else {
            assert!(number > 6, "writing takes more than {number} operations");
            break;
        };
        assert!(matches!(error, StorageError::Unavailable(_)), "{number}: {error}");
        match disk.names().as_slice() {
            [] => {}
            [only] if *only == draft => {
                assert_eq!(Listing::read(&disk).unwrap().drafts.len(), 1);
            }
            // It has its name, but that is not durable: the file is whole, and may be there after a crash or not.
            [only] => {
                assert_eq!(*only, format!("chunks/{}", name()), "{number}");
                Index::of(&ChunkFile::open(&disk, name()).unwrap()).unwrap();
            }
            names => panic!("{number}: {names:?}"),
        }
    }
    assert_eq!(disk.names(), [format!("chunks/{}", name())]);
    Index::of(&ChunkFile::open(&disk, name()).unwrap()).unwrap();
}

#[test]
fn nothing_is_written_to_a_chunk_file_behind_a_write_that_failed() {
    let disk = MemDisk::default();
    let mut writer = ChunkWriter::create(Arc::new(disk.clone()), name()).unwrap();
    disk.fail_at(1);
    let story = story();
    assert!(story.put(&mut writer).is_err());
    disk.heal();
    let before = disk.operations();
    assert!(writer.finish(facts()).is_err());
    assert_eq!(disk.operations(), before);
    assert!(Listing::read(&disk).unwrap().files.is_empty());
}

#[test]
fn a_chunk_file_that_is_dropped_does_not_count() {
    let disk = MemDisk::default();
    story().write(&disk).unwrap();
    let before = disk.content(&name().path());
    let mut writer = ChunkWriter::create(Arc::new(disk.clone()), name()).unwrap();
    story().put(&mut writer).unwrap();
    drop(writer);
    let listing = Listing::read(&disk).unwrap();
    assert_eq!((listing.files.len(), listing.drafts.len()), (1, 1));
    assert!(disk.content(&name().path()) == before);
    story().write(&disk).unwrap();
    assert!(Listing::read(&disk).unwrap().drafts.is_empty());
}

fn head(lineage: u64, position: u64, sequence: u64) -> Head {
    Head { lineage: Lineage(lineage), position, sequence, space: 9, unit: 1, at: 1 }
}

type Attempt = fn(&mut ChunkWriter) -> Result<(), StorageError>;

#[test]
fn chunk_files_refuse_what_does_not_fit_together() {
    fn push(writer: &mut ChunkWriter, head: Head, len: u64) -> Result<(), StorageError> {
        writer.push(head, &[BatchRecord::plain(len)], &[Bytes::from_static(b"abc")])
    }
    fn order(
        writer: &mut ChunkWriter,
        bounds: (u64, u64),
        heads: &[Head],
    ) -> Result<(), StorageError> {
        let records = [BatchRecord::plain(1), BatchRecord::plain(1)];
        writer.order((STORE, "s"), bounds, heads.iter().map(|head| (*head, &records[..])))
    }
    let at = |space| Head { space, ..head(7, 0, 1) };
    let attempts: [(&str, Attempt); 14] = [
        ("another lineage", |w| push(w, head(8, 10, 3), 3)),
        ("a gap", |w| push(w, head(7, 11, 3), 3)),
        ("a record missing", |w| push(w, head(7, 10, 4), 3)),
        ("too few bytes", |w| push(w, head(7, 10, 3), 4)),
        ("too many bytes", |w| push(w, head(7, 10, 3), 2)),
        ("lengths that overflow", |w| {
            let records = [BatchRecord::plain(u64::MAX), BatchRecord::plain(4)];
            w.push(head(7, 10, 3), &records, &[Bytes::from_static(b"abc")])
        }),
        ("no more numbers", |w| {
            w.stream(Start { lineage: Lineage(7), position: u64::MAX - 2, sequence: 3 })?;
            push(w, head(7, u64::MAX - 2, 3), 3)
        }),
        ("no more space sequences", |w| push(w, Head { space: u64::MAX, ..head(7, 10, 3) }, 3)),
        ("a row twice", |w| {
            w.row(vec![1], None)?;
            w.row(vec![1], Some(vec![2]))?;
            w.rows().map(drop)
        }),
        ("a row of the file's own twice", |w| {
            push(w, head(7, 10, 3), 3)?;
            w.row(Start { lineage: Lineage(7), position: 10, sequence: 3 }.row().key(), None)?;
            w.rows().map(drop)
        }),
        ("no key", |w| w.row(vec![], None)),
        ("a large key", |w| w.row(vec![1; 1 << 16], None)),
        ("a large value", |w| w.row(vec![1], Some(vec![1; 1 << 20]))),
        ("records behind an order", |w| {
            order(w, (1, 5), &[])?;
            push(w, head(7, 10, 3), 3)
        }),
    ];
    let begin = || {
        let mut writer = ChunkWriter::create(Arc::new(MemDisk::default()), name()).unwrap();
        writer.stream(Start::behind(Lineage(7), Tail { position: 10, sequence: 2 })).unwrap();
        writer
    };
    for (what, attempt) in attempts {
        let mut writer = begin();
        let outcome = attempt(&mut writer);
        assert!(matches!(outcome, Err(StorageError::Corrupt(_))), "{what}: {outcome:?}");
        assert!(writer.finish(facts()).is_err(), "{what}: it was finished all the same");
    }
    for (bounds, heads, fits) in [
        ((5, 9), vec![at(5), at(7)], true),
        ((4, 10), vec![at(5), at(8)], true),
        ((5, 5), vec![], true),
        ((6, 5), vec![], false),
        ((5, 8), vec![at(5), at(7)], false),
        ((6, 9), vec![at(5), at(7)], false),
        ((5, 9), vec![at(7), at(5)], false),
        ((5, 9), vec![at(5), at(6)], false),
        ((5, u64::MAX), vec![at(u64::MAX - 1)], false),
    ] {
        let mut writer = begin();
        let outcome = order(&mut writer, bounds, &heads);
        assert_eq!(outcome.is_ok(), fits, "{bounds:?} {heads:?}: {outcome:?}");
        assert_eq!(writer.finish(facts()).is_ok(), fits, "{bounds:?} {heads:?}");
    }
    let mut writer = begin();
    push(&mut writer, head(7, 10, 3), 3).unwrap();
    assert_eq!(writer.rows().unwrap().len(), 1);
    assert!(push(&mut writer, head(7, 13, 4), 3).is_err(), "the lineage was completed");
    assert!(writer.finish(facts()).is_err());
}
