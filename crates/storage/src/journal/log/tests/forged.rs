//! What is not the log's, though it looks like it.

use super::super::frame::{BEGIN, Begin, HEADER, Header};
use super::*;
use crate::journal::log::planted::{self, Fault};

const CAPACITY: u32 = 4096;

/// A log with a first group, and the bytes of its file with a second one.
fn with_a_ghost() -> (FakeDisk, Bytes) {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    log.write(&[b"first"]).unwrap();
    let cut = disk.at_rest();
    log.write(&[b"ghost"]).unwrap();
    (cut, disk.read_all(&path(1)).unwrap())
}

#[test]
fn a_group_that_comes_back_behind_a_cut_is_not_read() {
    let (disk, ghost) = with_a_ghost();
    let mut log = Log::open(&disk, Mark::default(), settings(CAPACITY)).unwrap().0;
    log.write(&[b"second"]).unwrap();
    log.write(&[b"third"]).unwrap();
    let disk = replaced(&disk, &path(1), &ghost);
    let found = || read(&disk, Mark::default()).map(|(groups, _)| groups);
    let contents: Vec<_> =
        found().unwrap().into_iter().flat_map(|(_, contents)| contents).collect();
    assert_eq!(contents, [b"first".as_slice(), b"second", b"third"]);
    let missed = planted::with(Fault::IgnoresContinuation, found);
    assert!(missed.is_err(), "the fault is one that is noticed here: {missed:?}");
}

#[test]
fn the_place_and_the_group_belong_together() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    let first = log.write(&[b"first"]).unwrap().end;
    log.write(&[b"second"]).unwrap();
    for group in [0, 2, 3] {
        let wrong = || read(&disk, Mark { group, ..first });
        let flaw = Flaw::Group { expected: group + 1, found: 2 };
        assert!(
            matches!(wrong(), Err(ReadError::Corrupt { flaw: found, .. }) if found == flaw),
            "{:?}",
            wrong()
        );
        let missed = planted::with(Fault::IgnoresGroup, wrong);
        assert_eq!(missed.unwrap().0.len(), 1, "the fault is one that is noticed here");
    }
}

/// A log of two groups, the second of which is torn in its first byte and has this payload.
fn torn(payload: &[u8]) -> Result<Option<Cut>, ReadError> {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, 64 << 10);
    log.write(&[b"first"]).unwrap();
    let torn = log.write(&[payload]).unwrap();
    disk.flip(&path(1), u64::from(torn.from.offset), 1).unwrap();
    read(&disk, Mark::default()).map(|(groups, recovered)| {
        assert_eq!(groups.len(), 1);
        recovered.cut
    })
}

/// Where payload of the second group lies that begins with six bytes of filling.
const PAYLOAD: u32 = (BEGIN + 40 + CONTENT) as u32 + 6;

/// What a client sends that knows everything of the log but its identity: a frame of group 9, written when the group so many
/// before it was durable.
fn imitation(identity: Identity, lag: u32) -> Vec<u8> {
    let place = Place { generation: 1, offset: PAYLOAD };
    let mut batch = Batch::default();
    batch.push(Kind::UNIT, VERSION, b"imitation", &[]).unwrap();
    batch.stamp(identity, place, 1, (9, lag));
    [vec![0; 6], batch.pieces().collect::<Vec<_>>().concat()].concat()
}

#[test]
fn payload_that_imitates_a_frame_is_payload() {
    let cut = torn(&imitation(Identity::new(8), 1)).unwrap().unwrap();
    assert_eq!((cut.group, cut.place.offset), (2, BEGIN as u32 + 40));
    let known = torn(&imitation(Identity::new(7), 1));
    assert!(
        matches!(known, Err(ReadError::Corrupt { later: Some(_), .. })),
        "it is the identity that makes the difference: {known:?}"
    );
}

#[test]
fn a_later_frame_shows_what_was_durable_when_it_was_written() {
    for lag in 0..12 {
        let found = torn(&imitation(Identity::new(7), lag));
        // Group 2 is damaged. It was durable where the frame says so of it or of a later one.
        let durable = (1..=7).contains(&lag);
        let noticed = matches!(found, Err(ReadError::Corrupt { later: Some(_), .. }));
        assert_eq!(noticed, durable, "{lag}: {found:?}");
        assert!(durable || found.unwrap().unwrap().group == 2, "{lag}");
    }
}

#[test]
fn payload_full_of_headers_is_not_searched_for_hours() {
    let mut payload = vec![0; 6];
    for offset in (PAYLOAD..60_000).step_by(HEADER) {
        let place = Place { generation: 1, offset };
        let header =
            Header { len: 65_536 - offset - 32, place, index: 0, count: 1, group: 9, lag: 1 };
        payload.extend(header.encode(Identity::new(8), std::iter::empty()));
    }
    let found = torn(&payload);
    assert!(matches!(found, Err(ReadError::Corrupt { flaw: Flaw::Crowded, .. })), "{found:?}");
}

#[test]
fn lengths_beyond_the_file_are_not_believed() {
    for len in [2, 100, 4000, 4096, 1 << 20, u32::MAX - 64, u32::MAX] {
        let disk = FakeDisk::new();
        let mut log = Log::new(&disk, CAPACITY);
        let end = log.write(&[b"first"]).unwrap().end;
        let header = Header { len, place: end.place, index: 0, count: 1, group: 2, lag: 1 };
        let mut bytes = disk.read_all(&path(1)).unwrap().to_vec();
        let at = end.place.offset as usize;
        bytes[at..at + HEADER]
            .copy_from_slice(&header.encode(Identity::new(9), std::iter::empty()));
        let disk = replaced(&disk, &path(1), &bytes);
        let (groups, recovered) = read(&disk, Mark::default()).unwrap();
        let cut = recovered.cut.unwrap();
        assert_eq!((groups.len(), cut.place, cut.group), (1, end.place, 2));
    }
}

