//! A little log on the fake disk: walking over its crash images finds what it forgets.

use std::ops::RangeInclusive;

use proptest::prelude::*;

use super::*;

/// What the log forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Nothing,
    /// To sync the folder when it has created a file.
    FolderAfterCreate,
    /// To sync the table of contents before it takes the place of the old one.
    SyncBeforeRename,
    /// To sync the folder when the table has its place, before files that it leaves out are removed.
    FolderAfterRename,
    /// To sync records before they are acknowledged.
    SyncBeforeMark,
    /// To check what it reads: takes a torn record for a whole one.
    Checksum,
}

const RECORDS: RangeInclusive<u64> = 1..=24;

/// Records of one file.
const PER_FILE: u64 = 5;

/// Long enough that every record lies in several sectors.
const LEN: usize = 1000;

/// Where the table of contents, the number of the first file, is written and where it is read.
const DRAFT: &str = "table.new";
const TABLE: &str = "table";

fn record(number: u64) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().repeat(LEN / 8);
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

fn name(file: u64) -> String {
    format!("{file:03}.log")
}

/// Writes the log: files of a few records; two are kept, and the table says which is the first.
fn write(disk: &FakeDisk, flaw: Flaw) {
    let root = Path::new("");
    let sync_folder = |forgotten| {
        if flaw != forgotten {
            disk.sync_folder(root).unwrap();
        }
    };
    let point_to = |first: u64| {
        let table = created(disk, DRAFT, &first.to_le_bytes());
        if flaw != Flaw::SyncBeforeRename {
            table.sync_data().unwrap();
        }
        disk.rename(Path::new(DRAFT), Path::new(TABLE)).unwrap();
        sync_folder(Flaw::FolderAfterRename);
    };
    let mut file = None;
    for number in RECORDS {
        let (index, place) = ((number - 1) / PER_FILE, (number - 1) % PER_FILE);
        if place == 0 {
            point_to(index.saturating_sub(1));
            if let Some(old) = index.checked_sub(2) {
                disk.remove(Path::new(&name(old))).unwrap();
            }
            file = Some(disk.create(Path::new(&name(index))).unwrap());
            sync_folder(Flaw::FolderAfterCreate);
        }
        let file = file.as_ref().unwrap();
        put(&**file, place * (LEN as u64 + 4), &record(number));
        if flaw != Flaw::SyncBeforeMark {
            file.sync_data().unwrap();
        }
        disk.mark(number);
    }
}

/// The records that are found, in order, or what is wrong.
fn recover(disk: &FakeDisk, flaw: Flaw) -> Result<Vec<u64>, String> {
    let read =
        |path: &str| disk.read_all(Path::new(path)).map_err(|error| format!("{path}: {error}"));
    if disk.open(Path::new(TABLE)).is_err() {
        return Ok(Vec::new());
    }
    let table = read(TABLE)?;
    let first = u64::from_le_bytes(table[..].try_into().map_err(|_| "table cut".to_owned())?);
    let mut found = Vec::new();
    for index in first.. {
        let Ok(bytes) = read(&name(index)) else { break };
        for bytes in bytes.chunks(LEN + 4) {
            let number = u64::from_le_bytes(bytes[..8].try_into().unwrap_or_default());
            let whole = bytes == record(number) || (flaw == Flaw::Checksum && number != 0);
            if !whole {
                return Ok(found);
            }
            if bytes.len() == LEN + 4 && bytes != record(number) {
                return Err(format!("record {number} is not what was written"));
            }
            found.push(number);
        }
    }
    Ok(found)
}

/// Whether every image of every moment has all that was acknowledged, and at most one record more.
fn check(flaw: Flaw, seed: u64) -> Result<usize, String> {
    let disk = FakeDisk::new();
    write(&disk, flaw);
    let mut crashes = disk.crashes(seed);
    let mut images = 0;
    while let Some(moment) = crashes.next_moment() {
        let acknowledged = moment.marks().last().copied().unwrap_or(0);
        for image in moment.images(12) {
            images += 1;
            let found = recover(image.disk(), flaw).map_err(|error| format!("{image}: {error}"))?;
            let last = found.last().copied().unwrap_or(0);
            let contiguous = found.windows(2).all(|pair| pair[0] + 1 == pair[1]);
            if !contiguous || !(acknowledged..=acknowledged + 1).contains(&last) {
                return Err(format!("{image}: {found:?} where {acknowledged} was acknowledged"));
            }
        }
    }
    Ok(images)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_log_that_forgets_nothing_passes(seed in any::<u64>()) {
        let checked = check(Flaw::Nothing, seed);
        prop_assert!(checked.as_ref().is_ok_and(|images| *images > 200), "{:?}", checked);
    }
}

#[test]
fn what_a_log_forgets_is_found() {
    let cases = [
        (Flaw::FolderAfterCreate, "sync_data of file 1"),
        (Flaw::SyncBeforeRename, "after rename"),
        (Flaw::FolderAfterRename, "remove 000.log"),
        (Flaw::SyncBeforeMark, "write"),
        (Flaw::Checksum, "write"),
    ];
    for (flaw, operation) in cases {
        for seed in 0..8 {
            let found = check(flaw, seed).unwrap_err();
            assert!(found.contains(operation), "{flaw:?} {seed}: {found}");
        }
    }
}
