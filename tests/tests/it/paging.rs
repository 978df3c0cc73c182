//! Large reads: pages that join without a seam, markers only on the last, bounded memory.

use std::fs;
use std::thread;

use headwater_tests::http::Response;
use headwater_tests::{Server, on_each_storage};

/// Far more than any page a server with bounded memory would send at once.
const LARGE: usize = 24 * 1024 * 1024;

/// How much one append of the large stream carries.
const PIECE: usize = 256 * 1024;

fn piece(number: usize) -> Vec<u8> {
    format!("{number:016}").repeat(PIECE / 16).into_bytes()
}

fn write_large(server: &Server, stream: &str) {
    server.create(stream, "application/octet-stream");
    for number in 0..LARGE / PIECE {
        server.post(stream).bytes(piece(number)).send().expect(204);
    }
}

fn check_markers(pages: &[Response], closed: bool) {
    let (last, rest) = pages.split_last().expect("a page");
    for page in rest {
        assert!(!page.up_to_date() && !page.closed(), "a marker on a partial page: {page}");
        assert!(!page.body.is_empty(), "an empty page that is not the last");
    }
    assert!(last.up_to_date());
    assert_eq!(last.closed(), closed);
}

#[test]
fn a_large_stream_comes_in_pages_that_join() {
    on_each_storage(&[], |server| {
        write_large(server, "s");
        for closed in [false, true] {
            if closed {
                server.close("s");
            }
            let pages = server.pages("s");
            assert!(pages.len() > 1, "24 MiB came as a single page");
            check_markers(&pages, closed);
            let bodies: Vec<Vec<u8>> = pages.into_iter().map(|page| page.body).collect();
            let bytes = bodies.concat();
            assert_eq!(bytes.len(), LARGE);
            for (number, part) in bytes.chunks(PIECE).enumerate() {
                assert!(part == piece(number), "piece {number} differs");
            }
        }
    });
}

#[test]
fn a_large_json_stream_comes_as_whole_values() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        let filler = "x".repeat(2_000);
        let mut number = 0;
        for _ in 0..40 {
            let values: Vec<String> = (0..100)
                .map(|_| {
                    number += 1;
                    format!("{{\"n\":{number},\"f\":\"{filler}\"}}")
                })
                .collect();
            server.append_json("s", &format!("[{}]", values.join(",")));
        }
        let pages = server.pages("s");
        check_markers(&pages, false);
        let mut seen = 0;
        for page in &pages {
            for value in page.json().as_array().expect("an array") {
                seen += 1;
                assert_eq!(value["n"], seen);
            }
        }
        assert_eq!(seen, number);
    });
}

#[test]
fn a_record_larger_than_a_page_comes_through() {
    on_each_storage(&[], |server| {
        server.create_json("json");
        let long = format!("\"{}\"", "y".repeat(9 * 1024 * 1024));
        server.append_json("json", "1");
        server.append_json("json", &long);
        server.append_json("json", "2");
        let values: Vec<_> = server
            .pages("json")
            .iter()
            .flat_map(|page| page.json().as_array().expect("an array").clone())
            .collect();
        assert_eq!(values.len(), 3);
        assert_eq!(values[1].as_str().map(str::len), Some(9 * 1024 * 1024));
    });
}

#[test]
fn a_page_may_begin_and_end_inside_a_fork() {
    on_each_storage(&[], |server| {
        write_large(server, "source");
        server.fork("fork", "source", None);
        server.post("fork").bytes(b"the end").send().expect(204);
        let bytes = server.read("fork");
        assert_eq!(bytes.len(), LARGE + 7);
        assert!(bytes.ends_with(b"the end"));
        for number in [0, 1, LARGE / PIECE / 2, LARGE / PIECE - 1] {
            assert!(bytes[number * PIECE..(number + 1) * PIECE] == piece(number), "{number}");
        }
    });
}

/// The resident memory of the server process, in bytes.
fn resident(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    let kib: usize = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("kB");
    kib * 1024
}

#[test]
fn readers_that_do_not_read_cost_no_copy_of_the_stream() {
    const READERS: usize = 40;
    on_each_storage(&[], |server| {
        write_large(server, "s");
        let before = resident(server);
        let stalled: Vec<_> = (0..READERS)
            .map(|_| server.get("s", "offset=-1").start())
            .chain((0..READERS).map(|_| server.get("s", "offset=-1&live=sse").start()))
            .collect();
        // A reader that reads is not held up by those that do not.
        let peak = thread::scope(|scope| {
            let reading = scope.spawn(|| assert_eq!(server.read("s").len(), LARGE));
            let mut peak = 0;
            while !reading.is_finished() {
                peak = peak.max(resident(server));
                thread::yield_now();
            }
            peak.max(resident(server))
        });
        let grown = peak.saturating_sub(before);
        let copies = 2 * READERS * LARGE;
        assert!(grown < copies / 8, "{grown} bytes more for {} stalled readers", stalled.len());
    });
}
