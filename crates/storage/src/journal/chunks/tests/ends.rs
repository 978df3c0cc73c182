//! Opening a file: what is not whole, or not the one that was asked for, is not opened.

use std::sync::Arc;

use headwater_core::storage::StorageError;

use super::super::footer::{FOOTER, HEADER};
use super::super::*;
use super::disk::MemDisk;
use super::story::{Append, Story, facts, name};

fn small() -> (MemDisk, Vec<u8>) {
    let lens = vec![50; 4];
    let (disk, _) = Story::tell(&[Append { stream: 0, skipped: 0, lens, tagged: vec![] }]).file();
    let bytes = disk.content(&name().path());
    (disk, bytes)
}

fn open(bytes: &[u8], name: ChunkName) -> Result<ChunkFile, StorageError> {
    let disk = MemDisk::default();
    disk.plant(&name.path(), bytes);
    ChunkFile::open(&disk, name)
}

#[test]
fn a_chunk_file_of_any_other_length_is_not_opened() {
    let (_, bytes) = small();
    for len in 0..bytes.len() {
        let cut = open(&bytes[..len], name());
        assert!(matches!(cut, Err(StorageError::Corrupt(_))), "cut to {len}");
    }
    for more in [1, 8, 4096] {
        let long = [&bytes[..], &vec![0; more]].concat();
        assert!(matches!(open(&long, name()), Err(StorageError::Corrupt(_))), "{more} too long");
    }
    // As long, with a hole in it that was closed from behind.
    let mut shifted = bytes.clone();
    shifted.insert(HEADER, 0);
    assert!(matches!(open(&shifted, name()), Err(StorageError::Corrupt(_))));
}

#[test]
fn a_chunk_file_under_another_name_is_not_opened() {
    let (_, bytes) = small();
    for (first, last) in [(1, 1), (3, 4), (4, 5), (3, 6)] {
        let other = ChunkName::new(first, last).unwrap();
        let Err(StorageError::Corrupt(text)) = open(&bytes, other) else { panic!("{other}") };
        assert!(text.contains(&other.to_string()), "{text}");
    }
}

#[test]
fn chunk_files_with_sound_ends_that_do_not_fit_are_not_opened() {
    let (_, bytes) = small();
    let end = bytes.len() - FOOTER;
    let footer = Footer::parse(&bytes[end..]).unwrap();
    let sound = footer.section;
    let (offset, len) = (sound.offset, sound.len);
    for (offset, len) in [
        (offset + 1, len),
        (offset, len + 1),
        (offset, len - 1),
        (0, offset + len),
        (HEADER as u64 - 1, end as u64 + 1 - HEADER as u64),
        (u64::MAX, len + offset + 1),
        (offset.wrapping_neg(), len),
        (u64::MAX, u64::MAX),
    ] {
        let forged = Footer { section: footer::Section { offset, len, ..sound }, ..footer };
        let forged = [&bytes[..end], &forged.encode()].concat();
        let opened = open(&forged, name());
        assert!(matches!(opened, Err(StorageError::Corrupt(_))), "{offset} {len}");
    }
    let other = ChunkName::new(1, 5).unwrap();
    let forged = [&footer::header(other), &bytes[HEADER..]].concat();
    assert!(matches!(open(&forged, name()), Err(StorageError::Corrupt(_))));
    assert!(open(&bytes, name()).is_ok());
}

#[test]
fn a_version_of_chunk_files_to_come_is_told_from_damage() {
    let (_, bytes) = small();
    let end = bytes.len() - FOOTER;
    let mut later = bytes.clone();
    later[end + 8] = 2;
    let mut crc = crc32c::crc32c(&later[end..end + 12]);
    crc = crc32c::crc32c_append(crc, &later[end + 16..]);
    later[end + 12..end + 16].copy_from_slice(&crc.to_le_bytes());
    let Err(StorageError::Corrupt(text)) = open(&later, name()) else { panic!("it was opened") };
    assert!(text.contains("unknown version 2"), "{text}");
}

#[test]
fn a_disk_that_does_not_read_is_no_damage_of_chunks() {
    let (disk, _) = small();
    for number in 1.. {
        disk.fail_at(number);
        let opened = ChunkFile::open(&disk, name());
        disk.heal();
        match opened {
            Ok(_) => {
                assert!(number > 4, "opening takes more than {number} operations");
                break;
            }
            Err(error) => assert!(matches!(error, StorageError::Unavailable(_)), "{error}"),
        }
    }
    let missing = ChunkFile::open(&disk, ChunkName::new(9, 9).unwrap());
    assert!(matches!(missing, Err(StorageError::Unavailable(_))));
}

#[test]
fn an_empty_chunk_file_is_one() {
    let disk = MemDisk::default();
    let writer = ChunkWriter::create(Arc::new(disk.clone()), name()).unwrap();
    let footer = writer.finish(facts()).unwrap();
    let file = ChunkFile::open(&disk, name()).unwrap();
    assert_eq!((file.rows().count(), footer.section.len), (0, 0));
    assert_eq!(disk.content(&name().path()).len(), HEADER + FOOTER);
}
