//! Faults on demand.

use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use super::*;
use crate::disk::fake::Call;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn the_call_that_is_planned_fails_and_no_other() {
    let disk = FakeDisk::new();
    let file = created(&disk, "file", b"old");
    disk.fail_after(Call::SyncData, 1);
    disk.fail_after(Call::SyncFolder, 0);
    disk.fail_after(Call::Write, 0);
    disk.fail_after(Call::Rename, 0);
    disk.fail_after(Call::Remove, 0);
    disk.fail_after(Call::Create, 0);
    disk.fail_after(Call::Read, 0);
    let path = Path::new("file");

    assert!(file.sync_data().is_ok());
    assert!(file.sync_data().is_err());
    assert!(file.sync_data().is_ok());
    assert_eq!(disk.calls(Call::SyncData), 3);

    assert!(disk.sync_folder(Path::new("")).is_err());
    assert!(disk.sync_folder(Path::new("")).is_ok());
    assert!(disk.rename(path, Path::new("other")).is_err());
    assert!(disk.remove(path).is_err());
    assert!(disk.create(Path::new("new")).is_err());
    assert_eq!(disk.files(), [("file".into(), 3)]);
    assert!(file.read(0, 3).is_err());
    assert_eq!(file.read(0, 3).unwrap(), "old");

    assert!(file.write(&[IoSlice::new(b"NEWS")], 0).is_err());
    assert_eq!(disk.read_all(path).unwrap(), "NEd", "half of it was written");
    assert_eq!(file.write(&[IoSlice::new(b"NEWS")], 0).unwrap(), 4);
    assert_eq!(disk.failed(), 7);
}

#[test]
fn a_thread_has_failures_of_its_own() {
    let disk = FakeDisk::new();
    let file = created(&disk, "file", b"old");
    disk.fail_after_on("other", Call::SyncData, 1);
    let other = |file: Arc<dyn DiskFile>| {
        let sync = move || file.sync_data().is_ok();
        thread::Builder::new().name("other".to_owned()).spawn(sync).unwrap().join().unwrap()
    };
    assert!(other(file.clone()) && file.sync_data().is_ok() && file.sync_data().is_ok());
    assert_eq!(disk.failed(), 0);
    assert!(!other(file.clone()) && other(file));
    assert_eq!(disk.failed(), 1);
}

#[test]
fn short_writes_are_made_up_for() {
    let disk = FakeDisk::new();
    disk.shorten_writes(3);
    let file = disk.create(Path::new("file")).unwrap();
    assert_eq!(file.write(&[IoSlice::new(b"ab"), IoSlice::new(b"cdef")], 0).unwrap(), 3);
    let pieces = &mut [IoSlice::new(b""), IoSlice::new(b"0123"), IoSlice::new(b"456789")];
    write_all(&*file, pieces, 2).unwrap();
    assert_eq!(disk.read_all(Path::new("file")).unwrap(), "ab0123456789");
}

#[test]
fn a_full_disk_takes_what_fits_and_what_needs_no_room() {
    let disk = FakeDisk::new();
    let file = created(&disk, "file", &[1; 4096]);
    disk.leave_free(2 * 4096);
    assert_eq!(disk.free_bytes(), Some(2 * 4096));
    assert_eq!(file.write(&[IoSlice::new(&[2; 5 * 4096])], 4000).unwrap(), 96 + 2 * 4096);
    assert_eq!(disk.free_bytes(), Some(0));
    let error = file.write(&[IoSlice::new(b"x")], 3 * 4096).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(file.write(&[IoSlice::new(&[3; 3 * 4096])], 0).unwrap(), 3 * 4096);

    disk.remove(Path::new("file")).unwrap();
    assert_eq!(disk.free_bytes(), Some(3 * 4096));
    created(&disk, "other", b"fits");
    assert_eq!(disk.free_bytes(), Some(2 * 4096));
}

#[test]
fn a_range_that_cannot_be_read_stays_so_under_another_name() {
    let disk = FakeDisk::new();
    let file = created(&disk, "file", &[1; 100]);
    disk.fail_reads(Path::new("file"), 50..60).unwrap();
    disk.rename(Path::new("file"), Path::new("other")).unwrap();
    let again = disk.open(Path::new("other")).unwrap();
    for file in [&file, &again] {
        assert!(file.read(0, 50).is_ok());
        assert!(file.read(60, 40).is_ok());
        assert!(file.read(59, 1).is_err());
        assert!(file.read(0, 100).is_err());
    }
    disk.heal_reads();
    assert!(file.read(0, 100).is_ok());
    assert_eq!(disk.fail_reads(Path::new("file"), 0..1).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_held_sync_ends_when_it_is_released() {
    let disk = FakeDisk::new();
    let file = created(&disk, "file", b"one");
    disk.hold(Call::SyncData);
    let waiting = thread::spawn({
        let file = file.clone();
        move || file.sync_data()
    });
    assert!(disk.held(1, LONG));
    put(&*file, 3, b"two");
    assert_eq!(file.read(0, 6).unwrap(), "onetwo", "others go on meanwhile");
    disk.sync_folder(Path::new("")).unwrap();
    assert!(!waiting.is_finished());
    assert!(!disk.held(2, Duration::ZERO));
    disk.release();
    waiting.join().unwrap().unwrap();
    file.sync_data().unwrap();
}

#[test]
fn a_flipped_byte_is_another_one() {
    let disk = FakeDisk::new();
    let file = created(&disk, "file", b"abc");
    let path = Path::new("file");
    let before = disk.hash();
    disk.flip(path, 1, 0b11).unwrap();
    assert_eq!(file.read(0, 3).unwrap(), "aac");
    assert_ne!(disk.hash(), before);
    file.sync_data().unwrap();
    disk.flip(path, 1, 0b11).unwrap();
    assert_eq!(disk.hash(), before);
    assert_eq!(disk.flip(path, 3, 1).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(disk.flip(Path::new("other"), 0, 1).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn hashes_are_of_names_sizes_and_bytes() {
    let disk = |name: &str, at: u64, bytes: &[u8]| {
        let disk = FakeDisk::new();
        disk.create_folder(Path::new("folder")).unwrap();
        put(&*disk.create(Path::new(name)).unwrap(), at, bytes);
        disk
    };
    let plain = disk("file", 0, &[0, 0, 7]).hash();
    assert_eq!(plain, disk("file", 2, &[7]).hash(), "a gap is zeros");
    assert_eq!(plain, disk("file", 0, &[0, 0, 7]).at_rest().hash());
    assert_eq!(disk("file", 0, &[0; 9000]).hash(), disk("file", 8999, &[0]).hash());
    let with_a_folder = disk("file", 0, &[0, 0, 7]);
    with_a_folder.create_folder(Path::new("empty")).unwrap();
    let others = [
        with_a_folder,
        disk("file", 0, &[0, 7]),
        disk("file", 0, &[0, 0, 7, 0]),
        disk("file", 0, &[0, 0, 8]),
        disk("other", 0, &[0, 0, 7]),
        disk("folder/file", 0, &[0, 0, 7]),
        FakeDisk::new(),
    ];
    let mut hashes: Vec<_> = others.iter().map(FakeDisk::hash).chain([plain]).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 8);
}
