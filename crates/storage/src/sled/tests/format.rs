//! Format 1, as a whole store: its rows stand in `format-1.txt`, written down when the format was made.
//!
//! A store made of them opens and shows what was put in. What is written today is still the same: a change of the format shows
//! here, and needs a file of its own beside this one.

use std::fmt::Write;
use std::fs;

use super::super::committed::CommittedFile;
use super::{Directory, key, packed_when_closed};
use crate::local::database::{is_released, open as open_database};
use crate::local::format_story::{bytes, hex, sight, told};
use crate::local::row::describe;
use crate::testkit::{Rig, SoleMemory, make};

const ROWS: &str = include_str!("format-1.txt");

const MANIFEST: &str = "headwater-data 1\nadapter sled\nformat 1\nchecksum 1b08d033\n";

/// All rows of a directory that nobody has open, with a comment that says what each is.
fn rows(directory: &Directory) -> String {
    let image = directory.image();
    let db = open_database(&image.path(), &image.database(), 1 << 20).unwrap();
    db.iter().fold(String::new(), |mut text, entry| {
        let (key, value) = entry.unwrap();
        writeln!(text, "# {}\n{} {}", describe(&key), hex(&key), hex(&value)).unwrap();
        text
    })
}

#[test]
fn a_store_of_format_1_opens_and_shows_what_was_put_in() {
    let directory = Directory::new(packed_when_closed());
    fs::create_dir(directory.path()).unwrap();
    let db = open_database(&directory.path(), &directory.database(), 1 << 20).unwrap();
    for line in ROWS.lines().filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once(' ').unwrap();
        db.insert(bytes(key), bytes(value)).unwrap();
    }
    db.flush().unwrap();
    drop(db);
    assert!(is_released(&directory.database()));
    fs::write(directory.path().join("MANIFEST"), MANIFEST).unwrap();
    CommittedFile::create(&directory.path()).unwrap().write(16).unwrap();
    let expected = told(&SoleMemory);
    let mut rig = Rig::open(&directory).unwrap();
    for round in ["at once", "packed"] {
        assert!(sight(&rig) == expected, "{round}");
        rig.reopen().unwrap();
    }
    rig.append(&key("plain"), make::batch(9, &[1]).unwrap()).unwrap();
}

#[test]
fn what_is_written_is_still_format_1() {
    let directory = Directory::new(packed_when_closed());
    told(&directory);
    let written = rows(&directory);
    assert_eq!(written.lines().count(), ROWS.lines().count(), "rows");
    for (written, expected) in written.lines().zip(ROWS.lines()) {
        assert_eq!(written, expected);
    }
}
