//! Files are made before they are needed, used again, and given back.

use std::thread;

use super::*;
use crate::disk::RealDisk;
use crate::disk::fake::Call;

const CAPACITY: u32 = 512;

#[test]
fn a_prepared_file_makes_a_switch_cost_no_more_than_a_write() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    assert_eq!(log.supply.prepare_one().unwrap(), Prepared::One);
    assert_eq!(log.supply.prepare_one().unwrap(), Prepared::One);
    assert_eq!(log.supply.prepare_one().unwrap(), Prepared::Enough);
    let kinds = [Call::Write, Call::SyncData, Call::SyncFolder, Call::Create, Call::Rename];
    let before = kinds.map(|kind| disk.calls(kind));
    log.write(&[[0; 380]]).unwrap();
    log.write(&[[0; 380]]).unwrap();
    assert_eq!(log.supply.count(), (0, 2, 0));
    let calls: Vec<_> = kinds.iter().zip(before).map(|(kind, n)| disk.calls(*kind) - n).collect();
    assert_eq!(calls, [2, 2, 0, 0, 0]);
}

#[test]
fn files_that_were_given_back_are_used_again_up_to_a_bound() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    for _ in 0..10 {
        log.write(&[[1; 380]]).unwrap();
    }
    assert_eq!(log.supply.count(), (0, 10, 0));
    let from = log.writer.end();
    log.supply.release(from.place.generation).unwrap();
    assert_eq!(log.supply.count(), (2, 1, 0));
    let created = disk.calls(Call::Create);
    for _ in 0..2 {
        log.supply.prepare_one().unwrap();
    }
    assert_eq!((log.supply.count(), disk.calls(Call::Create)), ((0, 1, 2), created));
    let names: Vec<_> = disk.files().into_iter().map(|(path, _)| path).collect();
    assert_eq!(names, [10, 11, 12].map(path));
    assert!(disk.read_all(&path(11)).unwrap().contains(&1), "old content is left where it is");
    log.write(&[[2; 300]]).unwrap();
    log.write(&[[3; 30]]).unwrap();
    let (groups, recovered) = read(&disk, from).unwrap();
    assert_eq!((groups.len(), recovered.cut, recovered.end.group), (2, None, 12));
}

#[test]
fn the_file_that_is_written_is_never_given_back() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    log.write(&[[1; 380]]).unwrap();
    log.supply.release(u64::MAX).unwrap();
    assert_eq!(log.supply.count(), (0, 1, 0));
    log.write(&[[1; 10]]).unwrap();
    assert_eq!(read(&disk, Mark::default()).unwrap().0.len(), 2);
}

#[test]
fn files_of_another_size_are_not_used_again() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    log.write(&[[1; 5000]]).unwrap();
    log.write(&[[1; 10]]).unwrap();
    let from = log.writer.end();
    log.supply.release(from.place.generation).unwrap();
    log.supply.prepare_one().unwrap();
    let sizes = disk.files().into_iter().map(|(_, size)| size).collect::<Vec<_>>();
    assert_eq!(sizes, [512, 512]);
    log.writer.close().unwrap();
    let (log, _) = Log::open(&disk, from, settings(2048)).unwrap();
    assert_eq!(log.supply.count(), (0, 1, 0));
}

#[test]
fn the_spares_of_a_clean_stop_are_kept_and_those_of_a_crash_are_not() {
    for clean in [true, false] {
        let disk = FakeDisk::new();
        let mut log = Log::new(&disk, CAPACITY);
        log.write(&[[1; 10]]).unwrap();
        log.supply.prepare_one().unwrap();
        if clean {
            log.writer.close().unwrap();
        }
        let (log, _) = Log::open(&disk, Mark::default(), settings(CAPACITY)).unwrap();
        assert_eq!(log.supply.count(), (0, 1, usize::from(clean)));
    }
}

#[test]
fn a_thread_beside_the_writer_prepares() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    let supply = Arc::clone(&log.supply);
    let preparing = thread::spawn(move || {
        let mut made = 0;
        while supply.wait() {
            made += usize::from(supply.prepare_one().unwrap() == Prepared::One);
        }
        made
    });
    for group in 0..200_u64 {
        log.write(&[[1; 380]]).unwrap();
        if group % 3 == 0 {
            log.supply.release(log.writer.end().place.generation).unwrap();
        }
    }
    let from = log.writer.end();
    log.writer.close().unwrap();
    let made = preparing.join().unwrap();
    assert!(made <= 202, "{made}");
    let (_, recovered) = read(&disk, from).unwrap();
    assert!(recovered.sealed && disk.files().len() < 10);
}

#[test]
fn a_log_lives_on_a_real_disk() {
    let directory = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(directory.path()));
    let files = Files::new(disk, FOLDER, Identity::new(7));
    let mut from = Mark::default();
    for session in 0..6 {
        let mut found = Vec::new();
        let recovered = recover(&files, from, |group: Group<'_>| {
            assert_eq!(group.frames[0].content, content(1, group.end.group, 0, 20_000));
            found.push(group.end.group);
            Ok::<_, ReadError>(())
        });
        assert_eq!(found, (from.group + 1..=session * 10).collect::<Vec<_>>());
        let (mut writer, supply) =
            open(&files, recovered.unwrap(), settings(64 << 10), Floors::default()).unwrap();
        let mut batch = Batch::default();
        for group in session * 10 + 1..=session * 10 + 10 {
            batch.clear();
            let payload = Bytes::from(content(1, group, 0, 20_000));
            batch.push(Kind::UNIT, VERSION, b"", &[payload]).unwrap();
            writer.append(&mut batch).unwrap();
            writer.sync().unwrap();
            supply.prepare_one().unwrap();
            if group % 10 == 7 {
                from = writer.end();
                supply.release(from.place.generation).unwrap();
            }
        }
        if session % 2 == 0 {
            writer.close().unwrap();
        }
    }
}

#[test]
fn files_that_somebody_looks_at_stay_as_they_are() {
    let disk = FakeDisk::new();
    let mut log = Log::new(&disk, CAPACITY);
    for _ in 0..6 {
        log.write(&[[1; 400]]).unwrap();
    }
    let held = log.supply.hold();
    let content = |generation| disk.read_all(&path(generation)).unwrap();
    let before: Vec<_> = (1..=6).map(content).collect();
    log.supply.release(log.writer.end().place.generation).unwrap();
    log.supply.prepare_one().unwrap();
    for _ in 0..3 {
        log.write(&[[2; 400]]).unwrap();
    }
    for (generation, before) in (1..=6).zip(before) {
        assert_eq!(content(generation), before, "file {generation}");
    }
    drop(held);
    log.supply.release(log.writer.end().place.generation).unwrap();
    assert_eq!(log.supply.count(), (2, 1, 0));
}
