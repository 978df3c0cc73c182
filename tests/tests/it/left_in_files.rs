//! Large answers of the journal are sent from its files: they hold no memory, and are what was appended, to whomever and however they are
//! asked for.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use headwater_tests::http::Conn;
use headwater_tests::server::target;
use headwater_tests::{Launch, Server, Storage, wait};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2::Builder;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::h2c;

/// Packed every few appends, into files that are merged all the time.
const FLAGS: [&str; 2] = ["--recent-bytes", "1000000"];

/// Bytes of an append.
const APPEND: usize = 300_000;

/// What stands at each place of a stream.
fn content(from: usize, to: usize) -> Vec<u8> {
    (from..to).map(|at| ((at / 8 * 0x9E37_79B9) >> (at % 8 * 4)) as u8).collect()
}

fn append(server: &Server, stream: &str, from: usize, to: usize) {
    for at in (from..to).step_by(APPEND) {
        let body = content(at, to.min(at + APPEND));
        server.post(stream).content_type("a/b").body(body).send().expect(204);
    }
}

fn wait_until_packed(server: &Server) {
    wait::until("all to be packed", || {
        (server.sample("headwater_unpacked_bytes") == 0.0).then_some(())
    });
}

/// A server, and a stream of so many bytes that are in files.
fn packed(bytes: usize) -> Server {
    let server = Launch::new(Storage::Journal).flags(&FLAGS).start();
    server.create("s", "a/b");
    append(&server, "s", 0, bytes);
    wait_until_packed(&server);
    server
}

fn request(query: &str) -> String {
    format!("GET {}?{query} HTTP/1.1\r\nHost: x\r\n\r\n", target("s"))
}

fn ask(server: &Server, query: &str) -> Conn {
    let mut conn = server.connect();
    conn.write(request(query).as_bytes()).unwrap();
    conn
}

#[test]
fn they_are_what_was_appended_wherever_they_begin() {
    const BYTES: usize = 3_000_000;
    let server = packed(BYTES);
    let all = content(0, BYTES);
    let mut conn = server.connect();
    // Offsets of other places are made of those that are told, which are tokens.
    let mut from = "-1".to_owned();
    let mut position = 0;
    while position < BYTES {
        // Several requests at once on one connection, which goes on.
        for _ in 0..2 {
            conn.write(request(&format!("offset={from}")).repeat(2).as_bytes()).unwrap();
            for _ in 0..2 {
                let page = conn.read_response("GET").unwrap().expect(200);
                assert!(page.body == all[position..position + page.body.len()], "{position}");
            }
        }
        // The same of who reads as before HTTP/1.1, and to its end.
        let mut old = TcpStream::connect(server.address()).unwrap();
        write!(old, "GET {}?offset={from} HTTP/1.0\r\n\r\n", target("s")).unwrap();
        let mut answer = Vec::new();
        old.read_to_end(&mut answer).unwrap();
        let page = server.get("s", &format!("offset={from}")).send().expect(200);
        assert!(answer.ends_with(&page.body) && !page.body.is_empty(), "{position}");
        let tag = page.etag();
        let known = server.get("s", &format!("offset={from}")).header("If-None-Match", &tag);
        known.send().expect(304).expect_body("");
        position += page.body.len();
        from = page.offset().to_string();
    }
    assert_eq!(position, BYTES);
    server.stop();
}

#[test]
fn http2_has_them_as_bytes() {
    const BYTES: usize = 1_000_000;
    let server = packed(BYTES);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let sender = h2c::connect_as(&server, &Builder::new(TokioExecutor::new())).await;
        let (mut all, mut from) = (Vec::new(), "-1".to_owned());
        while all.len() < BYTES {
            let request = h2c::request(&server, "GET", &format!("s?offset={from}"), h2c::whole(""));
            let page = h2c::send(&sender, request).await;
            assert_eq!(page.status(), 200);
            from = page.headers()["stream-next-offset"].to_str().unwrap().to_owned();
            let body = timeout(h2c::PATIENCE, page.into_body().collect()).await;
            all.extend_from_slice(&body.expect("in time").expect("a whole body").to_bytes());
        }
        assert!(all == content(0, BYTES));
    });
    server.stop();
}

#[test]
fn values_of_json_are_whole_wherever_a_page_ends() {
    let server = Launch::new(Storage::Journal).flags(&FLAGS).start();
    server.create_json("json");
    let mut number = 0;
    // Some of it is packed and some is recent, more than a page has of it in memory.
    for _ in 0..30 {
        let values = (0..100).map(|_| {
            number += 1;
            format!("{{\"n\":{number},\"f\":\"{}\"}}", "x".repeat(number % 3 * 1000 + 300))
        });
        server.append_json("json", &format!("[{}]", values.collect::<Vec<_>>().join(",")));
    }
    for packed in [false, true] {
        if packed {
            wait_until_packed(&server);
        }
        let mut seen = 0;
        for page in server.pages("json") {
            for value in page.json().as_array().expect("an array") {
                seen += 1;
                assert_eq!(value["n"], seen);
            }
        }
        assert_eq!(seen, number);
    }
    // As one page, now that all of it is in files.
    assert_eq!(server.pages("json").len(), 1);
    server.stop();
}

