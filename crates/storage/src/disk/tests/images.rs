//! What crash images hold of files.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use super::*;
use crate::disk::fake::{Call, Image};

const SECTOR: usize = crate::disk::fake::SECTOR as usize;

const FILE: &str = "file";

/// A disk with one file, whose name is durable and whose bytes are too.
fn one_file(bytes: &[u8]) -> (FakeDisk, Arc<dyn DiskFile>) {
    let disk = FakeDisk::new();
    let file = created(&disk, FILE, bytes);
    file.sync_data().unwrap();
    disk.sync_folder(Path::new("")).unwrap();
    (disk, file)
}

fn read(image: &Image) -> Vec<u8> {
    image.disk().read_all(Path::new(FILE)).unwrap().to_vec()
}

/// Everything that may be in the file now.
fn may_be(disk: &FakeDisk, count: usize) -> BTreeSet<Vec<u8>> {
    now(disk, count).iter().map(read).collect()
}

#[test]
fn what_is_synced_is_in_every_image_and_the_rest_in_some() {
    let (disk, file) = one_file(b"");
    put(&*file, 0, b"synced");
    assert_eq!(may_be(&disk, 8), [vec![], vec![0; 6], b"synced".to_vec()].into());
    file.sync_data().unwrap();
    assert_eq!(may_be(&disk, 8), [b"synced".to_vec()].into());
    put(&*file, 0, b"writte");
    let both = [b"synced".to_vec(), b"writte".to_vec()].into();
    assert_eq!(may_be(&disk, 8), both);
    disk.sync_folder(Path::new("")).unwrap();
    created(&disk, "other", b"").sync_data().unwrap();
    assert_eq!(may_be(&disk, 8), both, "other syncs are not for it");
}

#[test]
fn writes_are_torn_where_sectors_end_and_nowhere_else() {
    let cases: &[(usize, usize, &[usize])] = &[
        (0, 4 * SECTOR, &[SECTOR, SECTOR, SECTOR, SECTOR]),
        (300, 1200, &[212, SECTOR, 476]),
        (SECTOR - 1, 2, &[1, 1]),
        (SECTOR, SECTOR, &[SECTOR]),
        (4096 - 8, 24, &[8, 16]),
    ];
    for &(offset, len, parts) in cases {
        let (disk, file) = one_file(&[1; 8192]);
        put(&*file, offset as u64, &vec![2; len]);
        let mut expected = BTreeSet::new();
        for mask in 0..1 << parts.len() {
            let mut bytes = vec![1; 8192];
            let mut next = offset;
            for (number, part) in parts.iter().enumerate() {
                bytes[next..next + part].fill(1 + (mask >> number & 1));
                next += part;
            }
            expected.insert(bytes);
        }
        assert_eq!(may_be(&disk, 16), expected, "{offset} {len}");
    }
}

#[test]
fn a_later_write_may_be_there_without_an_earlier_one() {
    let (disk, file) = one_file(b"....");
    put(&*file, 0, b"ab");
    put(&*file, 1, b"cd");
    let expected = ["....", "ab..", ".cd.", "acd."];
    assert_eq!(may_be(&disk, 8), expected.map(|bytes| bytes.as_bytes().to_vec()).into());

    let (disk, file) = one_file(b"....");
    put(&*file, 0, b"ab");
    put(&*file, 1, b"b");
    let expected = ["....", "ab..", ".b.."];
    assert_eq!(may_be(&disk, 8), expected.map(|bytes| bytes.as_bytes().to_vec()).into());
}

#[test]
fn a_file_may_have_grown_without_its_bytes_and_not_the_other_way_round() {
    let (disk, file) = one_file(&[1; SECTOR]);
    put(&*file, SECTOR as u64, &[2; 2 * SECTOR]);
    let grown = |second, third| [[1; SECTOR], [second; SECTOR], [third; SECTOR]].concat();
    let expected = [vec![1; SECTOR], grown(0, 0), grown(2, 0), grown(0, 2), grown(2, 2)];
    assert_eq!(may_be(&disk, 8), expected.into());
    file.sync_data().unwrap();
    assert_eq!(may_be(&disk, 8), [grown(2, 2)].into(), "the size is synced with the bytes");
}

