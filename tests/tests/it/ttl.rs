//! Lifetimes: a sliding window that reads and writes renew, a fixed end that nothing moves.

use std::time::{Duration, Instant};

use headwater_tests::server::target;
use headwater_tests::{Server, on_each_storage, wait};
use time::OffsetDateTime;

use crate::times::in_seconds;

/// The window of the streams here, in seconds: long enough that a busy machine renews in time.
const WINDOW: u64 = 3;

/// A window that begins in the course of a millisecond ends in the course of another one.
const IN_WHOLE_MILLISECONDS: Duration = Duration::from_millis(WINDOW * 1_000 - 10);

/// How long a renewed stream is watched: longer than its window.
const WATCHED: Duration = Duration::from_millis(5_000);

fn create_with_window(server: &Server, stream: &str) {
    let call = server.put(stream).content_type("text/plain");
    call.header("Stream-TTL", &WINDOW.to_string()).send().expect(201);
}

/// Waits for the end of a stream without renewing it.
fn wait_for_end(server: &Server, stream: &str) {
    wait::until("the stream has expired", || {
        (server.head(stream).send().status() == 404).then_some(())
    });
}

/// Something a client does, once.
type Deed = fn(&Server, &str);

/// What renews the window.
const RENEWALS: &[(&str, Deed)] = &[
    ("get", |server, stream| drop(server.get(stream, "").send().expect(200))),
    ("now", |server, stream| drop(server.get(stream, "offset=now").send().expect(200))),
    ("append", |server, stream| drop(server.append_text(stream, "x"))),
    ("long-poll", |server, stream| {
        drop(server.get(stream, "offset=now&live=long-poll").send().expect(204));
    }),
    ("events", |server, stream| {
        server.get(stream, "offset=-1&live=sse").events().next_control();
    }),
];

#[test]
fn every_read_and_write_renews_the_window_and_head_does_not() {
    on_each_storage(&["--long-poll-timeout", "100ms"], |server| {
        for (stream, _) in RENEWALS {
            create_with_window(server, stream);
        }
        // Before the windows begin that are measured: so it does not matter when the server is heard of.
        let start = Instant::now();
        create_with_window(server, "head");
        let mut head_ended = None;
        while start.elapsed() < WATCHED {
            for (stream, deed) in RENEWALS {
                deed(server, stream);
            }
            let status = server.head("head").send().status();
            if status == 404 && head_ended.is_none() {
                head_ended = Some(start.elapsed());
            }
        }
        let head_ended = head_ended.expect("a stream that is only looked at expires");
        assert!(head_ended > IN_WHOLE_MILLISECONDS, "after {head_ended:?}");
        for (stream, _) in RENEWALS {
            server.head(stream).send().expect(200).expect_header("Stream-TTL", "3");
        }
        let renewed = Instant::now();
        server.get("get", "").send().expect(200);
        wait_for_end(server, "get");
        let waited = renewed.elapsed();
        assert!(waited > IN_WHOLE_MILLISECONDS, "ended after {waited:?}");
        for (stream, _) in RENEWALS {
            wait_for_end(server, stream);
            server.get(stream, "").send().expect_error(404, "not_found");
            server.post(stream).text("x").send().expect_error(404, "not_found");
        }
    });
}

/// Looks at a stream without renewing it, until so long after `renewed`, which is from before it was; it must be there all the
/// time. False where a look took so long that the window may be over, which tells nothing.
#[track_caller]
fn watch(server: &Server, stream: &str, renewed: Instant, how_long: Duration) -> bool {
    wait::until("the time has passed", || {
        let there = server.head(stream).send().status() == 200;
        let since = renewed.elapsed();
        if since >= IN_WHOLE_MILLISECONDS {
            return Some(false);
        }
        assert!(there, "{stream} is gone after {since:?}");
        (since >= how_long).then_some(true)
    })
}

/// How often it is tried on a machine that is too slow to tell.
const TRIES: usize = 5;

#[test]
fn closing_renews_the_window() {
    let closings: [(&str, Deed); 2] = [
        ("plain", |server, stream| drop(server.close(stream))),
        ("by-producer", |server, stream| {
            let call = server.post(stream).header("Stream-Closed", "true");
            call.producer("p", 0, 0).send().expect(204);
        }),
    ];
    on_each_storage(&[], |server| {
        for (stream, close) in closings {
            let told = (0..TRIES).any(|turn| {
                let stream = format!("{stream}-{turn}");
                let created = Instant::now();
                create_with_window(server, &stream);
                if !watch(server, &stream, created, Duration::from_millis(1_000)) {
                    return false;
                }
                // Both together are longer than the window.
                let closed = Instant::now();
                close(server, &stream);
                let told = watch(server, &stream, closed, Duration::from_millis(2_300));
                wait_for_end(server, &stream);
                told
            });
            assert!(told, "too slow a machine to tell");
        }
    });
}

#[test]
fn a_connected_reader_keeps_the_stream_alive() {
    on_each_storage(&["--long-poll-timeout", "60s"], |server| {
        create_with_window(server, "events");
        create_with_window(server, "long-poll");
        let mut live = server.get("events", "offset=-1&live=sse").events();
        live.next_control();
        let parked = server.get("long-poll", "offset=now&live=long-poll").start();
        let parked = parked.expect_parked(WATCHED);
        server.head("events").send().expect(200);
        server.head("long-poll").send().expect(200);
        server.append_text("events", "alive");
        assert_eq!(live.next_data().0.data, "alive");
        drop((live, parked));
        wait_for_end(server, "events");
        wait_for_end(server, "long-poll");
    });
}

#[test]
fn a_fixed_end_is_not_moved() {
    on_each_storage(&[], |server| {
        let (end_time, end) = in_seconds(3);
        let call = server.put("s").content_type("text/plain").header("Stream-Expires-At", &end);
        call.send().expect(201);
        server.fork("fork", "s", None);
        let call = server.put("own").header("Stream-Forked-From", &target("s"));
        call.header("Stream-TTL", "600").send().expect(201);
        wait::until("the stream has expired, however often it is read", || {
            (server.get("s", "").send().status() != 200).then_some(())
        });
        assert!(OffsetDateTime::now_utc() >= end_time, "expired early");
        wait_for_end(server, "fork");
        // The fork with a lifetime of its own outlives its source.
        server.get("own", "").send().expect(200);
        // The name is held back for that fork.
        server.get("s", "").send().expect_error(410, "gone");
    });
}

#[test]
fn an_expired_name_is_free_again() {
    on_each_storage(&[], |server| {
        let call = server.put("s").content_type("text/plain").header("Stream-TTL", "1");
        let old = call.body("old").send().expect(201).offset();
        wait_for_end(server, "s");
        server.create_json("s");
        server.append_json("s", "1");
        server.get("s", "").send().expect(200).expect_body("[1]");
        server.page("s", &old).expect_error(410, "offset_expired");
    });
}

#[test]
fn expiry_ends_waiting_readers_no_later_than_deletion_would() {
    on_each_storage(&["--long-poll-timeout", "60s"], |server| {
        let (_, end) = in_seconds(2);
        let call = server.put("s").content_type("text/plain").header("Stream-Expires-At", &end);
        call.send().expect(201);
        let parked = server.get("s", "offset=now&live=long-poll").start();
        let mut live = server.get("s", "offset=now&live=sse").events();
        live.next_control();
        parked.finish().expect_error(404, "not_found");
        live.until_end();
    });
}