/// Connections that have asked for more than the kernel takes, and take the first head.
fn stalled(server: &Server) -> Vec<Conn> {
    let mut stalled: Vec<Conn> = (0..4).map(|_| server.connect()).collect();
    for conn in &mut stalled {
        conn.write(request("offset=-1").repeat(40).as_bytes()).unwrap();
        assert_eq!(conn.read_head().unwrap().status, 200);
    }
    stalled
}

#[test]
fn who_takes_nothing_of_them_holds_nothing_and_is_cut() {
    const BYTES: usize = 2_000_000;
    let server = packed(BYTES);
    let holding = stalled(&server);
    // Those who begin to read have room for a moment. As bytes they would hold megabytes for as long as they wait, which is half a minute.
    wait::until("next to nothing to be held", || {
        // What is too short to be worth a call of its own is in memory.
        (server.sample("headwater_read_bytes_held") < 100_000.0).then_some(())
    });
    assert_eq!(server.refusals("write_time"), 0.0, "they still wait");
    drop(holding);
    let server = server.stop().flags(&["--write-timeout", "1s"]).start();
    let cut = stalled(&server);
    wait::until("all of them to be cut", || (server.refusals("write_time") >= 4.0).then_some(()));
    drop(cut);
    // One that goes away in the middle is in nobody's way.
    let mut gone = ask(&server, "offset=-1");
    gone.take_some(200_000).unwrap();
    drop(gone);
    assert!(server.read("s") == content(0, BYTES));
    server.stop();
}

#[test]
fn they_are_right_while_streams_grow_are_packed_and_merged_and_cut_off() {
    const BYTES: usize = 6_000_000;
    let server = packed(3_000_000);
    let written = AtomicBool::new(false);
    thread::scope(|scope| {
        let (server, written) = (&server, &written);
        scope.spawn(move || {
            append(server, "s", 3_000_000, BYTES);
            written.store(true, Ordering::Relaxed);
        });
        for _ in 0..2 {
            scope.spawn(move || {
                let mut last = false;
                while !last {
                    last = written.load(Ordering::Relaxed);
                    let read = server.read("s");
                    assert!(read == content(0, read.len()), "{} bytes", read.len());
                    assert!(!last || read.len() == BYTES, "{} bytes", read.len());
                }
            });
        }
    });
    // What is given up meanwhile is read to its end by who has begun.
    let mut slow = ask(&server, "offset=-1");
    let head = slow.read_head().unwrap();
    let length: usize = head.header("content-length").unwrap().parse().unwrap();
    server.delete("s").send().expect(204);
    server.create("t", "a/b");
    append(&server, "t", 0, 4_000_000);
    wait_until_packed(&server);
    let mut taken = 0;
    while taken < length {
        taken += slow.take_some(length - taken).unwrap();
    }
    server.stop();
}

/// The chunk file that has this, and where.
fn find(server: &Server, wanted: &[u8]) -> (PathBuf, u64) {
    let folder = server.launch().data_dir().join("chunks");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = files.filter_map(|path| {
        let content = std::fs::read(&path).ok()?;
        let at = content.windows(wanted.len()).position(|window| window == wanted)?;
        Some((path, at as u64))
    });
    found.last().expect("a file that has it")
}

#[test]
fn damage_is_found_by_the_first_read_and_never_sent_as_good() {
    const BYTES: usize = 3_000_000;
    let server = packed(BYTES);
    let launch = server.stop();
    let server = launch.start();
    let (path, at) = find(&server, &content(2_000_000, 2_000_064));
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    let mut from = "-1".to_owned();
    let mut read = Vec::new();
    let refused = loop {
        let page = ask(&server, &format!("offset={from}")).read_response("GET").unwrap();
        if page.status() != 200 {
            break page;
        }
        read.extend_from_slice(&page.body);
        from = page.offset().to_string();
    };
    assert_eq!((refused.status(), refused.error_code()), (500, "corrupt".to_owned()));
    assert!(read.len() <= 2_000_000 && read == content(0, read.len()), "{} bytes", read.len());
    // A file becomes shorter than what was verified of it: the answer breaks off.
    let (path, _) = find(&server, &content(0, 64));
    File::options().write(true).open(path).unwrap().set_len(500_000).unwrap();
    let mut conn = ask(&server, "offset=-1");
    let broken = conn.read_response("GET").unwrap_err();
    assert!(matches!(broken.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset));
    wait::until("it to be told", || server.stderr().contains("broken off").then_some(()));
}
