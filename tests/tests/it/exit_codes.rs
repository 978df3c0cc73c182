//! How a server that cannot serve says so: the exit code, the message, and what it leaves alone.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use headwater_tests::{Launch, Server, Storage, exit, wait};

use crate::shutdown;

#[test]
fn bad_usage() {
    let bad: [&[&str]; 8] = [
        &["--no-such-flag"],
        &["--storage", "stone"],
        &["--listen", "nowhere"],
        &["--listen", "127.0.0.1:99999"],
        &["--long-poll-timeout", "soon"],
        &["--sse-max-age", "-5s"],
        &["--sse-keep-alive"],
        &["surplus"],
    ];
    for flags in bad {
        let launch = Launch::new(Storage::Memory).flags(flags);
        let exit = launch.run_to_end();
        assert_eq!(exit.code, Some(exit::USAGE), "{flags:?}: {exit:#?}");
        assert!(!exit.stderr.is_empty(), "{flags:?}");
        assert_eq!(exit.stdout, "", "{flags:?}");
        assert!(!launch.data_dir().exists(), "{flags:?} made a data directory");
    }
}

#[test]
fn the_address_is_in_use() {
    for storage in Storage::ALL {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let exit = Launch::new(storage).listen(&address).run_to_end();
        exit.expect(exit::ADDRESS_IN_USE, &[&address, "in use"]);
        assert_eq!(exit.stdout, "");
    }
}

#[test]
fn the_data_directory_is_in_use() {
    for storage in Storage::LASTING {
        let server = Launch::new(storage).start();
        server.create_text("s");
        server.append_text("s", "mine");
        let exit = server.launch().run_to_end();
        let dir = server.launch().data_dir().display().to_string();
        let advice = "stop that one, or choose another directory";
        exit.expect(exit::DATA_IN_USE, &["in use", &dir, advice]);
        assert_eq!(exit.stdout, "");
        server.append_text("s", "!");
        assert_eq!(server.restart().read_text("s"), "mine!");
    }
}

#[test]
fn a_server_that_is_about_to_leave_is_waited_for() {
    Storage::LASTING.into_iter().for_each(check_successor);
}

fn check_successor(storage: Storage) {
    let server = Launch::new(storage).flags(&["--drain-timeout", "120s"]).start();
    server.create_text("s");
    let launch = server.launch().clone();
    let mut conn = shutdown::hold_an_append(&server);
    server.terminate();
    let mut successor = Server::spawn_only(&launch);
    let lock = launch.data_dir().join("LOCK");
    wait::until("the successor stands before the lock", || successor.has_open(&lock).then_some(()));
    // The old process holds the directory until this append is whole.
    conn.write(b"done").unwrap();
    conn.read_response("POST").unwrap().expect(204);
    successor.wait_until_it_serves();
    assert_eq!(server.wait_for_exit().code, Some(exit::STOPPED));
    assert_eq!(successor.read_text("s"), "halfdone");
}

/// Everything below a folder: path, content, time of change.
fn picture_of(folder: &Path) -> BTreeMap<PathBuf, (Option<Vec<u8>>, SystemTime)> {
    let mut picture = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let changed = fs::metadata(&path).unwrap().modified().unwrap();
            let content = path.is_file().then(|| fs::read(&path).unwrap());
            if content.is_none() {
                folders.push(path.clone());
            }
            picture.insert(path, (content, changed));
        }
    }
    picture
}

/// A directory that is not ours: what it is, and the files in it.
struct Foreign {
    what: &'static str,
    files: &'static [(&'static str, Content)],
}

#[derive(Clone, Copy)]
enum Content {
    Nothing,
    Text(&'static str),
    Noise,
}

const FOREIGN: &[Foreign] = &[
    Foreign { what: "a document", files: &[("letter.txt", Content::Text("dear reader"))] },
    Foreign {
        what: "folders",
        files: &[("photos/2026/a.jpg", Content::Noise), ("notes", Content::Nothing)],
    },
    Foreign { what: "a hidden file", files: &[(".profile", Content::Text("export A=b"))] },
    Foreign {
        what: "names like a database's",
        files: &[("db", Content::Noise), ("conf", Content::Text("{}"))],
    },
    Foreign { what: "an empty database file", files: &[("db", Content::Nothing)] },
];

impl Content {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Text(text) => text.into(),
            Self::Noise => {
                (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
            }
        }
    }
}

#[test]
fn a_foreign_directory_is_refused_and_left_untouched() {
    for Foreign { what, files } in FOREIGN {
        let stated = Storage::LASTING.map(Launch::new);
        for launch in stated.into_iter().chain([Launch::new(Storage::Sled).without_storage()]) {
            let dir = launch.data_dir();
            for (name, content) in *files {
                let path = dir.join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content.bytes()).unwrap();
            }
            let before = picture_of(dir);
            let exit = launch.run_to_end();
            let advice = ["nothing in it was changed", "choose an empty or a new directory"];
            exit.expect(exit::FOREIGN, &[advice[0], advice[1], &dir.display().to_string()]);
            assert!(picture_of(dir) == before, "{what}: something was changed");
        }
    }
}

