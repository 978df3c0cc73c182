//! Format 1, as a whole store: its rows stand in `format-1.txt`, written down when the format was made.
//!
//! A store made of them opens and shows what was put in. What is written today is still the same: a change of the format shows
//! here, and needs a file of its own beside this one.

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use headwater_core::change::{Birth, Closed, PinChange, ProducerChange, Update};
use headwater_core::offset::LineageRange;
use headwater_core::{ContentType, Expiry, Lineage, Slot, StreamSeq, Tail, Timestamp};

use super::super::committed::CommittedFile;
use super::key;
use super::{Directory, packed_when_closed};
use crate::local::database::{is_released, open as open_database};
use crate::local::row::describe;
use crate::testkit::sight::{Places, Sight};
use crate::testkit::{Harness, Rig, SoleMemory, make};

const ROWS: &str = include_str!("format-1.txt");

const MANIFEST: &str = "headwater-data 1\nadapter sled\nformat 1\nchecksum 1b08d033\n";

fn places() -> Places {
    Places {
        streams: ["plain", "s/text", "s/source", "s/fork", "s/gone", "t/empty"].map(key).to_vec(),
        spaces: ["", "s", "t"].map(str::to_owned).to_vec(),
        producers: ["p", "q"].map(|id| make::producer(id).unwrap()).to_vec(),
    }
}

/// What is packed.
fn first_half(rig: &Rig<'_>) {
    rig.create(&key("plain"), make::birth()).unwrap();
    rig.append(&key("plain"), make::batch(1, &[3, 0, 5000, 7]).unwrap()).unwrap();
    let birth = Birth {
        content_type: ContentType::parse("text/plain; charset=utf-8").unwrap(),
        expiry: Expiry::Ttl(60),
        batch: Some(make::tagged(make::pattern(2, 20), "kind", "first").unwrap()),
        at: Timestamp(1_000),
        ..make::birth()
    };
    rig.create(&key("s/text"), birth).unwrap();
    let row = ProducerChange::Introduce(make::producer("p").unwrap(), make::row(1, 0).unwrap());
    let update = Update {
        stream_seq: Some(StreamSeq::new(b"00012").unwrap()),
        closed: Some(Arc::new(Closed { by: None })),
        used_at: Some(Timestamp(2_000)),
        ..make::produced(make::batch(3, &[4]).unwrap(), row)
    };
    rig.update(&key("s/text"), update).unwrap();
    rig.create(&key("s/source"), make::birth()).unwrap();
    rig.append(&key("s/source"), make::batch(4, &[30, 30]).unwrap()).unwrap();
    let state = rig.live(&key("s/source")).unwrap();
    let at = Tail { position: 45, sequence: 2 };
    let fork = Birth {
        batch: Some(make::batch(5, &[9]).unwrap()),
        ..make::fork_birth(&key("s/source"), &state, at)
    };
    let pin = make::pin(&key("s/source"), state.version(), PinChange::Add(45));
    rig.unit([make::creation(&key("s/fork"), fork), pin]).unwrap();
    let version = rig.version(&key("s/source")).unwrap();
    rig.unit([make::soft_deletion(&key("s/source"), version)]).unwrap();
    rig.create(&key("s/gone"), make::birth()).unwrap();
    rig.append(&key("s/gone"), make::batch(6, &[10]).unwrap()).unwrap();
    rig.create(&key("t/empty"), make::birth()).unwrap();
    rig.create(&key("chain"), chain()).unwrap();
}

/// More inherited ranges than a state row holds.
fn chain() -> Birth {
    let range = |n: u64| LineageRange { lineage: Lineage(n + 1), from: n * 2, to: n * 2 + 2 };
    Birth {
        inherited: (0..50).map(range).collect(),
        base: Tail { position: 100, sequence: 50 },
        ..make::birth()
    }
}

/// What is not packed.
fn second_half(rig: &Rig<'_>) {
    rig.append(&key("plain"), make::batch(7, &[11]).unwrap()).unwrap();
    let row = ProducerChange::Advance(make::producer("p").unwrap(), make::row(1, 1).unwrap());
    rig.update(&key("s/text"), Update { producer: Some(row), ..Update::default() }).unwrap();
    rig.unit([make::removal(&key("s/gone"), rig.version(&key("s/gone")).unwrap())]).unwrap();
    let birth = Birth { expiry: Expiry::At(Timestamp(9_000)), ..make::birth() };
    rig.create(&key("s/gone"), birth).unwrap();
}

fn sight(rig: &Rig<'_>) -> (Sight, Slot) {
    (places().look(rig).unwrap(), rig.slot(&key("chain")).unwrap())
}

fn told(harness: &dyn Harness) -> (Sight, Slot) {
    let mut rig = Rig::open(harness).unwrap();
    first_half(&rig);
    rig.reopen().unwrap();
    second_half(&rig);
    sight(&rig)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

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