#[test]
fn a_header_that_ends_in_old_bytes_is_torn() {
    for (from, old) in [(8, 0xFF), (16, 0xFF), (24, 0xFF), (24, b'a'), (24, 0), (8, 0), (16, 3)] {
        let disk = FakeDisk::new();
        let mut log = Log::new(&disk, CAPACITY);
        let end = log.write(&[b"first"]).unwrap().end;
        log.write(&[b"second", b"second"]).unwrap();
        let mut bytes = disk.read_all(&path(1)).unwrap().to_vec();
        let at = end.place.offset as usize;
        bytes[at + from..].fill(old);
        let disk = replaced(&disk, &path(1), &bytes);
        let (groups, recovered) = read(&disk, Mark::default()).unwrap();
        let cut = recovered.cut.unwrap();
        assert_eq!((groups.len(), cut.place, cut.group), (1, end.place, 2), "{from} {old}");
    }
}

#[test]
fn a_torn_group_is_reported_though_its_first_frame_left_no_trace() {
    for len in [10, 3000] {
        let disk = FakeDisk::new();
        let mut log = Log::new(&disk, CAPACITY);
        let end = log.write(&[vec![1; len]]).unwrap().end;
        let written = log.write(&[vec![2; len], vec![2; 40], vec![2; 40]]).unwrap();
        let Place { generation, offset } = written.from;
        let mut bytes = disk.read_all(&path(generation)).unwrap().to_vec();
        bytes[offset as usize..offset as usize + 80].fill(0);
        let (_, recovered) =
            read(&replaced(&disk, &path(generation), &bytes), Mark::default()).unwrap();
        let bytes = u64::from(written.end.place.offset - offset);
        assert_eq!(
            (recovered.end, recovered.cut),
            (end, Some(Cut { place: written.from, bytes, group: 2 }))
        );
    }
}

#[test]
fn a_file_under_the_name_of_another_is_not_read() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    for group in 1..=3 {
        log.write(&contents(1, group, &[3500])).unwrap();
    }
    let first = disk.read_all(&path(1)).unwrap();
    let second = replaced(&disk, &path(2), &first);
    let found = read(&second, Mark::default());
    assert!(
        matches!(&found, Err(ReadError::Corrupt { path: named, offset: 0, .. })
        if *named == disk.describe(&path(2))),
        "{found:?}"
    );
}

#[test]
fn another_log_is_not_read() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    log.write(&[b"first"]).unwrap();
    log.write(&[b"second"]).unwrap();
    let files = Files::new(Arc::new(disk.clone()), FOLDER, Identity::new(8));
    let found = recover(&files, Mark::default(), |_| Ok::<_, ReadError>(()));
    assert!(
        matches!(&found, Err(ReadError::Corrupt { flaw: Flaw::Checksum, offset: 0, .. })),
        "{found:?}"
    );
}

#[test]
fn two_damaged_groups_are_not_a_torn_one() {
    for len in [10, 3500] {
        let disk = FakeDisk::new();
        let mut log = Log::new(&disk, CAPACITY);
        log.write(&[vec![0; len]]).unwrap();
        for group in 2..=3 {
            let written = log.write(&contents(1, group, &[len])).unwrap();
            let last = u64::from(written.end.place.offset) - 8;
            disk.flip(&path(written.from.generation), last, 1).unwrap();
            // In a file of its own, the group loses its first frame too.
            disk.flip(&path(written.from.generation), u64::from(written.from.offset) + 32, 1)
                .unwrap();
        }
        let found = read(&disk, Mark::default());
        assert!(
            matches!(&found, Err(ReadError::Corrupt { flaw: Flaw::Checksum, later: Some(_), .. })),
            "{len}: {found:?}"
        );
    }
}

#[test]
fn a_first_frame_of_a_later_version_is_not_a_torn_one() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    log.write(&[b"first"]).unwrap();
    let mut batch = Batch::default();
    let begin = Begin { after: Mark::default(), capacity: CAPACITY, run: Run::default() };
    let body = &begin.encode(Identity::new(7), 1, (2, 1))[CONTENT..CONTENT + 41];
    batch.push(Kind::BEGIN, 3, body, &[]).unwrap();
    batch.push(Kind::UNIT, VERSION, b"first", &[]).unwrap();
    batch.stamp(Identity::new(7), Place { generation: 1, offset: 0 }, 2, (1, 1));
    let mut bytes = disk.read_all(&path(1)).unwrap().to_vec();
    bytes[..120].copy_from_slice(&batch.pieces().collect::<Vec<_>>().concat());
    let found = read(&replaced(&disk, &path(1), &bytes), Mark::default());
    assert!(matches!(found, Err(ReadError::Corrupt { flaw: Flaw::Version(3), .. })), "{found:?}");
}

#[test]
fn other_names_in_the_folder_are_left_alone() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    log.write(&[b"first"]).unwrap();
    let names = ["README", "1.log", "0000000000000000.log", "+000000000000009.log", "draft.new"];
    for name in names {
        disk.create(&Path::new(FOLDER).join(name)).unwrap();
    }
    let (log, groups) = Log::open(&disk, Mark::default(), settings(CAPACITY)).unwrap();
    assert_eq!((groups.len(), log.supply.count()), (1, (0, 1, 0)));
    assert_eq!(disk.files().len(), names.len(), "of these only the draft is ours, and it is gone");
}
