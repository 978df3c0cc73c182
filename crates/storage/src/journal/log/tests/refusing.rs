//! Disks that refuse: what fails, fails for good, and what was durable stays.

use super::story::{CAPACITY, STORY, Told, run};
use super::*;
use crate::disk::fake::{Call, Image};

const CALLS: [Call; 7] = [
    Call::SyncData,
    Call::SyncFolder,
    Call::Write,
    Call::Read,
    Call::Create,
    Call::Rename,
    Call::Remove,
];

#[test]
fn whichever_call_fails_nothing_durable_is_lost() {
    for call in CALLS {
        let mut failures = 0;
        for passing in 0.. {
            let disk = FakeDisk::new();
            disk.fail_after(call, passing);
            let mut told = Told::default();
            let ended = run(&disk, (1, settings(CAPACITY)), STORY, &mut told, &mut Vec::new());
            if disk.calls(call) <= passing {
                ended.unwrap();
                break;
            }
            failures += usize::from(ended.is_err());
            crash_at_the_end(&disk, &told);
            let disk = disk.at_rest();
            let (groups, recovered) = read(&disk, told.from).unwrap();
            told.check(&groups, recovered.end)
                .unwrap_or_else(|error| panic!("{call:?} {passing}: {error}"));
            run(&disk, (2, settings(CAPACITY)), STORY, &mut told, &mut Vec::new()).unwrap();
        }
        assert!(failures > 2, "{call:?}");
    }
}

fn images_at_the_end(disk: &FakeDisk, count: usize) -> Vec<Image> {
    let mut crashes = disk.crashes(3);
    let mut moments = 0;
    while crashes.next_moment().is_some() {
        moments += 1;
    }
    let mut crashes = disk.crashes(3);
    for _ in 1..moments {
        crashes.next_moment();
    }
    crashes.next_moment().unwrap().images(count)
}

/// What a failed call leaves behind may be lost, too.
fn crash_at_the_end(disk: &FakeDisk, told: &Told) {
    for image in images_at_the_end(disk, 8) {
        let found = read(image.disk(), told.from).map_err(|error| error.to_string());
        found
            .and_then(|(groups, recovered)| told.check(&groups, recovered.end))
            .unwrap_or_else(|error| panic!("{image}: {error}"));
    }
}

#[test]
fn a_group_whose_sync_failed_is_not_believed_because_a_later_sync_succeeds() {
    for lens in [&[20, 10][..], &[3900], &[9000]] {
        let disk = FakeDisk::new();
        let mut log = Log::new(&disk, CAPACITY);
        log.write(&contents(1, 1, &[500])).unwrap();
        log.supply.prepare_one().unwrap();
        disk.fail_after(Call::SyncData, 0);
        assert!(matches!(log.write(&contents(1, 2, lens)), Err(WriteError::Failed(_))));
        let (mut log, groups) = Log::open(&disk, Mark::default(), settings(CAPACITY)).unwrap();
        assert_eq!(groups.len(), 2, "it may be there, and it is served from now on");
        log.write(&contents(1, 3, &[10])).unwrap();
        let mut crashes = disk.crashes(5);
        let mut images = Vec::new();
        while let Some(moment) = crashes.next_moment() {
            images = moment.images(32);
        }
        for image in images {
            let (groups, _) = read(image.disk(), Mark::default())
                .unwrap_or_else(|error| panic!("{lens:?}: {image}: {error}"));
            assert_eq!(groups.len(), 3, "{lens:?}: {image}");
        }
    }
}

#[test]
fn names_that_are_uncertain_stop_the_log() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    for _ in 0..4 {
        log.write(&[[1; 3000]]).unwrap();
    }
    let from = log.writer.end();
    log.supply.release(from.place.generation).unwrap();
    disk.fail_after(Call::SyncFolder, 0);
    assert!(log.supply.prepare_one().is_err() && log.supply.is_broken());
    assert!(log.supply.prepare_one().is_err());
    log.write(&[[2; 800]]).unwrap();
    assert!(matches!(log.write(&[[3; 3000]]), Err(WriteError::Failed(_))));
    assert!(matches!(log.write(&[b"never"]), Err(WriteError::Poisoned)));
    assert!(matches!(log.writer.close(), Err(WriteError::Poisoned)));
    let (groups, recovered) = read(&disk, from).unwrap();
    assert_eq!((groups.len(), recovered.sealed), (1, false));
}

