//! Format 1, as whole stores: their files stand in `format-1.txt`, written down when the format was made, and in
//! `format-1-begin-2.txt`, since the first frame of a journal file has a second version. The catalogue is not among them, because
//! it is made of them.
//!
//! Stores made of them open and show what was put in. What is written today is still as in the newest: a change of the format
//! shows here, and needs a file of its own beside these.

use std::fmt::Write;
use std::io::IoSlice;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use headwater_core::Storage;
use parking_lot::Mutex;

use super::life::{Begin, Life};
use crate::disk::{Disk, FakeDisk, write_all};
use crate::journal::catalogue::Image;
use crate::journal::handle::Options;
use crate::journal::{chunks, identity, open};
use crate::local::format_story::{bytes, hex, sight, told};
use crate::testkit::{Harness, Restarts, Rig, SoleMemory, make};

/// What was ever written, the newest last.
const STORES: [&str; 2] = [include_str!("format-1.txt"), include_str!("format-1-begin-2.txt")];

/// The number that a directory draws by lot.
const IDENTITY: u64 = 0x0102_0304_0506_0708;

/// Bytes on a line.
const LINE: usize = 64;

/// Everything is in one journal file for each opening, and in chunk files at once or not at all.
fn options(recent_bytes: usize) -> Options {
    Options {
        recent_bytes,
        file_bytes: 1 << 16,
        idle: Duration::from_secs(3600),
        merge_files: 0,
        ..Options::default()
    }
}

/// A disk with the folders that a directory has from the beginning.
fn disk() -> FakeDisk {
    let disk = FakeDisk::new();
    for folder in [open::FOLDER, chunks::FOLDER] {
        disk.create_folder(Path::new(folder)).unwrap();
    }
    disk
}

/// With an empty catalogue.
fn begin() -> Begin {
    Begin { images: vec![Image::default()], ..Begin::default() }
}

fn life(disk: &FakeDisk, recent_bytes: usize) -> Life {
    Life::over(disk.at_rest(), begin(), options(recent_bytes))
}

/// All files that hold something, with their size, and their lines that are not empty.
fn written(disk: &FakeDisk) -> String {
    let mut text = String::new();
    let mut files = disk.files();
    files.sort();
    for (path, size) in files {
        let content = disk.read_all(&path).unwrap();
        // A journal file that was made ready and not written to.
        if content.iter().all(|byte| *byte == 0) {
            continue;
        }
        writeln!(text, "= {size} {}", path.display()).unwrap();
        for (number, line) in content.chunks(LINE).enumerate() {
            if line.iter().any(|byte| *byte != 0) {
                writeln!(text, "{} {}", number * LINE, hex(line)).unwrap();
            }
        }
    }
    text
}

/// A disk with these files.
fn made_of(text: &str) -> FakeDisk {
    let disk = disk();
    let mut file = None;
    for line in text.lines() {
        if let Some((size, path)) = line.strip_prefix("= ").and_then(|line| line.split_once(' ')) {
            let created = disk.create(Path::new(path)).unwrap();
            let size: usize = size.parse().unwrap();
            write_all(&*created, &mut [IoSlice::new(&vec![0; size])], 0).unwrap();
            file = Some(created);
        } else {
            let (offset, content) = line.split_once(' ').unwrap();
            let content = bytes(content);
            let file = file.as_deref().unwrap();
            write_all(file, &mut [IoSlice::new(&content)], offset.parse().unwrap()).unwrap();
        }
    }
    disk.at_rest()
}

#[test]
fn stores_of_format_1_open_and_show_what_was_put_in() {
    let expected = told(&SoleMemory);
    for files in STORES {
        let life = life(&made_of(files), usize::MAX / 4);
        let mut rig = Rig::open(&life).unwrap();
        for round in ["at once", "again"] {
            life.check().unwrap();
            assert!(sight(&rig) == expected, "{round}");
            rig.reopen().unwrap();
        }
        rig.append(&make::key("plain").unwrap(), make::batch(9, &[1]).unwrap()).unwrap();
    }
}

/// A store that packs everything at first, and nothing once it was opened again.
struct Halves {
    first: Life,
    second: Life,
    /// What was opened last.
    last: Mutex<Option<Arc<dyn Storage>>>,
}

impl Harness for Halves {
    fn open(&self) -> Arc<dyn Storage> {
        let mut last = self.last.lock();
        let life = if last.is_none() { &self.first } else { &self.second };
        let storage = life.open();
        life.check().unwrap();
        *last = Some(Arc::clone(&storage));
        storage
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

#[test]
fn what_is_written_is_still_format_1() {
    let disk = disk();
    identity::write(&disk, IDENTITY).unwrap();
    let first = life(&disk, 0);
    let second = Life::over(first.disk.clone(), begin(), options(usize::MAX / 4));
    let halves = Halves { first, second, last: Mutex::default() };
    told(&halves);
    let last = halves.last.lock().take().unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(last.close()).unwrap();
    let written = written(&halves.second.disk);
    let [.., newest] = STORES;
    assert_eq!(written.lines().count(), newest.lines().count(), "lines");
    for (written, expected) in written.lines().zip(newest.lines()) {
        assert_eq!(written, expected);
    }
}
