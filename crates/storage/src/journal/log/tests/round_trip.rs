//! What was written is what is read, whatever its shape.

use super::*;
use crate::disk::fake::Call;

/// Shapes of groups: lengths of their frames' contents.
const SHAPES: &[&[usize]] = &[
    &[0],
    &[5],
    &[0, 0, 0],
    &[1, 2, 3, 4, 5, 6, 7, 8],
    &[100],
    &[222, 1],
    &[700],
    &[13, 1500, 13],
    &[60; 20],
];

#[test]
fn groups_of_every_shape_in_files_of_every_size() {
    for capacity in [0, 64, 72, 136, 512, 1000, 4096, 1 << 16] {
        for skip in 0..SHAPES.len() {
            let disk = FakeDisk::new();
            let mut log = Log::new(&disk, capacity);
            let mut expected = Vec::new();
            for (group, shape) in (1..).zip(SHAPES.iter().cycle().skip(skip).take(24)) {
                let contents = contents(1, group, shape);
                let written = log.write(&contents).unwrap();
                assert_eq!(written.end, log.writer.end());
                expected.push((written.end, contents));
            }
            let mut from = Mark::default();
            for at in 0..=expected.len() {
                let (groups, recovered) = read(&disk, from).unwrap();
                assert_eq!(groups, expected[at..], "capacity {capacity} from {from:?}");
                assert_eq!((recovered.end, recovered.cut), (expected[23].0, None));
                from = expected.get(at).map_or(from, |(end, _)| *end);
            }
        }
    }
}

#[test]
fn a_group_fills_a_file_exactly_or_begins_the_next_one() {
    for (spare, files) in [(0, 1), (8, 1), (16, 1), (7, 1), (-1, 2), (-8, 2)] {
        let disk = FakeDisk::new();
        let mut log = Log::new(&disk, 512);
        log.write(&[content(1, 1, 0, 30)]).unwrap();
        let room = 512 - i64::from(log.writer.end().place.offset);
        let len = (room - spare) as usize - CONTENT;
        let expected = content(1, 2, 0, len);
        let written = log.write(&[&expected]).unwrap();
        assert_eq!(written.end.place.generation, files, "{spare} bytes to spare");
        log.write(&[b"last"]).unwrap();
        let (groups, _) = read(&disk, Mark::default()).unwrap();
        assert_eq!(groups.len(), 3);
        assert_eq!(groups[1].1, [expected]);
    }
}

#[test]
fn frames_are_where_they_are_said_to_be() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, 512);
    for group in 1..10 {
        let contents = contents(1, group, &[10, 90, 0]);
        log.write(&contents).unwrap();
        let places: Vec<_> = log.batch.places().collect();
        assert_eq!(places.len(), 3);
        for (place, content) in places.iter().zip(&contents) {
            let bytes = disk.read_all(&path(place.generation)).unwrap();
            assert!(bytes[place.offset as usize + CONTENT..].starts_with(content));
        }
    }
}

#[test]
fn large_payload_goes_out_in_one_write_beside_the_buffer() {
    let piece = |byte: u8, len: usize| Bytes::from(vec![byte; len]);
    let small = [piece(1, 10), piece(2, 16 << 10), piece(3, 40_001), piece(4, 3)];
    let many: Vec<_> = (0..200).map(|at| piece(at as u8, 16 << 10)).collect();
    for (pieces, writes) in [(&small[..], 1), (&small[1..3], 1), (&many[..], 7), (&[], 1)] {
        let disk = FakeDisk::new();
        let mut log = Log::new(&disk, 8 << 20);
        log.supply.prepare_one().unwrap();
        let mut batch = Batch::default();
        for head in [&b"head"[..], b""] {
            batch.push(Kind::UNIT, VERSION, head, pieces).unwrap();
        }
        let before = disk.calls(Call::Write);
        log.writer.append(&mut batch).unwrap();
        assert_eq!(disk.calls(Call::Write) - before, writes, "{} pieces", pieces.len());
        let (groups, _) = read(&disk, Mark::default()).unwrap();
        let content = |head: &[u8]| {
            [&[head], &pieces.iter().map(|piece| &**piece).collect::<Vec<_>>()[..]]
                .concat()
                .concat()
        };
        assert_eq!(groups[0].1, [content(b"head"), content(b"")]);
    }
}

#[test]
fn the_log_goes_on_after_every_kind_of_stop() {
    let disk = FakeDisk::new();
    let mut expected: Vec<Read> = Vec::new();
    for session in 0..12 {
        let capacity = [512, 512, 1024][session % 3];
        let (mut log, groups) = Log::open(&disk, Mark::default(), settings(capacity)).unwrap();
        assert_eq!(groups, expected);
        for shape in &SHAPES[..session % 4] {
            let contents = contents(1, log.writer.end().group + 1, shape);
            let end = log.write(&contents).unwrap().end;
            expected.push((end, contents));
        }
        log.supply.prepare_one().unwrap();
        if session % 2 == 0 {
            log.writer.close().unwrap();
            assert!(read(&disk, Mark::default()).unwrap().1.sealed);
        }
    }
    assert_eq!(read(&disk, Mark::default()).unwrap().0, expected);
}

#[test]
fn a_group_waits_for_the_sync_of_the_one_before_it() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, 512);
    let end = log.append(&[b"one"]).unwrap().end;
    assert!(matches!(log.append(&[b"two"]), Err(WriteError::Unsynced)));
    assert_eq!(log.writer.end(), end);
    log.writer.sync().unwrap();
    log.write(&[b"two"]).unwrap();
    assert_eq!(read(&disk, Mark::default()).unwrap().0.len(), 2);
}

#[test]
fn groups_of_impossible_shape_are_refused_and_nothing_else_happens() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, 512);
    let none: [&[u8]; 0] = [];
    assert!(matches!(log.write(&none), Err(WriteError::Shape { frames: 0, .. })));
    let many = vec![b""; usize::from(u16::MAX)];
    assert!(matches!(log.write(&many), Err(WriteError::Shape { frames: 65_535, .. })));
    log.write(&many[1..]).unwrap();
    log.write(&[b"last"]).unwrap();
    let (groups, _) = read(&disk, Mark::default()).unwrap();
    assert_eq!((groups.len(), groups[0].1.len()), (2, 65_534));
}
