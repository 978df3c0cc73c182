//! `headwater backup` and `headwater restore`: of a server that is used, and what is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use headwater_tests::exit::{self, Exit};
use headwater_tests::{Launch, Server, Storage, tool, wait};

/// Packs after a little, so that a backup has all kinds of files.
const FLAGS: [&str; 2] = ["--recent-bytes", "65536"];

fn backup(server: &Server, to: &Path) -> Exit {
    let admin = server.admin().to_string();
    tool::run(&["backup", "--admin", &admin, "--to", to.to_str().unwrap()])
}

fn restore(from: &Path, directory: &Path) -> Exit {
    tool::run(&["restore", "--from", from.to_str().unwrap(), directory.to_str().unwrap()])
}

/// All of a stream.
fn content(server: &Server, stream: &str) -> String {
    server.pages(stream).iter().map(|page| page.text().to_owned()).collect()
}

/// A server with some megabytes.
fn filled() -> Server {
    let server = Launch::new(Storage::Journal).flags(&FLAGS).start();
    for stream in ["a", "b", "c"] {
        server.create_text(stream);
        for number in 0..8 {
            server.append_text(stream, &format!("{stream}{number}").repeat(50_000));
        }
    }
    server
}

#[test]
fn all_that_was_acknowledged_before_it_is_in_it_whole_and_in_order() {
    let server = Launch::new(Storage::Journal).flags(&FLAGS).start();
    let file = server.launch().home().join("backup");
    let (over, acknowledged) = (AtomicBool::new(false), [const { AtomicU64::new(0) }; 4]);
    let before = thread::scope(|scope| {
        for (writer, acknowledged) in acknowledged.iter().enumerate() {
            let (server, over) = (&server, &over);
            scope.spawn(move || {
                let stream = format!("w/{writer}");
                server.create_text(&stream);
                for number in 0.. {
                    if over.load(Ordering::Acquire) {
                        return;
                    }
                    // Two lines of one append: either both are in the backup or none.
                    let line = format!("{number:08} {}\n", "x".repeat(1000));
                    server.append_text(&stream, &line.repeat(2));
                    acknowledged.store(number + 1, Ordering::Release);
                }
            });
        }
        wait::until("some appends of everyone", || {
            acknowledged.iter().all(|number| number.load(Ordering::Acquire) > 40).then_some(())
        });
        let before: Vec<u64> =
            acknowledged.iter().map(|number| number.load(Ordering::Acquire)).collect();
        let made = backup(&server, &file);
        over.store(true, Ordering::Release);
        assert_eq!((made.code, &*made.stderr), (Some(exit::STOPPED), ""), "{made:?}");
        assert!(made.stdout.starts_with("complete: "), "{made:?}");
        before
    });
    let after: Vec<u64> =
        acknowledged.iter().map(|number| number.load(Ordering::Acquire)).collect();
    let launch = server.stop().in_directory("restored");
    let restored = restore(&file, launch.data_dir());
    assert_eq!(restored.code, Some(exit::STOPPED), "{restored:?}");
    assert!(restored.stdout.contains("restored: "), "{restored:?}");
    let server = launch.without_storage().start();
    for writer in 0..4 {
        let content = content(&server, &format!("w/{writer}"));
        let numbers: Vec<u64> =
            content.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
        let there = numbers.len() as u64 / 2;
        assert!((before[writer]..=after[writer]).contains(&there), "{before:?} {there} {after:?}");
        assert!((0..there).flat_map(|number| [number, number]).eq(numbers), "writer {writer}");
        assert!(content.ends_with("x\n"));
        // It is a server like any other.
        server.append_text(&format!("w/{writer}"), "more");
    }
    server.restart().stop();
}

#[test]
fn offsets_from_after_a_backup_never_lead_to_other_bytes() {
    let server = Launch::new(Storage::Journal).start();
    server.create_text("s");
    let kept = server.append_text("s", "kept");
    let file = server.launch().home().join("backup");
    assert_eq!(backup(&server, &file).code, Some(exit::STOPPED));
    let after = server.append_text("s", "lost");
    let launch = server.stop().in_directory("restored");
    assert_eq!(restore(&file, launch.data_dir()).code, Some(exit::STOPPED));
    let mut server = launch.without_storage().start();
    server.page("s", &after).expect_error(410, "offset_expired");
    server.page("s", &kept).expect(200).expect_body("");
    assert!(server.append_text("s", "else").lineage() > after.lineage());
    for _ in 0..2 {
        server.page("s", &after).expect_error(410, "offset_expired");
        server.page("s", &kept).expect(200).expect_body("else");
        server = server.restart();
    }
}

#[test]
fn of_a_stopped_server_too_and_damage_is_refused_with_its_place() {
    let launch = filled().stop();
    let (file, data) = (launch.home().join("backup"), launch.data_dir().to_str().unwrap());
    let made = tool::run(&["backup", "--data-dir", data, "--to", file.to_str().unwrap()]);
    assert_eq!(made.code, Some(exit::STOPPED), "{made:?}");
    let whole = fs::read(&file).unwrap();
    let target = launch.home().join("restored");
    for part in 1..6 {
        let mut damaged = whole.clone();
        let at = whole.len() / 6 * part;
        damaged[at] ^= 0x20;
        fs::write(&file, damaged).unwrap();
        let refused = restore(&file, &target);
        let name = file.display().to_string();
        refused.expect(exit::CORRUPT, &[&name, "damaged at byte", ", in `"]);
        assert_eq!(fs::read_dir(&target).map_or(0, Iterator::count), 0);
    }
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    restore(&file, &target).expect(exit::CORRUPT, &["not complete"]);
    fs::write(&file, b"something else, and long enough").unwrap();
    restore(&file, &target).expect(exit::FOREIGN, &["no backup"]);
    fs::write(&file, whole).unwrap();
    restore(&file, &launch.data_dir().join("MANIFEST")).expect(exit::FOREIGN, &["no directory"]);
    restore(&file, launch.data_dir()).expect(exit::USAGE, &["nothing in it was changed"]);
    assert_eq!(restore(&file, &target).code, Some(exit::STOPPED));
    restore(&launch.home().join("nowhere"), &target).expect(exit::USAGE, &["nowhere"]);
    let (old, new) = (launch.start(), launch.clone().in_directory("restored").start());
    for stream in ["a", "b", "c"] {
        assert_eq!(content(&old, stream), content(&new, stream));
        assert_eq!(old.tail(stream), new.tail(stream));
    }
}

