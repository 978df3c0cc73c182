//! A real disk that is full: writes are refused before anything happened, reads go on, what gives room back is taken, and when there is
//! room everything goes on by itself.

use std::time::Duration;

use headwater_tests::http::Response;
use headwater_tests::small_disk::SmallDisk;
use headwater_tests::{Launch, Server, Storage, exit, wait};

/// Room for some tens of records beside what is kept free.
const DISK_MIB: u32 = 96;

/// What somebody else takes and gives back: more than a store asks to be free before it takes anything. What a store itself has filled
/// stays full, however much of what somebody else took afterwards is given back.
const SPARE_MIB: u32 = 24;

const RECORD_BYTES: usize = 256 << 10;

/// More than the disk has.
const MOST: usize = ((DISK_MIB as usize) << 20) / RECORD_BYTES;

fn record(number: usize) -> Vec<u8> {
    let mut record = format!("{number:>8}").into_bytes();
    record.resize(RECORD_BYTES, b'a' + u8::try_from(number % 26).unwrap());
    record
}

fn records(count: usize) -> Vec<u8> {
    (0..count).flat_map(record).collect()
}

fn append(server: &Server, stream: &str, number: usize) -> Response {
    server.post(stream).producer("p", 0, number as u64).bytes(record(number)).send()
}

/// Appends from this number on until the disk is full, and tells how many are there then.
fn append_until_full(server: &Server, stream: &str, from: usize) -> usize {
    for number in from..MOST {
        let answer = append(server, stream, number);
        if answer.status() != 200 {
            refused(answer);
            return number;
        }
    }
    panic!("{MOST} records fit onto {DISK_MIB} MiB");
}

/// It is said that nothing happened, and when to come again.
fn refused(answer: Response) {
    let answer = answer.expect_error(507, "storage_full");
    let error = &answer.json()["error"];
    assert_eq!(
        (error["outcome"].as_str(), error["retry"].as_str()),
        (Some("definite"), Some("later"))
    );
    assert!(answer.header("Retry-After").unwrap().parse::<u64>().unwrap() > 0);
}

fn on_a_full_disk(storage: Storage) -> (Server, SmallDisk, usize) {
    beside_others(storage, 0)
}

/// Of the disk somebody else has so many MiB.
fn beside_others(storage: Storage, taken_mib: u32) -> (Server, SmallDisk, usize) {
    let (launch, disk) = Launch::new(storage).on_a_small_disk(DISK_MIB);
    disk.take(taken_mib);
    let server = launch.start();
    for stream in ["a", "victim"] {
        server.put(stream).content_type("application/octet-stream").send().expect(201);
    }
    for number in 0..8 {
        append(&server, "victim", number).expect(200);
    }
    let count = append_until_full(&server, "a", 0);
    assert!(count > 20, "{count}");
    (server, disk, count)
}

/// sled cuts its file as it moves things about, and what was held behind the end is gone until the next group asks for it. Whoever takes the
/// last byte in between breaks the store (docs/operations.md); here that is to happen when sled has nothing left to move.
fn when_sled_rests(server: &Server, storage: Storage) {
    if storage == Storage::Sled {
        wait::until("everything is packed", || {
            (server.sample("headwater_unpacked_bytes") == 0.0).then_some(())
        });
    }
}

#[test]
fn writes_are_refused_and_reads_go_on() {
    for storage in Storage::LASTING {
        let (server, disk, count) = beside_others(storage, SPARE_MIB);
        when_sled_rests(&server, storage);
        disk.fill();
        // Some more may find the room that is held for what was packed meanwhile.
        let count = append_until_full(&server, "a", count);
        assert!(server.read("a") == records(count), "{storage}: what was acknowledged is there");
        server.head("a").send().expect(200);
        let live = server.get("a", "offset=now&live=long-poll").start();
        let live = live.expect_parked(Duration::from_millis(50));
        disk.relieve();
        // What was refused is taken as if it had never been asked for, and whoever waited for it gets it.
        wait::until("room", || (append(&server, "a", count).status() == 200).then_some(()));
        let news = live.finish().expect(200);
        assert!(!news.body.is_empty() && record(count).starts_with(&news.body), "{storage}");
        assert!(server.read("a") == records(count + 1), "{storage}");
    }
}

#[test]
fn deleting_makes_room() {
    let (server, _disk, count) = on_a_full_disk(Storage::Journal);
    server.delete("victim").send().expect(204);
    wait::until("room", || (append(&server, "a", count).status() == 200).then_some(()));
    let count = append_until_full(&server, "a", count + 1);
    assert!(server.read("a") == records(count));
}

#[test]
fn a_start_serves_what_is_there() {
    for storage in Storage::LASTING {
        let (server, _disk, count) = on_a_full_disk(storage);
        let server = server.crash_and_restart();
        assert!(server.read("a") == records(count), "{storage}");
        // What was not packed yet may be now, so that some more find room.
        let count = append_until_full(&server, "a", count);
        assert!(server.read("a") == records(count), "{storage}");
    }
}

/// Opening writes, and takes for that what the server keeps free; somebody else may have taken that.
#[test]
fn a_start_without_a_byte_fails_and_costs_nothing() {
    for storage in Storage::LASTING {
        let (mut server, disk, count) = on_a_full_disk(storage);
        let launch = server.launch().clone();
        server.kill9();
        disk.fill();
        launch.run_to_end().expect(exit::INTERNAL, &["no space left on device"]);
        disk.relieve();
        let server = launch.start();
        assert!(server.read("a") == records(count), "{storage}");
    }
}
