//! The bytes of a backup.

use bytes::Bytes;

use super::archive::{Begin, Encoder, End, File, FileEnd, Piece, verify};

fn pieces() -> Vec<Piece> {
    let mut done = FileEnd::default();
    done.add(b"abc");
    let mut sum = End::default();
    sum.add(done);
    vec![
        Piece::Begin(Begin::new(1, 300, (5, 1_700_000_000_000))),
        Piece::File(File { path: "SEAL".to_owned(), size: 4 }),
        Piece::Data(Bytes::from_static(b"abc")),
        Piece::FileEnd(done),
        Piece::End(sum),
    ]
}

#[test]
fn a_backup_is_these_bytes() {
    let mut encoder = Encoder::default();
    let frames: Vec<Bytes> = pieces().iter().map(|piece| encoder.frame(piece).unwrap()).collect();
    // Each behind length, checksum and number: the kind, and what is said.
    let bodies: [&[u8]; 5] = [
        b"\x01\x01\x07journal\x01\xac\x02\x05\x80\xd0\x95\xff\xbc1",
        b"\x02\x04SEAL\x04",
        b"\x03abc",
        b"\x04\x03\xb7\xff\xac\xb2\x03",
        b"\x05\x01\x03",
    ];
    for (number, (frame, body)) in frames.iter().zip(bodies).enumerate() {
        let from = if number == 0 { 8 } else { 0 };
        assert_eq!(&frame[from + 16..], body, "frame {number}");
        let len = (body.len() as u32).to_le_bytes();
        let number = (number as u64).to_le_bytes();
        let crc = crc32c::crc32c(&[&len[..], &number, body].concat()).to_le_bytes();
        assert_eq!(&frame[from..from + 16], [&len[..], &crc, &number].concat());
    }
    assert_eq!(&frames[0][..8], b"hwbackup");
    let told = verify(&*frames.concat()).unwrap();
    assert_eq!((told.files, told.bytes, told.unit, told.at), (1, 3, 5, 1_700_000_000_000));
}

#[test]
fn frames_in_another_order_are_refused_though_each_is_sound() {
    let mut wrong = Vec::new();
    for (at, other) in [(1, 2), (2, 3), (3, 4), (0, 4)] {
        let mut moved = pieces();
        moved.swap(at, other);
        wrong.push(moved);
    }
    for left_out in 0..4 {
        let mut fewer = pieces();
        fewer.remove(left_out);
        wrong.push(fewer);
    }
    let mut twice = pieces();
    twice.insert(3, pieces()[2].clone());
    wrong.push(twice);
    for pieces in wrong {
        let mut encoder = Encoder::default();
        let bytes: Vec<u8> =
            pieces.iter().flat_map(|piece| encoder.frame(piece).unwrap()).collect();
        assert!(verify(&*bytes).is_err(), "{pieces:?}");
    }
    let mut other = pieces();
    let Piece::Begin(begin) = &mut other[0] else { unreachable!() };
    begin.version = 2;
    let mut encoder = Encoder::default();
    let bytes: Vec<u8> = other.iter().flat_map(|piece| encoder.frame(piece).unwrap()).collect();
    assert!(matches!(verify(&*bytes), Err(super::BackupError::Newer)));
}
