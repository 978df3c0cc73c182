//! The bytes of a frame, and that each of them counts.

use super::super::frame::{BEGIN, Begin, Stretch};
use super::*;
use crate::journal::log::planted::{self, Fault};

const IDENTITY: u64 = 0x0123_4567_89AB_CDEF;

fn place(generation: u64, offset: u32) -> Place {
    Place { generation, offset }
}

/// A batch of one frame at byte 64 of file 5, as the last one of three in group 9.
fn bytes(content: &[u8]) -> Vec<u8> {
    let mut batch = Batch::default();
    batch.push(Kind::UNIT, 1, content, &[]).unwrap();
    batch.stamp(Identity::new(IDENTITY), place(5, 64), 3, (9, 1));
    batch.pieces().collect::<Vec<_>>().concat()
}

fn stretch(generation: u64, offset: u32, bytes: Vec<u8>) -> Stretch {
    Stretch { from: place(generation, offset), bytes: bytes.into() }
}

#[test]
fn a_unit_has_these_bytes() {
    let golden = [
        7, 0, 0, 0, 67, 79, 188, 111, // body, checksum
        5, 0, 0, 0, 1, 0, 0, 0, // generation, lag
        64, 0, 0, 0, 2, 0, 3, 0, // offset, index, count
        9, 0, 0, 0, 0, 0, 0, 0, // group
        2, 1, b'h', b'e', b'l', b'l', b'o', 0, // kind, version, content, padding
    ];
    let found = bytes(b"hello");
    assert_eq!(found, golden);
    let body = [IDENTITY.to_le_bytes().as_slice(), &golden[..4], &golden[8..39]].concat();
    assert_eq!(found[4..8], crc32c::crc32c(&body).to_le_bytes());
}

#[test]
fn a_begin_frame_has_these_bytes() {
    let run = Run { relaxed: true, floors: Floors { unit: 0x0102, space: 0x0304 } };
    let begin = Begin { after: Mark { place: place(4, 480), group: 8 }, capacity: 8 << 20, run };
    let found = begin.encode(Identity::new(IDENTITY), 5, (2, 1));
    let golden = [
        [43, 0, 0, 0, 0, 0, 0, 0].as_slice(),           // body, checksum
        &[5, 0, 0, 0, 1, 0, 0, 0],                      // generation, lag
        &[0, 0, 0, 0, 0, 0, 2, 0],                      // offset, index, count
        &[9, 0, 0, 0, 0, 0, 0, 0],                      // group
        &[1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0xE0, 1, 0, 0], // kind, version, generation and offset before
        &[0, 0, 0x80, 0, 8, 0, 0, 0, 0, 0, 0, 0],       // capacity, group before
        &[1, 2, 1, 0, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0], // relaxed, floors
        &[0; 5],                                        // padding
    ];
    let golden = golden.concat();
    assert_eq!(found.len(), BEGIN);
    assert_eq!(found[..4], golden[..4]);
    assert_eq!(found[8..], golden[8..]);
    let frame = stretch(5, 0, found.to_vec()).frame(Identity::new(IDENTITY), 0).unwrap();
    assert_eq!(Begin::decode(&frame), Ok(begin));
}

#[test]
fn a_begin_frame_without_a_run_is_one_of_a_run_that_synced_always() {
    let content = [4, 0, 0, 0, 0, 0, 0, 0, 0xE0, 1, 0, 0, 0, 0, 0x80, 0, 8, 0, 0, 0, 0, 0, 0, 0];
    let mut batch = Batch::default();
    batch.push(Kind::BEGIN, 1, &content, &[]).unwrap();
    batch.stamp(Identity::new(IDENTITY), place(5, 0), 1, (9, 1));
    let bytes = batch.pieces().collect::<Vec<_>>().concat();
    let frame = stretch(5, 0, bytes).frame(Identity::new(IDENTITY), 0).unwrap();
    let after = Mark { place: place(4, 480), group: 8 };
    assert_eq!(Begin::decode(&frame), Ok(Begin { after, capacity: 8 << 20, run: Run::default() }));
}

#[test]
fn what_was_written_is_read() {
    for len in 0..100 {
        let content = content(1, 9, 0, len);
        let found = stretch(5, 64, bytes(&content)).frame(Identity::new(IDENTITY), 64).unwrap();
        assert_eq!((found.kind, found.version, &*found.content), (Kind::UNIT, 1, &*content));
        assert_eq!(found.end % 8, 0);
        assert!(found.end as usize - 64 - CONTENT - len < 8);
    }
}

#[test]
fn every_bit_counts() {
    let whole = bytes(b"hello");
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut altered = whole.clone();
            altered[at] ^= 1 << bit;
            let found = stretch(5, 64, altered).frame(Identity::new(IDENTITY), 64);
            assert!(found.is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn every_cut_counts() {
    let whole = bytes(b"hello");
    for len in 0..whole.len() {
        let found = stretch(5, 64, whole[..len].to_vec()).frame(Identity::new(IDENTITY), 64);
        assert!(found.is_err(), "{len} bytes");
    }
}

#[test]
fn a_frame_counts_where_it_was_written_only() {
    let shifted = |generation, offset| {
        stretch(generation, offset, bytes(b"hello")).frame(Identity::new(IDENTITY), offset)
    };
    assert!(shifted(5, 64).is_ok());
    assert_eq!(shifted(6, 64), Err(Flaw::Header));
    assert_eq!(shifted(5, 72), Err(Flaw::Header));
    let other = stretch(5, 64, bytes(b"hello")).frame(Identity::new(IDENTITY + 1), 64);
    assert_eq!(other, Err(Flaw::Checksum));
    planted::with(Fault::IgnoresGeneration, || {
        let found = stretch(6, 64, bytes(b"hello")).frame(Identity::new(IDENTITY), 64);
        assert!(found.is_ok(), "the fault is one that the comparison above notices");
    });
}

#[test]
fn lengths_are_compared_before_they_are_used() {
    for len in [8, 40, 1 << 20, u32::MAX - 40, u32::MAX - 7, u32::MAX] {
        let mut altered = bytes(b"hello");
        altered[..4].copy_from_slice(&len.to_le_bytes());
        let found = stretch(5, 64, altered).frame(Identity::new(IDENTITY), 64);
        assert!(matches!(found, Err(Flaw::Short | Flaw::Checksum)), "{len}: {found:?}");
    }
}
