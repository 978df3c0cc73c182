//! A damaged data directory: whatever byte is changed, the server either refuses to start and says
//! so, or serves exactly what was written. It never serves anything else and never hangs.

use std::fs;
use std::path::{Path, PathBuf};

use headwater_tests::{Launch, Server, Storage, exit};

const RECORDS: usize = 60;

fn record(number: usize) -> String {
    format!("record {number} {};", "payload".repeat(number % 9 * 20))
}

fn write_store() -> Launch {
    let server = Launch::new(Storage::Sled).start();
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
    let copy = Launch::new(Storage::Sled);
    for file in files_below(original.data_dir()) {
        let to = copy.data_dir().join(file.strip_prefix(original.data_dir()).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&file, &to).unwrap();
    }
    copy
}

/// What became of a start on a damaged directory.
#[derive(Debug, PartialEq)]
enum Verdict {
    Whole,
    Refused,
}

#[track_caller]
fn judge(launch: &Launch, what: &str) -> Verdict {
    let mut server = Server::spawn_only(launch);
    let serving = headwater_tests::wait::until("the server serves or ends", || {
        let said = server.stdout();
        let first = said.split_inclusive('\n').next().filter(|line| line.ends_with('\n'));
        first.map(|_| true).or_else(|| (!server.is_running()).then_some(false))
    });
    if serving {
        server.kill9();
        drop(server);
        let server = launch.start();
        check_store(&server);
        return Verdict::Whole;
    }
    let exit = server.wait_for_exit();
    let named = matches!(exit.code, Some(exit::CORRUPT | exit::FOREIGN));
    assert!(named, "{what}: {exit:#?}");
    let dir = launch.data_dir().display().to_string();
    assert!(exit.stderr.contains(&dir), "{what}: the message names the directory: {exit:#?}");
    Verdict::Refused
}

#[test]
fn an_undamaged_copy_serves() {
    let copy = copy_of(&write_store());
    check_store(&copy.start());
}

#[test]
fn changed_bytes_are_found_or_harmless() {
    let original = write_store();
    let mut refused = 0;
    for file in files_below(original.data_dir()) {
        let name = file.strip_prefix(original.data_dir()).unwrap();
        let length = fs::metadata(&file).unwrap().len() as usize;
        // Places spread over what the file really holds; most of a fresh database file is zeroes.
        let content = fs::read(&file).unwrap();
        let held: Vec<usize> = (0..length).filter(|at| content[*at] != 0).collect();
        let step = (held.len() / 10).max(1);
        for at in held.into_iter().step_by(step) {
            let copy = copy_of(&original);
            let mut content = content.clone();
            content[at] ^= 0x40;
            fs::write(copy.data_dir().join(name), content).unwrap();
            let what = format!("byte {at} of {}", name.display());
            if judge(&copy, &what) == Verdict::Refused {
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "no damage was ever found");
}

#[test]
fn missing_and_short_files_are_found() {
    let original = write_store();
    let mut refused = 0;
    for file in files_below(original.data_dir()) {
        let name = file.strip_prefix(original.data_dir()).unwrap();
        let length = fs::metadata(&file).unwrap().len();
        for kept in [None, Some(0), Some(length / 2)] {
            let copy = copy_of(&original);
            let path = copy.data_dir().join(name);
            match kept {
                None => fs::remove_file(&path).unwrap(),
                Some(kept) => fs::File::options()
                    .write(true)
                    .open(&path)
                    .and_then(|file| file.set_len(kept))
                    .unwrap(),
            }
            if judge(&copy, &format!("{} cut to {kept:?}", name.display())) == Verdict::Refused {
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "no loss was ever found");
}