#[test]
fn after_a_failed_write_or_sync_nothing_more_is_written() {
    for call in [Call::Write, Call::SyncData] {
        let disk = FakeDisk::new();
        let mut log = Log::new(&disk, CAPACITY);
        log.write(&[b"good"]).unwrap();
        disk.fail_after(call, 0);
        assert!(matches!(log.write(&[b"unknown"]), Err(WriteError::Failed(_))), "{call:?}");
        let before = disk.hash();
        assert!(matches!(log.append(&[b"never"]), Err(WriteError::Poisoned)));
        assert!(matches!(log.writer.sync(), Err(WriteError::Poisoned)));
        assert!(matches!(log.writer.close(), Err(WriteError::Poisoned)));
        assert_eq!(disk.hash(), before);
        let (groups, recovered) = read(&disk, Mark::default()).unwrap();
        assert_eq!(groups[0].1, [b"good"]);
        assert!(!recovered.sealed && groups.iter().all(|(_, contents)| *contents != [b"never"]));
    }
}

#[test]
fn a_group_that_is_found_after_its_sync_failed_stays() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    log.write(&[b"good"]).unwrap();
    disk.fail_after(Call::SyncData, 0);
    log.write(&[b"unknown"]).unwrap_err();
    // Nothing but the program is started again, and what it reads it may show.
    let (_log, groups) = Log::open(&disk, Mark::default(), settings(CAPACITY)).unwrap();
    assert_eq!(groups.len(), 2);
    for image in images_at_the_end(&disk, 32) {
        let (groups, _) = read(image.disk(), Mark::default()).unwrap();
        assert_eq!(groups.len(), 2, "{image}");
    }
}

#[test]
fn a_seal_that_comes_back_does_not_end_a_log_that_went_on() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    log.write(&[b"before"]).unwrap();
    log.writer.close().unwrap();
    let seal = disk.read_all(Path::new(SEAL)).unwrap();
    let mut log = Log::new(&disk, CAPACITY);
    let after = log.write(&[b"after"]).unwrap();
    let file = disk.create(Path::new(SEAL)).unwrap();
    write_all(&*file, &mut [IoSlice::new(&seal)], 0).unwrap();
    for (from, left) in [(Mark::default(), 2), (after.end, 0)] {
        let (groups, recovered) = read(&disk, from).unwrap();
        assert_eq!((groups.len(), recovered.sealed), (left, false));
    }
}

#[test]
fn short_writes_are_finished() {
    for longest in [1, 7, 100] {
        let disk = FakeDisk::new();
        disk.shorten_writes(longest);
        let mut log = Log::new(&disk, 512);
        for group in 1..6 {
            log.write(&contents(1, group, &[40, 300])).unwrap();
        }
        assert_eq!(read(&disk, Mark::default()).unwrap().0.len(), 5);
    }
}

#[test]
fn a_full_disk_refuses_the_group_and_can_be_freed() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, 64 << 10);
    log.write(&[vec![1; 60_000]]).unwrap();
    for room in [0, 4096, 40_000] {
        disk.leave_free(room);
        let names = disk.files();
        let refused = log.write(&[vec![2; 60_000]]);
        assert!(
            matches!(&refused, Err(WriteError::Spare(error)) if error.kind() == std::io::ErrorKind::StorageFull),
            "{refused:?}"
        );
        assert_eq!(disk.files(), names, "what was begun takes no room");
        assert!(log.supply.prepare_one().is_err());
        log.write(&[b"there is room for this"]).unwrap();
    }
    disk.leave_free(1 << 20);
    log.write(&[vec![2; 60_000]]).unwrap();
    let (groups, recovered) = read(&disk, Mark::default()).unwrap();
    assert_eq!((groups.len(), recovered.cut), (5, None));
}

#[test]
fn a_disk_that_cannot_be_read_is_not_a_log_that_ends() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    for group in 1..4 {
        log.write(&contents(1, group, &[3000])).unwrap();
    }
    for generation in 1..=3 {
        disk.fail_reads(&path(generation), 600..601).unwrap();
        let found = read(&disk, Mark::default());
        assert!(
            matches!(&found, Err(ReadError::Io { path: named, .. })
            if *named == disk.describe(&path(generation))),
            "{found:?}"
        );
        disk.heal_reads();
    }
    assert_eq!(read(&disk, Mark::default()).unwrap().0.len(), 3);
}