#[test]
fn extremes_are_there_where_not_everything_can_be() {
    let sectors = 64;
    let (disk, file) = one_file(&[0; 8 * SECTOR]);
    put(&*file, 0, &vec![7; sectors * SECTOR]);
    let images = may_be(&disk, 1);
    let there = |there: &dyn Fn(usize) -> bool| -> Vec<u8> {
        (0..sectors * SECTOR).map(|byte| if there(byte / SECTOR) { 7 } else { 0 }).collect()
    };
    assert!(images.contains(&vec![0; 8 * SECTOR]));
    assert!(images.contains(&vec![7; 8 * SECTOR]));
    assert!(images.contains(&there(&|_| true)));
    assert!(images.contains(&there(&|_| false)));
    assert!(images.contains(&there(&|sector| sector == sectors - 1)));
    assert!((0..sectors).any(|lost| images.contains(&there(&|sector| sector != lost))));
    assert!(may_be(&disk, 1000).len() > 400, "chance finds others");
}

#[test]
fn what_is_written_over_the_same_makes_no_image() {
    let (disk, file) = one_file(&[1; 4 * SECTOR]);
    put(&*file, 100, &[1; 3 * SECTOR]);
    assert_eq!(may_be(&disk, 64).len(), 1);
    put(&*file, 4 * SECTOR as u64, &[0; 1000 * SECTOR]);
    assert_eq!(may_be(&disk, 64).len(), 2, "the size");
    put(&*file, 4 * SECTOR as u64, &[2; 3 * SECTOR]);
    assert_eq!(may_be(&disk, 64).len(), 1 + 8, "the size, and with it three sectors");
}

#[test]
fn what_is_written_back_and_synced_is_there_after_a_failed_sync() {
    let (disk, file) = one_file(b"....");
    put(&*file, 0, b"a");
    put(&*file, 0, b".");
    assert_eq!(disk.at_rest().hash(), disk.hash());
    disk.fail_after(Call::SyncData, 0);
    file.sync_data().unwrap_err();
    assert_eq!(may_be(&disk, 8), [b"....".to_vec(), b"a...".to_vec()].into());
    put(&*file, 0, b".");
    assert_eq!(may_be(&disk, 8), [b"....".to_vec(), b"a...".to_vec()].into());
    file.sync_data().unwrap();
    assert_eq!(may_be(&disk, 8), [b"....".to_vec()].into());
}

#[test]
fn a_whole_write_may_be_lost_between_others() {
    let (disk, file) = one_file(&[1; 48 * SECTOR]);
    for write in 0..3 {
        put(&*file, write * 16 * SECTOR as u64, &[2; 16 * SECTOR]);
    }
    let lost = [[2; 16 * SECTOR], [1; 16 * SECTOR], [2; 16 * SECTOR]].concat();
    assert!(may_be(&disk, 300).contains(&lost));
}

#[test]
fn a_byte_that_altered_where_it_lay_is_so_in_every_image() {
    let (disk, file) = one_file(b"....");
    disk.flip(Path::new(FILE), 0, b'.' ^ b'!').unwrap();
    put(&*file, 2, b"a");
    assert_eq!(may_be(&disk, 8), [b"!...".to_vec(), b"!.a.".to_vec()].into());
}

#[test]
fn what_a_failed_sync_was_for_can_be_lost_although_a_later_one_succeeds() {
    let (disk, file) = one_file(b"....");
    put(&*file, 0, b"a");
    disk.fail_after(Call::SyncData, 0);
    file.sync_data().unwrap_err();
    assert_eq!(file.read(0, 4).unwrap(), "a...", "the running system does not notice");
    file.sync_data().unwrap();
    put(&*file, 1, b"b");
    file.sync_data().unwrap();
    assert_eq!(may_be(&disk, 8), [b"ab..".to_vec(), b".b..".to_vec()].into());
    put(&*file, 0, b"A");
    file.sync_data().unwrap();
    assert_eq!(may_be(&disk, 8), [b"Ab..".to_vec()].into(), "written again, it is another write");
}

#[test]
fn a_sync_is_not_for_what_is_written_while_it_runs() {
    let (disk, file) = one_file(b"....");
    put(&*file, 0, b"a");
    disk.hold(Call::SyncData);
    let sync = thread::spawn({
        let file = file.clone();
        move || file.sync_data()
    });
    assert!(disk.held(1, Duration::from_secs(60)));
    put(&*file, 1, b"b");
    assert_eq!(may_be(&disk, 8).len(), 4, "not before it returns");
    disk.release();
    sync.join().unwrap().unwrap();
    assert_eq!(may_be(&disk, 8), [b"a...".to_vec(), b"ab..".to_vec()].into());
}

