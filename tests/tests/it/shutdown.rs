//! SIGTERM: what is under way is answered and ended, nothing new begins, and the exit code is 0.

use std::time::{Duration, Instant};

use headwater_tests::http::Conn;
use headwater_tests::sse::Event;
use headwater_tests::{Launch, Server, Storage, exit, wait};

const PATIENT: &[&str] = &["--long-poll-timeout", "120s", "--sse-max-age", "120s"];

fn on_each(test: impl Fn(Server)) {
    for storage in Storage::ALL {
        test(Launch::new(storage).flags(PATIENT).start());
    }
}

/// Sends one half of an append of `halfdone`.
fn hold_an_append(server: &Server) -> Conn {
    let mut conn = server.connect();
    let head = "POST /v1/stream/s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\
                Content-Length: 8\r\n\r\nhalf";
    conn.write(head.as_bytes()).unwrap();
    conn.expect_quiet(Duration::from_millis(100));
    conn
}

#[test]
fn an_idle_server_stops_at_once() {
    on_each(|server| {
        server.create_text("s");
        server.append_text("s", "x");
        let start = Instant::now();
        server.terminate();
        let exit = server.wait_for_exit();
        assert_eq!(exit.code, Some(exit::STOPPED), "{exit:#?}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    });
}

#[test]
fn waiting_readers_are_answered_and_live_tails_end_cleanly() {
    on_each(|server| {
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
        server.terminate();
        for one in parked {
            let answer = one.finish();
            match answer.status() {
                204 => {
                    assert_eq!(answer.offset(), tail);
                    assert!(!answer.closed());
                }
                503 => assert_eq!(answer.error_code(), "draining"),
                _ => panic!("{answer}"),
            }
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
    on_each(|server| {
        server.create_text("s");
        let mut idle = server.connect();
        server.get("s", "").send_over(&mut idle).unwrap().expect(200);
        let silent: Vec<Conn> = (0..3).map(|_| server.connect()).collect();
        server.terminate();
        let exit = server.wait_for_exit();
        assert_eq!(exit.code, Some(exit::STOPPED), "{exit:#?}");
        drop((idle, silent));
    });
}

#[test]
fn an_append_under_way_is_finished_and_nothing_new_begins() {
    let server = Launch::new(Storage::Sled).flags(PATIENT).start();
    server.create_text("s");
    let mut conn = hold_an_append(&server);
    server.terminate();
    wait::until("the server takes nothing new", || match server.get("s", "").try_send() {
        Err(_) => Some(()),
        Ok(answer) if answer.status() == 503 => Some(()),
        Ok(answer) => {
            answer.expect(200);
            None
        }
    });
    conn.write(b"done").unwrap();
    let answer = conn.read_response("POST").expect("the request under way is answered");
    assert!(matches!(answer.status(), 204 | 503), "{answer}");
    let taken = answer.status() == 204;
    let launch = server.launch().clone();
    assert_eq!(server.wait_for_exit().code, Some(exit::STOPPED));
    let server = launch.start();
    assert_eq!(server.read_text("s"), if taken { "halfdone" } else { "" });
}

#[test]
fn a_second_signal_stops_at_once() {
    on_each(|mut server| {
        server.create_text("s");
        // A request that never ends holds up the first signal.
        let mut conn = hold_an_append(&server);
        server.terminate();
        conn.expect_quiet(Duration::from_millis(300));
        assert!(server.is_running(), "the first signal waits for the request under way");
        server.terminate();
        let start = Instant::now();
        server.wait_for_exit();
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    });
}

#[test]
fn a_request_that_never_ends_does_not_hold_the_server_for_ever() {
    for storage in Storage::ALL {
        let server = Launch::new(storage).flags(&["--drain-timeout", "300ms"]).start();
        server.create_text("s");
        let conn = hold_an_append(&server);
        let start = Instant::now();
        server.terminate();
        let exit = server.wait_for_exit();
        assert_eq!(exit.code, Some(exit::STOPPED), "{exit:#?}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        drop(conn);
    }
}

#[test]
fn everything_acknowledged_before_a_stop_is_there_after_it() {
    let mut server = Launch::new(Storage::Sled).start();
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
