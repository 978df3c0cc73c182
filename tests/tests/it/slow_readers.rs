//! Readers that take what they are sent slowly, or not at all: what is held for them is bounded, they are cut, and nobody else
//! is kept waiting. Over real sockets, because the kernel's buffers are what makes the difference.

use std::time::{Duration, Instant};

use headwater_tests::http::Conn;
use headwater_tests::{Launch, Server, Storage, wait};

/// One record of a JSON stream, which is one page however large it is.
const RECORD: usize = 12 * 1024 * 1024;

fn large(server: &Server) {
    server.create_json("large");
    server.append_json("large", &format!("\"{}\"", "x".repeat(RECORD)));
}

fn ask(server: &Server, query: &str) -> Conn {
    let mut conn = server.connect();
    let request = format!("GET /v1/stream/large?{query} HTTP/1.1\r\nHost: x\r\n\r\n");
    conn.write(request.as_bytes()).unwrap();
    conn
}

#[test]
fn who_takes_nothing_is_cut_and_gives_back_what_was_held() {
    // Room for three of them and not for a fourth.
    let flags = ["--write-timeout", "4s", "--reading-bytes", "50000000"];
    let server = Launch::new(Storage::Sled).flags(&flags).start();
    large(&server);
    let queries = ["offset=-1", "offset=-1&records=true", "offset=-1&live=long-poll"];
    let stalled = queries.map(|query| ask(&server, query));
    wait::until("the room to be taken", || {
        (server.sample("headwater_read_bytes_held") > 37e6).then_some(())
    });
    // A page is refused, with the reason; what is no page is not.
    let refused = server.get("large", "offset=-1").send().expect_error(503, "overloaded");
    assert!(refused.header("Retry-After").is_some());
    assert!(server.refusals("bytes_read") >= 1.0);
    server.append_json("large", "1");
    wait::until("the stalled ones to be cut", || {
        (server.refusals("write_time") >= 3.0).then_some(())
    });
    wait::until("room", || (server.get("large", "offset=-1").send().status() == 200).then_some(()));
    drop(stalled);
}