#[test]
fn another_databases_directory_is_foreign() {
    // The very files of our own storage engine, without our mark beside them.
    let server = Launch::new(Storage::Sled).start();
    server.put("s").text("x").send().expect(201);
    let ours = server.stop();
    let mut databases = Vec::new();
    for path in picture_of(ours.data_dir()).into_keys() {
        if path.is_file() && path.file_name().is_some_and(|name| name == "db") {
            databases.push(path.parent().unwrap().to_owned());
        }
    }
    assert_eq!(databases.len(), 1, "one database in {:?}", ours.data_dir());
    for theirs in Storage::LASTING.map(Launch::new) {
        fs::create_dir_all(theirs.data_dir()).unwrap();
        for name in ["db", "conf"] {
            fs::copy(databases[0].join(name), theirs.data_dir().join(name)).unwrap();
        }
        let before = picture_of(theirs.data_dir());
        let exit = theirs.run_to_end();
        assert_eq!(exit.code, Some(exit::FOREIGN), "{exit:#?}");
        assert!(picture_of(theirs.data_dir()) == before, "something was changed");
    }
}

#[test]
fn another_adapters_directory_is_refused_and_left_untouched() {
    for (ours, others) in [(Storage::Sled, "journal"), (Storage::Journal, "sled")] {
        let server = Launch::new(ours).start();
        server.put("s").text("kept").send().expect(201);
        let launch = server.stop();
        let before = picture_of(launch.data_dir());
        let exit = launch.clone().without_storage().flags(&["--storage", others]).run_to_end();
        let advice = ["nothing in it was changed", "choose an empty or a new directory"];
        exit.expect(exit::FOREIGN, &[&format!("`{ours}`"), advice[0], advice[1]]);
        assert!(picture_of(launch.data_dir()) == before, "{ours}: something was changed");
        assert_eq!(launch.without_storage().start().read_text("s"), "kept");
    }
}

#[test]
fn a_data_directory_that_is_a_file_is_refused() {
    for launch in Storage::LASTING.map(Launch::new) {
        fs::write(launch.data_dir(), b"not a directory").unwrap();
        let exit = launch.run_to_end();
        exit.expect(exit::FOREIGN, &[&launch.data_dir().display().to_string()]);
        assert_eq!(fs::read(launch.data_dir()).unwrap(), b"not a directory");
    }
}

#[test]
fn an_empty_directory_is_nobodys() {
    for launch in Storage::LASTING.map(Launch::new) {
        fs::create_dir(launch.data_dir()).unwrap();
        let server = launch.start();
        server.create_text("s");
    }
}

#[test]
fn without_a_storage_flag_the_directory_decides() {
    for before in Storage::LASTING {
        let server = Launch::new(before).start();
        server.put("s").text("kept").send().expect(201);
        let server = server.stop().without_storage().start();
        assert_eq!(server.read_text("s"), "kept", "{before}");
        wait_for_adapter(&server, before);
    }
}

#[test]
fn without_a_storage_flag_a_new_directory_is_the_journals() {
    let server = Launch::new(Storage::Sled).without_storage().start();
    wait_for_adapter(&server, Storage::Journal);
    server.put("s").text("kept").send().expect(201);
    assert_eq!(server.crash_and_restart().read_text("s"), "kept");
}

/// Waits until a server has told which adapter it serves from.
fn wait_for_adapter(server: &Server, storage: Storage) {
    let line = format!("storage: {storage}\n");
    wait::until(&line, || server.stdout().contains(&line).then_some(()));
}

#[test]
fn a_directory_of_an_unknown_adapter_is_refused_and_left_untouched() {
    // The manifest as docs/format.md describes it, with the CRC-32C of what stands before.
    let manifest = "headwater-data 1\nadapter jetstream\nformat 1\nchecksum eb00de26\n";
    let stated = Launch::new(Storage::Sled);
    let silent = Launch::new(Storage::Sled).without_storage();
    for (launch, advice) in [
        (stated, "choose an empty or a new directory"),
        (silent, "use a newer version, or choose another directory"),
    ] {
        let dir = launch.data_dir();
        fs::create_dir(dir).unwrap();
        fs::write(dir.join("MANIFEST"), manifest).unwrap();
        fs::write(dir.join("0001.journal"), Content::Noise.bytes()).unwrap();
        let before = picture_of(dir);
        let exit = launch.run_to_end();
        exit.expect(exit::FOREIGN, &["`jetstream`", "nothing in it was changed", advice]);
        exit.expect(exit::FOREIGN, &[&dir.display().to_string()]);
        assert_eq!(exit.stdout, "");
        assert!(picture_of(dir) == before, "something was changed");
    }
}

#[test]
fn a_start_tells_what_it_does() {
    let server = Launch::new(Storage::Sled).start();
    let dir = server.launch().data_dir().display().to_string();
    wait::until("the start is described", || {
        let said = server.stdout();
        (said.contains(&dir) && said.matches("curl").count() >= 3).then_some(())
    });
}
