//! A damaged data directory: whatever byte is changed, the server refuses to start and says so,
//! unless it can do without that byte: then it serves exactly what was written.

use std::fs;
use std::path::{Path, PathBuf};

use headwater_tests::{Launch, Server, Storage, exit};

const RECORDS: usize = 60;

fn record(number: usize) -> String {
    format!("record {number} {};", "payload".repeat(number % 9 * 20))
}

fn write_store(storage: Storage) -> Launch {
    let server = Launch::new(storage).start();
    for stream in ["a", "b"] {
        server.create_text(stream);
        for number in 0..RECORDS {
            server.append_text(stream, &record(number));
        }
    }
    server.fork("fork", "a", None);
    server.close("b");
    server.stop()
}

fn check_store(server: &Server) {
    let whole: String = (0..RECORDS).map(record).collect();
    for stream in ["a", "b", "fork"] {
        assert_eq!(server.read_text(stream), whole, "stream {stream}");
    }
    assert!(server.head("b").send().closed());
    assert!(!server.head("a").send().closed());
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// A launch on a copy of a data directory.
fn copy_of(original: &Launch) -> Launch {
    // Where its files are damaged sled may panic; that is caught, and told as damage.
    let storage = original.storage().expect("a launch that names its storage");
    let copy = Launch::new(storage).with_panics_in("/sled-0.34");
    for file in files_below(original.data_dir()) {
        let to = copy.data_dir().join(file.strip_prefix(original.data_dir()).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&file, &to).unwrap();
    }
    copy
}

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// The byte at this place is changed.
    Byte(usize),
    /// Only so many bytes are left.
    Cut(u64),
    /// The file is removed.
    Removed,
}

impl Damage {
    fn apply(self, path: &Path) {
        match self {
            Self::Byte(at) => {
                let mut content = fs::read(path).unwrap();
                content[at] ^= 0x40;
                fs::write(path, content).unwrap();
            }
            Self::Cut(kept) => {
                fs::File::options().write(true).open(path).unwrap().set_len(kept).unwrap();
            }
            Self::Removed => fs::remove_file(path).unwrap(),
        }
    }
}

/// What becomes of a start on a damaged directory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// Everything is served.
    Whole,
    Foreign,
    Corrupt,
}

/// What must become of a start after a clean stop and this damage to this file; docs/format.md says what is in it.
fn fate(name: &str, damage: Damage) -> Fate {
    match (name, damage) {
        // It is empty; only the lock on it means something.
        ("LOCK", _) => Fate::Whole,
        // Without it the directory is opened as after a crash, and all that is in it has checksums of its own.
        ("SEAL", Damage::Removed) => Fate::Whole,
        // The journal has everything that is in the catalogue. Of its files the first was written to; the others are ready for more.
        (name, _) if name.starts_with("catalogue/") => Fate::Whole,
        (name, _) if name.starts_with("journal/") && !name.ends_with("01.log") => Fate::Whole,
        // It has two slots, each of which says that at least so much must be there; one is enough.
        ("COMMITTED", Damage::Byte(_) | Damage::Cut(1..)) => Fate::Whole,
        // Its first word, with the space after it, tells whose the directory is.
        ("MANIFEST", Damage::Removed | Damage::Cut(0)) => Fate::Foreign,
        ("MANIFEST", Damage::Byte(at)) if at < "headwater-data ".len() => Fate::Foreign,
        _ => Fate::Corrupt,
    }
}

/// Damages a file of a copy of a directory, and requires what must become of a start.
fn judge(original: &Launch, name: &Path, damage: Damage) -> Fate {
    let launch = copy_of(original);
    damage.apply(&launch.data_dir().join(name));
    let name = name.to_str().expect("a name in UTF-8");
    let fate = fate(name, damage);
    // Shown when what follows fails.
    eprintln!("{name}, {damage:?}: {fate:?}");
    let dir = launch.data_dir().display().to_string();
    match fate {
        Fate::Whole => {
            let server = launch.start();
            check_store(&server);
            check_store(&server.crash_and_restart());
        }
        Fate::Foreign => launch.run_to_end().expect(
            exit::FOREIGN,
            &[&dir, "nothing in it was changed", "choose an empty or a new directory"],
        ),
        Fate::Corrupt => launch.run_to_end().expect(
            exit::CORRUPT,
            &[&dir, "is damaged", "restore the directory from a backup, or move it away"],
        ),
    }
    fate
}

#[test]
fn an_undamaged_copy_serves() {
    for storage in Storage::LASTING {
        check_store(&copy_of(&write_store(storage)).start());
    }
}

#[test]
fn changed_bytes_are_found_or_harmless() {
    let corrupt = change_bytes(Storage::Sled);
    assert!(corrupt >= 30, "ten places in each of three files are damage: {corrupt}");
}

#[test]
fn changed_bytes_of_a_journal_are_found_or_harmless() {
    let corrupt = change_bytes(Storage::Journal);
    assert!(corrupt >= 30, "ten places in each of three files are damage: {corrupt}");
}

#[test]
fn missing_and_short_files_are_found() {
    let corrupt = take_away(Storage::Sled);
    assert!(corrupt >= 8, "the database and what guards it cannot do without: {corrupt}");
}

#[test]
fn missing_and_short_files_of_a_journal_are_found() {
    let corrupt = take_away(Storage::Journal);
    assert!(corrupt >= 8, "the journal and what guards it cannot do without: {corrupt}");
}

/// Changes bytes of every file, one at a time; how often that was damage.
fn change_bytes(storage: Storage) -> usize {
    let original = write_store(storage);
    let mut corrupt = 0;
    for file in files_below(original.data_dir()) {
        let name = file.strip_prefix(original.data_dir()).unwrap();
        // Places spread over what the file really holds; most of a fresh file is zeroes.
        let content = fs::read(&file).unwrap();
        let held: Vec<usize> = (0..content.len()).filter(|at| content[*at] != 0).collect();
        let step = (held.len() / 10).max(1);
        for at in held.into_iter().step_by(step) {
            corrupt += usize::from(judge(&original, name, Damage::Byte(at)) == Fate::Corrupt);
        }
    }
    corrupt
}

/// Cuts and removes every file, one at a time; how often that was damage.
fn take_away(storage: Storage) -> usize {
    let original = write_store(storage);
    let mut corrupt = 0;
    for file in files_below(original.data_dir()) {
        let name = file.strip_prefix(original.data_dir()).unwrap();
        let length = fs::metadata(&file).unwrap().len();
        for damage in [Damage::Removed, Damage::Cut(0), Damage::Cut(length / 2)] {
            corrupt += usize::from(judge(&original, name, damage) == Fate::Corrupt);
        }
    }
    corrupt
}
