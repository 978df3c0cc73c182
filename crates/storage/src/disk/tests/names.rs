//! What crash images hold of names.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::disk::fake::{Call, Image};

const ROOT: &str = "";

/// Names, and for each what the file holds.
type Listing = BTreeMap<String, Vec<u8>>;

fn listing(disk: &FakeDisk) -> Listing {
    let read = |path: &Path| disk.read_all(path).unwrap().to_vec();
    disk.files().iter().map(|(path, _)| (path.display().to_string(), read(path))).collect()
}

fn may_be(disk: &FakeDisk) -> BTreeSet<Listing> {
    now(disk, 64).iter().map(Image::disk).map(listing).collect()
}

/// Listings, from "name=bytes name=bytes".
fn listings<const N: usize>(texts: [&str; N]) -> BTreeSet<Listing> {
    let pair = |text: &str| {
        let (name, bytes) = text.split_once('=').unwrap();
        (name.to_owned(), bytes.as_bytes().to_vec())
    };
    texts.map(|text| text.split_whitespace().map(pair).collect()).into()
}

/// Creates a file whose bytes are durable.
fn synced(disk: &FakeDisk, path: &str, bytes: &[u8]) {
    created(disk, path, bytes).sync_data().unwrap();
}

fn rename(disk: &FakeDisk, from: &str, to: &str) {
    disk.rename(Path::new(from), Path::new(to)).unwrap();
}

fn sync(disk: &FakeDisk, folder: &str) {
    disk.sync_folder(Path::new(folder)).unwrap();
}

#[test]
fn to_sync_a_file_says_nothing_about_its_name() {
    let disk = FakeDisk::new();
    synced(&disk, "a", b"1");
    assert_eq!(may_be(&disk), listings(["", "a=1"]));
    sync(&disk, ROOT);
    assert_eq!(may_be(&disk), listings(["a=1"]));
}

#[test]
fn a_rename_leaves_one_of_both_names() {
    let disk = FakeDisk::new();
    synced(&disk, "a", b"1");
    sync(&disk, ROOT);
    rename(&disk, "a", "b");
    assert_eq!(may_be(&disk), listings(["a=1", "b=1"]));
    rename(&disk, "b", "c");
    assert_eq!(may_be(&disk), listings(["a=1", "b=1", "c=1"]));
    sync(&disk, ROOT);
    assert_eq!(may_be(&disk), listings(["c=1"]));
}

#[test]
fn a_rename_over_a_name_leaves_either_file_there() {
    let disk = FakeDisk::new();
    synced(&disk, "a", b"old");
    sync(&disk, ROOT);
    synced(&disk, "new", b"new");
    rename(&disk, "new", "a");
    assert_eq!(may_be(&disk), listings(["a=old", "a=old new=new", "a=new"]));
    sync(&disk, ROOT);
    assert_eq!(may_be(&disk), listings(["a=new"]));
}

#[test]
fn a_name_that_is_used_again_costs_nobody_the_file_that_had_it() {
    let disk = FakeDisk::new();
    synced(&disk, "a", b"1");
    sync(&disk, ROOT);
    rename(&disk, "a", "b");
    synced(&disk, "a", b"2");
    assert_eq!(may_be(&disk), listings(["a=1", "b=1", "a=2 b=1"]));
}

#[test]
fn a_removed_file_may_come_back_until_the_folder_is_synced() {
    let disk = FakeDisk::new();
    synced(&disk, "a", b"1");
    sync(&disk, ROOT);
    disk.remove(Path::new("a")).unwrap();
    assert_eq!(may_be(&disk), listings(["a=1", ""]));
    synced(&disk, "a", b"2");
    assert_eq!(may_be(&disk), listings(["a=1", "", "a=2"]));
    sync(&disk, ROOT);
    assert_eq!(may_be(&disk), listings(["a=2"]));
}