#[test]
fn a_killed_process_leaves_everything() {
    let disk = FakeDisk::new();
    disk.create_folder(Path::new("folder")).unwrap();
    let file = created(&disk, "folder/one", &[1; 5000]);
    created(&disk, "two", b"two");
    disk.rename(Path::new("two"), Path::new("three")).unwrap();
    disk.fail_after(Call::SyncData, 0);
    file.sync_data().unwrap_err();
    let mut crashes = disk.crashes(0);
    let mut last = None;
    while let Some(moment) = crashes.next_moment() {
        last = Some(moment.killed());
    }
    let killed = last.unwrap();
    assert_eq!(killed.disk().files(), disk.files());
    assert_eq!(killed.hash(), disk.hash());
    assert_eq!(disk.at_rest().hash(), disk.hash());
    assert_eq!(now(&disk.at_rest(), 8).len(), 1, "nothing of it can be lost");
}

#[test]
fn the_same_seed_finds_the_same_images_which_differ() {
    let (disk, file) = one_file(b"");
    put(&*file, 0, &[7; 64 * SECTOR]);
    let hashes = |seed| -> Vec<_> {
        let images = at_end(&disk, seed, 100);
        images.iter().for_each(|image| assert_eq!(image.hash(), image.disk().hash()));
        images.iter().map(Image::hash).collect()
    };
    assert_eq!(hashes(1), hashes(1));
    assert_ne!(hashes(1), hashes(2));
    assert_eq!(hashes(1).len(), 100);
    assert_eq!(hashes(1).into_iter().collect::<BTreeSet<_>>().len(), 100);
}

#[test]
fn an_image_is_a_disk_of_its_own() {
    let (disk, file) = one_file(b"....");
    put(&*file, 0, b"a");
    let images = now(&disk, 8);
    let before: Vec<_> = images.iter().map(read).collect();
    let image = images[0].disk();
    assert_eq!(now(image, 8).len(), 1, "what it holds is durable");
    put(&*image.open(Path::new(FILE)).unwrap(), 0, b"image");
    assert_eq!(now(image, 8).len(), 4);
    assert_eq!(file.read(0, 4).unwrap(), "a...");
    assert_eq!(before[1..], images[1..].iter().map(read).collect::<Vec<_>>());
}

/// What the next process finds at the last moment.
fn survivor(disk: &FakeDisk) -> FakeDisk {
    let mut crashes = disk.crashes(1);
    let mut last = None;
    while let Some(moment) = crashes.next_moment() {
        last = Some(moment.survived());
    }
    last.unwrap()
}

#[test]
fn what_a_killed_process_has_not_synced_is_there_and_may_still_be_lost() {
    let (disk, file) = one_file(b"....");
    put(&*file, 0, b"a");
    for (what, next) in [("killed", survivor(&disk)), ("again", survivor(&survivor(&disk)))] {
        let file = next.open(Path::new(FILE)).unwrap();
        assert_eq!(file.read(0, 4).unwrap(), "a...", "{what}");
        assert_eq!(may_be(&next, 8), [b"....".to_vec(), b"a...".to_vec()].into());
        put(&*file, 1, b"b");
        assert_eq!(may_be(&next, 8).len(), 4);
        file.sync_data().unwrap();
        assert_eq!(may_be(&next, 8), [b"ab..".to_vec()].into(), "the sync is for all of it");
        assert_eq!(file.read(0, 4).unwrap(), "ab..");
    }
    assert_eq!(file.read(0, 4).unwrap(), "a...", "it is a disk of its own");
}

#[test]
fn marks_are_known_from_the_operation_before_them_on() {
    let disk = FakeDisk::new();
    disk.mark(1);
    let file = created(&disk, FILE, b"a");
    disk.mark(2);
    disk.mark(3);
    file.sync_data().unwrap();
    let mut crashes = disk.crashes(0);
    let mut seen = Vec::new();
    while let Some(moment) = crashes.next_moment() {
        seen.push((moment.to_string(), moment.marks().to_vec()));
    }
    let expected: [(&str, &[u64]); 4] = [
        ("before everything", &[1]),
        ("after create file (file 0)", &[1]),
        ("after write to file 0 at 0, 1 bytes", &[1, 2, 3]),
        ("after sync_data of file 0", &[1, 2, 3]),
    ];
    assert_eq!(seen, expected.map(|(text, marks)| (text.to_owned(), marks.to_vec())));
}