/// Closed in the usual way, the kernel would keep what is unsent for minutes, in case the client comes back to it.
#[test]
fn what_is_unsent_goes_with_a_connection_that_is_cut() {
    let server = Launch::new(Storage::Memory).flags(&["--write-timeout", "500ms"]).start();
    large(&server);
    let mut conn = ask(&server, "offset=-1");
    wait::until("it to be cut", || (server.refusals("write_time") >= 1.0).then_some(()));
    let broken = conn.read_response("GET").expect_err("an answer that breaks off");
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn live_readers_that_take_nothing_hold_no_more_than_there_is_room_for() {
    let flags = ["--write-timeout", "500ms", "--reading-bytes", "30000000"];
    let server = Launch::new(Storage::Sled).flags(&flags).start();
    large(&server);
    let queries = ["offset=-1&live=sse", "offset=-1&live=sse&records=true"];
    let stalled: Vec<Conn> =
        queries.iter().cycle().take(6).map(|query| ask(&server, query)).collect();
    let mut most: f64 = 0.0;
    wait::until("all of them to be served and cut", || {
        most = most.max(server.sample("headwater_read_bytes_held"));
        (server.refusals("write_time") >= 6.0).then_some(())
    });
    assert!(most > 12e6 && most <= 30.1e6, "{most}");
    wait::until("nothing to be held", || {
        (server.sample("headwater_read_bytes_held") == 0.0).then_some(())
    });
    drop(stalled);
}

/// What is sent may be several times what is stored: characters that are escaped, bytes in base64, line ends in events.
#[test]
fn what_is_counted_is_what_is_sent() {
    // More than the kernels of both sides take.
    const BYTES: usize = 8 << 20;
    let server = Launch::new(Storage::Sled).start();
    let cases = [
        ("text/plain", "\u{1}", "offset=-1&records=true", 6.0),
        ("text/plain", "\u{1}", "offset=-1&live=long-poll&records=true", 6.0),
        ("text/plain", "\u{1}", "offset=-1&live=sse&records=true", 6.0),
        ("text/plain", "x", "offset=-1&live=sse&records=true", 1.0),
        ("a/b", "x", "offset=-1&records=true", 4.0 / 3.0),
    ];
    for (number, (kind, byte, query, times)) in cases.into_iter().enumerate() {
        let stream = format!("s{number}");
        server.create(&stream, kind);
        let body = byte.repeat(BYTES);
        server.post(&stream).content_type(kind).body(body).send().expect(204);
        let mut conn = server.connect();
        let request = format!("GET /v1/stream/{stream}?{query} HTTP/1.1\r\nHost: x\r\n\r\n");
        conn.write(request.as_bytes()).unwrap();
        assert_eq!(conn.read_head().unwrap().status, 200);
        let expected = BYTES as f64 * times;
        wait::until(&format!("{expected} bytes to be held for {query} of {kind}"), || {
            let held = server.sample("headwater_read_bytes_held");
            (held >= expected && held < expected + 1000.0).then_some(())
        });
        drop(conn);
        wait::until("nothing to be held", || {
            (server.sample("headwater_read_bytes_held") == 0.0).then_some(())
        });
    }
    // Payloads with a line in each byte, a page of a live reader at a time.
    server.create_text("lines");
    server.append_text("lines", &"\n".repeat(BYTES));
    let mut conn = server.connect();
    let request = "GET /v1/stream/lines?offset=-1&live=sse HTTP/1.1\r\nHost: x\r\n\r\n";
    conn.write(request.as_bytes()).unwrap();
    wait::until("a page in lines to be held", || {
        (server.sample("headwater_read_bytes_held") >= 6.0 * 128.0 * 1024.0).then_some(())
    });
}

#[test]
fn who_reads_slowly_and_steadily_is_not_cut() {
    let server = Launch::new(Storage::Sled).flags(&["--write-timeout", "2s"]).start();
    large(&server);
    let mut conn = ask(&server, "offset=-1");
    assert_eq!(conn.read_head().unwrap().status, 200);
    let (begun, mut taken) = (Instant::now(), 0);
    // Some 200 KB a second: far less in the time-out than the kernel would buffer by itself.
    while begun.elapsed() < Duration::from_secs(8) {
        taken += conn.take_some(20_000).unwrap();
        wait::for_a_moment(Duration::from_millis(100));
    }
    assert!(taken < RECORD / 2, "too fast to tell: {taken}");
    while taken < RECORD + 4 {
        let piece = conn.take_some(1 << 20).unwrap();
        assert!(piece > 0, "cut after {taken} bytes");
        taken += piece;
    }
    assert_eq!(server.refusals("write_time"), 0.0);
}

/// A connection is not idle while an answer is being sent, however long that takes.
#[test]
fn a_long_answer_is_not_taken_for_an_idle_connection() {
    const HEAD_TIME: Duration = Duration::from_secs(1);
    let server = Launch::new(Storage::Memory).flags(&["--head-timeout", "1s"]).start();
    large(&server);
    let mut conn = ask(&server, "offset=-1");
    assert_eq!(conn.read_head().unwrap().status, 200);
    let (begun, mut taken, mut sending) = (Instant::now(), 0, Duration::ZERO);
    while taken < RECORD + 4 {
        let piece = conn.take_some(400_000).unwrap();
        assert!(piece > 0, "cut after {taken} bytes");
        taken += piece;
        // In this order: what is held afterwards was being sent when the refusals were counted. When nothing is held any more,
        // the kernels may have the rest for longer than the connection may be idle.
        let idle = server.refusals("idle");
        if server.sample("headwater_read_bytes_held") > 0.0 {
            assert_eq!(idle, 0.0, "after {taken} bytes");
            sending = begun.elapsed();
        }
        wait::for_a_moment(Duration::from_millis(100));
    }
    assert!(sending > HEAD_TIME * 2, "too fast to tell: {sending:?}");
}
