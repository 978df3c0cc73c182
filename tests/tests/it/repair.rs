//! `headwater repair`: of a directory on which no server starts, one on which it does, and what is lost is told.

use std::fs;
use std::path::{Path, PathBuf};

use headwater_tests::exit::{self, Exit};
use headwater_tests::{Launch, Server, Storage, tool};

fn repair(launch: &Launch) -> Exit {
    let to = launch.home().join("repaired");
    let (damaged, to) = (launch.data_dir().to_str().unwrap(), to.to_str().unwrap());
    tool::run(&["repair", damaged, "--to", to])
}

/// A journal that was stopped, most of it packed: ten appends to each of two streams, of a hundred kilobytes each.
fn stopped() -> Launch {
    let server = Launch::new(Storage::Journal).flags(&["--recent-bytes", "65536"]).start();
    for stream in ["a", "b"] {
        server.create_text(stream);
    }
    for number in 0..10 {
        for stream in ["a", "b"] {
            server.append_text(stream, &format!("{stream}{number}").repeat(50_000));
        }
    }
    server.stop()
}

fn content(server: &Server, stream: &str) -> String {
    server.pages(stream).iter().map(|page| page.text().to_owned()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn flip(path: &Path, at: usize) {
    let mut content = fs::read(path).unwrap();
    content[at] ^= 1;
    fs::write(path, content).unwrap();
}

#[test]
fn nothing_is_lost_where_only_what_can_be_known_otherwise_is_damaged() {
    let launch = stopped();
    let (whole, data) = (launch.start(), launch.data_dir());
    let [a, b] = ["a", "b"].map(|stream| (content(&whole, stream), whole.tail(stream)));
    whole.stop();
    for name in ["MANIFEST", "IDENTITY", "SEAL"] {
        flip(&data.join(name), 11);
    }
    flip(&files(&data.join("chunks"))[0], 20);
    assert_ne!(launch.run_to_end().code, Some(exit::STOPPED));
    let made = repair(&launch);
    assert_eq!((made.code, &*made.stderr), (Some(exit::STOPPED), ""), "{made:?}");
    let damaged = made.stdout.lines().filter(|line| line.starts_with("damaged: "));
    assert_eq!(damaged.filter(|line| line.contains(data.to_str().unwrap())).count(), 4, "{made:?}");
    let server = launch.in_directory("repaired").without_storage().start();
    for (stream, (text, tail)) in [("a", a), ("b", b)] {
        assert!(content(&server, stream) == text && server.tail(stream) == tail);
        server.append_text(stream, "more");
    }
    let server = server.crash_and_restart();
    assert!(content(&server, "a").ends_with("a9more"));
}

#[test]
fn a_damaged_block_stays_an_error_until_it_is_given_up() {
    let launch = stopped();
    let chunk = &files(&launch.data_dir().join("chunks"))[0];
    // Behind the header comes payload of the first stream.
    flip(chunk, 100);
    let made = repair(&launch);
    made.expect(exit::CORRUPT, &["was made", "was not changed"]);
    let lost: Vec<_> = made.stdout.lines().filter(|line| line.starts_with("lost: ")).collect();
    let [lost] = &lost[..] else { panic!("{made:?}") };
    let stream = lost.strip_prefix("lost: stream `").unwrap().split('`').next().unwrap();
    let behind = lost.rsplit(' ').next().unwrap();
    let other = if stream == "a" { "b" } else { "a" };
    let server = launch.in_directory("repaired").start();
    assert_eq!(content(&server, other).len(), 1_000_000);
    let beginning = server.get(stream, "offset=-1").try_send().unwrap();
    assert_eq!((beginning.status(), &*beginning.error_code()), (500, "corrupt"));
    let rest = server.get(stream, &format!("offset={behind}")).send().expect(200);
    assert!(rest.text().starts_with(stream), "{lost}");
    let truncate = format!("/v1/stream/__ds/truncate/{stream}?offset={behind}");
    server.call("POST", &truncate).send().expect(204);
    let left = content(&server, stream);
    assert!(left.ends_with(&format!("{stream}9")) && left.len() < 1_000_000);
    server.restart().stop();
}

#[test]
fn damage_in_the_journal_ends_a_stream_where_it_is_and_leaves_the_others() {
    let server = Launch::new(Storage::Journal).start();
    for stream in ["a", "b"] {
        server.create_text(stream);
    }
    for number in 0..5 {
        server.append_text("a", &format!("first{number}"));
        server.append_text("b", &format!("second{number}"));
    }
    let launch = server.stop();
    let log = &files(&launch.data_dir().join("journal"))[0];
    let text = fs::read(log).unwrap();
    let at = text.windows(6).position(|bytes| bytes == b"first2").unwrap();
    flip(log, at);
    launch.run_to_end().expect(exit::CORRUPT, &["byte"]);
    let made = repair(&launch);
    made.expect(exit::CORRUPT, &["was made"]);
    assert!(
        made.stdout.contains("lost: stream `a`: it is as it was at position 12, with 2 records"),
        "{made:?}"
    );
    assert!(!made.stdout.contains("stream `b`"), "{made:?}");
    let server = launch.in_directory("repaired").start();
    assert_eq!(content(&server, "a"), "first0first1");
    assert_eq!(content(&server, "b"), "second0second1second2second3second4");
}

#[test]
fn what_is_not_repaired() {
    let running = Launch::new(Storage::Journal).start();
    repair(running.launch()).expect(exit::DATA_IN_USE, &["in use"]);
    let sled = Launch::new(Storage::Sled).start().stop();
    repair(&sled).expect(exit::FOREIGN, &["sled"]);
    repair(&sled.in_directory("nowhere")).expect(exit::USAGE, &["no data directory"]);
    let launch = running.stop();
    fs::create_dir(launch.home().join("repaired")).unwrap();
    fs::write(launch.home().join("repaired/mine"), "").unwrap();
    repair(&launch).expect(exit::USAGE, &["`mine`", "nothing in it was changed"]);
}