#[test]
fn what_was_damaged_when_it_was_made_is_told_when_it_is_restored() {
    let launch = filled().stop();
    let mut chunks: Vec<_> = fs::read_dir(launch.data_dir().join("chunks")).unwrap().collect();
    let path = chunks.remove(0).unwrap().path();
    let mut content = fs::read(&path).unwrap();
    content[100] ^= 1;
    fs::write(&path, content).unwrap();
    let (file, data) = (launch.home().join("backup"), launch.data_dir().to_str().unwrap());
    let made = tool::run(&["backup", "--data-dir", data, "--to", file.to_str().unwrap()]);
    assert_eq!(made.code, Some(exit::STOPPED), "{made:?}");
    let restored = restore(&file, &launch.home().join("restored"));
    assert_eq!(restored.code, Some(exit::CORRUPT), "{restored:?}");
    assert!(restored.stdout.contains("damaged: ") && restored.stdout.contains("stream `"));
    launch.in_directory("restored").start().stop();
}

/// Begins a backup that takes longer than the test, and waits until some of it is written.
fn begin(server: &Server, to: &Path) -> (std::process::Child, PathBuf) {
    let admin = server.admin().to_string();
    let to = to.to_str().unwrap();
    let backup = tool::start(&["backup", "--admin", &admin, "--to", to, "--rate", "200000"]);
    let part = PathBuf::from(format!("{to}.part"));
    wait::until("a part of the backup", || (fs::metadata(&part).ok()?.len() > 1000).then_some(()));
    (backup, part)
}

#[test]
fn a_part_of_a_backup_is_none_whoever_was_killed() {
    let mut server = filled();
    let file = server.launch().home().join("backup");
    let target = server.launch().home().join("restored");
    // The one who asks: what it leaves is refused, and the server can be asked again.
    let (mut client, part) = begin(&server, &file);
    server.call("GET", "/healthz").send().expect(200);
    let other = backup(&server, &server.launch().home().join("other"));
    other.expect(exit::INTERNAL, &["another backup is being made"]);
    client.kill().unwrap();
    client.wait().unwrap();
    restore(&part, &target).expect(exit::CORRUPT, &["not complete"]);
    assert!(!file.exists());
    backup(&server, &file).expect(exit::USAGE, &[".part is there"]);
    fs::remove_file(&part).unwrap();
    wait::until("the place of the backup that was given up", || {
        (backup(&server, &file).code == Some(exit::STOPPED)).then_some(())
    });
    // The server: it starts again, and nothing is left of the backup.
    let second = server.launch().home().join("second");
    let (mut client, part) = begin(&server, &second);
    server.kill9();
    wait::until("the end of the client", || client.try_wait().unwrap());
    assert!(!part.exists() && !second.exists());
    let server = server.launch().start();
    assert_eq!(content(&server, "b").len(), 8 * 100_000);
    assert_eq!(restore(&file, &target).code, Some(exit::STOPPED));
    // A clean stop does not wait for it.
    let (mut client, part) = begin(&server, &second);
    server.stop();
    let ended = wait::until("the end of the client", || client.try_wait().unwrap());
    assert!(ended.code() == Some(exit::INTERNAL) && !part.exists());
}

#[test]
fn what_has_no_backups() {
    for storage in [Storage::Memory, Storage::Sled] {
        let server = Launch::new(storage).start();
        let file = server.launch().home().join("backup");
        backup(&server, &file).expect(exit::INTERNAL, &["404", "no backups of itself"]);
        assert_eq!(
            fs::read_dir(server.launch().home()).unwrap().count(),
            usize::from(storage == Storage::Sled)
        );
    }
    let server = Launch::new(Storage::Journal).start();
    let offline = |directory: &Path| {
        let to = server.launch().home().join("backup");
        let (directory, to) = (directory.to_str().unwrap(), to.to_str().unwrap());
        tool::run(&["backup", "--data-dir", directory, "--to", to])
    };
    offline(server.launch().data_dir()).expect(exit::DATA_IN_USE, &["in use"]);
    offline(&server.launch().home().join("nowhere")).expect(exit::USAGE, &["no data directory"]);
    let sled = Launch::new(Storage::Sled).start().stop();
    offline(sled.data_dir()).expect(exit::USAGE, &["sled"]);
    // Only operators are answered, and only when they mean it.
    server.call("POST", "/v1/admin/backup").send().expect_error(404, "not_found");
    server.operate("/v1/admin/backup").send().expect_error(405, "method_not_allowed");
    let nobody = tool::run(&["backup", "--admin", "127.0.0.1:1", "--to", "/tmp/none-of-this"]);
    nobody.expect(exit::INTERNAL, &["127.0.0.1:1"]);
    for address in ["https://127.0.0.1:1", "http://127.0.0.1:1/path", "//"] {
        let wrong = tool::run(&["backup", "--admin", address, "--to", "/tmp/none-of-this"]);
        wrong.expect(exit::USAGE, &["no address of a server"]);
    }
}
