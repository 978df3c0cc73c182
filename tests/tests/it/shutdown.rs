//! SIGTERM and SIGINT: what is under way is answered and ended, nothing new begins, and the exit code is 0.

use std::time::{Duration, Instant};

use headwater_tests::http::Conn;
use headwater_tests::server::Signal;
use headwater_tests::sse::Event;
use headwater_tests::{Launch, Server, Storage, exit, wait};

const PATIENT: &[&str] =
    &["--long-poll-timeout", "120s", "--sse-max-age", "120s", "--drain-timeout", "120s"];

/// Runs a test with each storage and each signal that asks for a stop.
fn on_each(test: impl Fn(Server, Signal)) {
    for storage in Storage::ALL {
        for signal in [Signal::TERM, Signal::INT] {
            test(Launch::new(storage).flags(PATIENT).start(), signal);
        }
    }
}

/// Sends one half of an append of `halfdone`.
pub(crate) fn hold_an_append(server: &Server) -> Conn {
    let mut conn = server.connect();
    let head = "POST /v1/stream/s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\
                Content-Length: 8\r\n\r\nhalf";
    conn.write(head.as_bytes()).unwrap();
    conn.expect_quiet(Duration::from_millis(100));
    conn
}

#[test]
fn an_idle_server_stops_at_once() {
    on_each(|server, signal| {
        server.create_text("s");
        server.append_text("s", "x");
        server.signal(signal);
        // For which it has a fraction of the time that anything here may take by its settings.
        let exit = server.wait_for_exit();
        assert_eq!(exit.code, Some(exit::STOPPED), "{exit:#?}");
    });
}

#[test]
fn waiting_readers_are_answered_and_live_tails_end_cleanly() {
    on_each(|server, signal| {
        server.create_text("s");
        let tail = server.append_text("s", "x");
        let parked: Vec<_> = (0..5)
            .map(|_| server.get("s", "offset=now&live=long-poll").start())
            .map(|one| one.expect_parked(Duration::from_millis(50)))
            .collect();
        let mut live: Vec<_> =
            (0..5).map(|_| server.get("s", "offset=-1&live=sse").events()).collect();
        for one in &mut live {
            one.until_caught_up();
        }
        server.signal(signal);
        for one in parked {
            let answer = one.finish();
            let answer = answer.expect(204);
            assert_eq!(answer.offset(), tail);
            assert!(!answer.closed());
        }
        for mut one in live {
            for event in one.until_end() {
                let end = event.name == "control" && Event::closed(&event);
                assert!(!end, "the end of a server is not the end of a stream");
            }
        }
        let exit = server.wait_for_exit();
        assert_eq!(exit.code, Some(exit::STOPPED), "{exit:#?}");
    });
}

#[test]
fn a_connection_that_is_kept_open_and_idle_holds_nothing_up() {
    on_each(|server, signal| {
        server.create_text("s");
        let mut idle = server.connect();
        server.get("s", "").send_over(&mut idle).unwrap().expect(200);
        let silent: Vec<Conn> = (0..3).map(|_| server.connect()).collect();
        server.signal(signal);
        let exit = server.wait_for_exit();
        assert_eq!(exit.code, Some(exit::STOPPED), "{exit:#?}");
        drop((idle, silent));
    });
}

#[test]
fn an_append_under_way_is_finished_and_nothing_new_begins() {
    on_each(|server, signal| {
        server.create_text("s");
        let mut kept = server.connect();
        server.get("s", "").send_over(&mut kept).unwrap().expect(200);
        let mut conn = hold_an_append(&server);
        server.signal(signal);
        // A connection that is kept for later requests ends, and no new one is accepted.
        kept.expect_end();
        wait::until("the server takes no new connection", || {
            server.get("s", "").try_send().is_err().then_some(())
        });
        // What is under way is answered, and what was sent behind it on its connection is not.
        conn.write(b"done").unwrap();
        let _ = conn.write(&server.post("s").text("behind").encode());
        let answer = conn.read_response("POST").expect("the request under way is answered");
        answer.expect(204).expect_header("Connection", "close");
        conn.expect_end();
        let launch = server.launch().clone();
        let exit = server.wait_for_exit();
        assert_eq!(exit.code, Some(exit::STOPPED), "{exit:#?}");
        if launch.storage() != Some(Storage::Memory) {
            assert_eq!(launch.start().read_text("s"), "halfdone");
        }
    });
}

#[test]
fn a_request_that_never_ends_does_not_hold_the_server_for_ever() {
    for storage in Storage::ALL {
        let server = Launch::new(storage).flags(&["--drain-timeout", "300ms"]).start();
        server.create_text("s");
        let conn = hold_an_append(&server);
        let begun = Instant::now();
        server.terminate();
        let exit = server.wait_for_exit();
        // Without the flag it would be ten seconds.
        assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
        assert_eq!(exit.code, Some(exit::STOPPED), "{exit:#?}");
        drop(conn);
    }
}

#[test]
fn everything_acknowledged_before_a_stop_is_there_after_it() {
    for storage in Storage::LASTING {
        let mut server = Launch::new(storage).start();
        let mut expected = String::new();
        for round in 0..5 {
            server.put("s").content_type("text/plain").send();
            for number in 0..20 {
                let record = format!("{round}.{number};");
                server.append_text("s", &record);
                expected.push_str(&record);
            }
            server = server.restart();
            assert_eq!(server.read_text("s"), expected);
        }
    }
}
