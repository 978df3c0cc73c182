//! A client that goes away in the middle: of a request it commits none, and what waits for it stops.

use std::fs;

use headwater_tests::{Server, on_each_storage, wait};

/// A request for a 20-byte record, and how its bytes are framed.
const FRAMINGS: [(&str, &str); 2] = [
    ("Content-Length: 20\r\n", "vanished vanished va"),
    ("Transfer-Encoding: chunked\r\n", "a\r\nvanished v\r\na\r\nanished va\r\n0\r\n\r\n"),
];

fn send_part(server: &Server, method: &str, headers: &str, body: &str, sent: usize) {
    let request = format!(
        "{method} /v1/stream/s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n{headers}\r\n"
    );
    let mut conn = server.connect();
    conn.write(request.as_bytes()).unwrap();
    conn.write(&body.as_bytes()[..sent]).unwrap();
    // Dropped here: the connection ends with the request unfinished.
}

#[test]
fn half_an_append_leaves_nothing() {
    on_each_storage(&[], |server| {
        let at_first = open_sockets(server);
        server.create_text("s");
        let mut expected = String::new();
        for (headers, body) in FRAMINGS {
            for sent in 0..body.len() {
                send_part(server, "POST", headers, body, sent);
                if sent % 8 == 0 {
                    server.append_text("s", "whole;");
                    expected.push_str("whole;");
                }
            }
        }
        all_connections_gone(server, at_first);
        assert_eq!(server.read_text("s"), expected);
    });
}

#[test]
fn half_a_closing_append_neither_writes_nor_closes() {
    on_each_storage(&[], |server| {
        let at_first = open_sockets(server);
        server.create_text("s");
        for (headers, body) in FRAMINGS {
            let headers = format!("Stream-Closed: true\r\n{headers}");
            for sent in [0, 1, body.len() - 1] {
                send_part(server, "POST", &headers, body, sent);
            }
        }
        all_connections_gone(server, at_first);
        let head = server.head("s").send().expect(200);
        assert!(!head.closed());
        assert_eq!(head.offset().position(), 0);
    });
}

#[test]
fn half_a_producers_append_does_not_use_its_sequence() {
    on_each_storage(&[], |server| {
        let at_first = open_sockets(server);
        server.create_text("s");
        for (headers, body) in FRAMINGS {
            let producer = "Producer-Id: p\r\nProducer-Epoch: 3\r\nProducer-Seq: 0\r\n";
            send_part(server, "POST", &format!("{producer}{headers}"), body, 7);
        }
        all_connections_gone(server, at_first);
        server.post("s").text("x").producer("p", 0, 0).send().expect(200);
        assert_eq!(server.read_text("s"), "x");
    });
}

#[test]
fn half_a_creation_creates_nothing() {
    on_each_storage(&[], |server| {
        let at_first = open_sockets(server);
        for (headers, body) in FRAMINGS {
            for sent in [0, 5, body.len() - 1] {
                send_part(server, "PUT", headers, body, sent);
            }
        }
        all_connections_gone(server, at_first);
        server.head("s").send().expect(404);
    });
}

#[test]
fn a_body_that_ends_before_its_length_is_no_append() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        for (headers, body) in FRAMINGS {
            let mut conn = server.connect();
            let request = format!(
                "POST /v1/stream/s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n{headers}\r\n"
            );
            conn.write(request.as_bytes()).unwrap();
            conn.write(&body.as_bytes()[..body.len() - 3]).unwrap();
            // The client still reads: it may be told, but it must not be told that all went well.
            conn.finish_writing().unwrap();
            let answer = conn.read_response("POST").expect("an answer to a torn body");
            answer.expect_error(400, "invalid_request");
        }
        assert_eq!(server.read_text("s"), "");
    });
}

/// The sockets the process holds open.
fn open_sockets(server: &Server) -> usize {
    let folder = format!("/proc/{}/fd", server.pid());
    let entries = fs::read_dir(folder).expect("procfs");
    entries
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|link| link.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Waits until the server holds no more sockets than it did at first: it has noticed every
/// connection that the test has dropped.
fn all_connections_gone(server: &Server, at_first: usize) {
    wait::until("the server has closed its side", || {
        (open_sockets(server) <= at_first).then_some(())
    });
}

#[test]
fn waiting_readers_that_leave_are_let_go() {
    on_each_storage(&["--long-poll-timeout", "300s", "--sse-max-age", "300s"], |server| {
        let before = open_sockets(server);
        server.create_text("s");
        let mut live: Vec<_> =
            (0..20).map(|_| server.get("s", "offset=-1&live=sse").events()).collect();
        for one in &mut live {
            one.next_control();
        }
        let parked: Vec<_> =
            (0..20).map(|_| server.get("s", "offset=now&live=long-poll").start()).collect();
        wait::until("all readers are connected", || {
            (open_sockets(server) >= before + 40).then_some(())
        });
        drop((live, parked));
        wait::until("all readers are let go", || (open_sockets(server) <= before).then_some(()));
        server.append_text("s", "still serving");
    });
}