#[test]
fn a_file_that_comes_back_has_any_of_its_bytes() {
    let disk = FakeDisk::new();
    synced(&disk, "a", b"1");
    sync(&disk, ROOT);
    put(&*disk.open(Path::new("a")).unwrap(), 0, b"2");
    disk.remove(Path::new("a")).unwrap();
    assert_eq!(may_be(&disk), listings(["", "a=1", "a=2"]));
}

#[test]
fn changes_of_names_are_independent() {
    let disk = FakeDisk::new();
    synced(&disk, "a", b"1");
    synced(&disk, "b", b"2");
    assert_eq!(may_be(&disk), listings(["", "a=1", "b=2", "a=1 b=2"]));
}

#[test]
fn a_folder_is_lost_with_what_is_in_it() {
    let disk = FakeDisk::new();
    disk.create_folder(Path::new("folder")).unwrap();
    synced(&disk, "folder/a", b"1");
    sync(&disk, "folder");
    assert_eq!(may_be(&disk), listings(["", "folder/a=1"]));
    let folders: BTreeSet<_> =
        now(&disk, 8).iter().map(|image| image.disk().list(Path::new(ROOT)).unwrap()).collect();
    assert_eq!(folders, [vec![], vec!["folder".to_owned()]].into());
    sync(&disk, ROOT);
    assert_eq!(may_be(&disk), listings(["folder/a=1"]));
    synced(&disk, "folder/b", b"2");
    sync(&disk, ROOT);
    let either = listings(["folder/a=1", "folder/a=1 folder/b=2"]);
    assert_eq!(may_be(&disk), either, "to sync the folder around it is not enough");
}

#[test]
fn what_a_failed_sync_was_for_can_be_lost_although_a_later_one_succeeds() {
    let disk = FakeDisk::new();
    synced(&disk, "a", b"1");
    disk.fail_after(Call::SyncFolder, 0);
    disk.sync_folder(Path::new(ROOT)).unwrap_err();
    synced(&disk, "b", b"2");
    sync(&disk, ROOT);
    assert_eq!(may_be(&disk), listings(["b=2", "a=1 b=2"]));
    rename(&disk, "a", "c");
    sync(&disk, ROOT);
    assert_eq!(may_be(&disk), listings(["b=2 c=1"]), "a change after it brings the file along");
}

#[derive(Clone, Debug)]
enum Step {
    Create(&'static str),
    Rename(&'static str, &'static str),
    Remove(&'static str),
    Sync,
}

fn step() -> impl Strategy<Value = Step> {
    let name = || select(&["a", "b", "c", "d"][..]);
    prop_oneof![
        4 => name().prop_map(Step::Create),
        6 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => name().prop_map(Step::Remove),
        1 => Just(Step::Sync),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is renamed: no file has two names, and none that was durable and that nobody removed or replaced has none.
    #[test]
    fn renames_neither_lose_files_nor_double_them(steps in vec(step(), 1..24), seed: u64) {
        let disk = FakeDisk::new();
        let mut durable = BTreeSet::new();
        for (number, step) in steps.iter().enumerate() {
            // Steps that fail, for want of a file or of a free name, change nothing.
            match step {
                Step::Create(name) => if let Ok(file) = disk.create(Path::new(name)) {
                    put(&*file, 0, &[number as u8]);
                    file.sync_data().unwrap();
                },
                Step::Rename(from, to) => drop(disk.rename(Path::new(from), Path::new(to))),
                Step::Remove(name) => drop(disk.remove(Path::new(name))),
                Step::Sync => {
                    sync(&disk, ROOT);
                    durable = listing(&disk).into_values().collect();
                }
            }
        }
        let live: BTreeSet<_> = listing(&disk).into_values().collect();
        for image in at_end(&disk, seed, 40) {
            let names = listing(image.disk());
            let files: BTreeSet<_> = names.values().cloned().collect();
            prop_assert_eq!(files.len(), names.len(), "{}: {:?}", image, names);
            let lost: Vec<_> = durable.intersection(&live).filter(|file| !files.contains(*file)).collect();
            prop_assert!(lost.is_empty(), "{}: {:?} lacks {:?}", image, names, lost);
        }
    }
}
