//! `live=long-poll`: what wakes a waiting reader, and what it is told.

use std::time::{Duration, Instant};

use headwater_tests::on_each_storage;

/// Short enough for a test, long enough to be told from an immediate answer.
const SHORT: &[&str] = &["--long-poll-timeout", "600ms"];

/// Long enough that no test waits for it: what answers sooner was woken.
const LONG: &[&str] = &["--long-poll-timeout", "60s"];

/// How long a reader is watched to be really waiting.
const PARKED: Duration = Duration::from_millis(150);

#[test]
fn an_append_wakes_the_reader() {
    on_each_storage(LONG, |server| {
        server.create_text("s");
        let mut tail = server.append_text("s", "before");
        for at_tail in ["by token", "now"] {
            let from = if at_tail == "now" { "now" } else { tail.as_str() };
            let waiting = server.get("s", &format!("offset={from}&live=long-poll")).start();
            let waiting = waiting.expect_parked(PARKED);
            tail = server.append_text("s", "after");
            let woken = waiting.finish().expect(200).expect_body("after");
            assert_eq!(woken.offset(), tail);
            assert!(woken.up_to_date() && !woken.closed(), "{woken}");
            assert!(woken.header("Stream-Cursor").is_some(), "{woken}");
            woken.expect_header("Content-Type", "text/plain");
        }
    });
}

#[test]
fn a_json_reader_is_woken_with_an_array() {
    on_each_storage(LONG, |server| {
        server.create_json("s");
        let waiting = server.get("s", "offset=-1&live=long-poll").start().expect_parked(PARKED);
        server.append_json("s", "[1,{\"a\":2}]");
        waiting.finish().expect(200).expect_body("[1,{\"a\":2}]");
    });
}

#[test]
fn data_that_is_there_is_answered_at_once() {
    on_each_storage(LONG, |server| {
        server.create_text("s");
        let first = server.append_text("s", "one ");
        server.append_text("s", "two");
        let query = format!("offset={first}&live=long-poll");
        server.get("s", &query).send().expect(200).expect_body("two");
        let all = server.get("s", "offset=-1&live=long-poll").send().expect(200);
        assert!(all.header("Stream-Cursor").is_some());
        all.expect_body("one two");
    });
}

#[test]
fn the_time_out_answers_204_with_all_that_a_next_request_needs() {
    on_each_storage(SHORT, |server| {
        server.create_text("s");
        let tail = server.append_text("s", "x");
        for from in [tail.as_str(), "now"] {
            let start = Instant::now();
            let query = format!("offset={from}&live=long-poll");
            let answer = server.get("s", &query).send().expect(204).expect_body("");
            let waited = start.elapsed();
            assert!(waited > Duration::from_millis(500), "answered after {waited:?}");
            assert_eq!(answer.offset(), tail);
            assert!(answer.up_to_date() && !answer.closed(), "{answer}");
            assert!(answer.header("Stream-Cursor").is_some(), "{answer}");
            answer.expect_header("Cache-Control", "no-store");
        }
    });
}

#[test]
fn a_closed_stream_answers_at_its_tail_at_once() {
    on_each_storage(LONG, |server| {
        server.create_text("s");
        let tail = server.append_text("s", "x");
        server.close("s");
        for from in [tail.as_str(), "now"] {
            let query = format!("offset={from}&live=long-poll");
            let answer = server.get("s", &query).send().expect(204);
            assert!(answer.closed() && answer.up_to_date(), "{answer}");
            assert_eq!(answer.offset(), tail);
        }
        let rest = server.get("s", "offset=-1&live=long-poll").send().expect(200);
        assert!(rest.closed());
        rest.expect_body("x");
    });
}

#[test]
fn closing_wakes_the_reader() {
    on_each_storage(LONG, |server| {
        server.create_text("alone");
        let waiting = server.get("alone", "offset=now&live=long-poll").start();
        let waiting = waiting.expect_parked(PARKED);
        server.close("alone");
        let woken = waiting.finish().expect(204);
        assert!(woken.closed() && woken.up_to_date(), "{woken}");

        server.create_text("with-data");
        let waiting = server.get("with-data", "offset=now&live=long-poll").start();
        let waiting = waiting.expect_parked(PARKED);
        let call = server.post("with-data").text("last").header("Stream-Closed", "true");
        call.send().expect(204);
        let woken = waiting.finish().expect(200).expect_body("last");
        assert!(woken.closed(), "data and close are one step: {woken}");
    });
}

#[test]
fn deleting_wakes_the_reader_with_404() {
    on_each_storage(LONG, |server| {
        server.create_text("s");
        let waiting = server.get("s", "offset=now&live=long-poll").start().expect_parked(PARKED);
        server.delete("s").send().expect(204);
        waiting.finish().expect_error(404, "not_found");
    });
}

#[test]
fn soft_deleting_wakes_the_reader_of_the_source_and_not_of_the_fork() {
    on_each_storage(LONG, |server| {
        server.create_text("source");
        server.append_text("source", "x");
        server.fork("fork", "source", None);
        let query = "offset=now&live=long-poll";
        let of_source = server.get("source", query).start().expect_parked(PARKED);
        let of_fork = server.get("fork", query).start().expect_parked(PARKED);
        server.delete("source").send().expect(204);
        // Woken as by any deletion; whoever asks afterwards is told that the name is held back for the fork.
        of_source.finish().expect_error(404, "not_found");
        server.get("source", query).send().expect_error(410, "gone");
        let of_fork = of_fork.expect_parked(PARKED);
        server.append_text("fork", "y");
        of_fork.finish().expect(200).expect_body("y");
    });
}

#[test]
fn a_reader_of_a_fork_is_woken_by_the_fork_alone() {
    on_each_storage(LONG, |server| {
        let start = server.create_text("source");
        server.append_text("source", "inherited");
        server.fork("fork", "source", None);
        let query = format!("offset={start}&live=long-poll");
        server.get("fork", &query).send().expect(200).expect_body("inherited");

        let query = format!("offset={}&live=long-poll", server.tail("fork"));
        let waiting = server.get("fork", &query).start().expect_parked(PARKED);
        server.append_text("source", "not for the fork");
        server.close("source");
        let waiting = waiting.expect_parked(PARKED);
        server.append_text("fork", "own");
        waiting.finish().expect(200).expect_body("own");
    });
}

#[test]
fn many_readers_are_woken_together() {
    on_each_storage(LONG, |server| {
        server.create_text("s");
        let query = "offset=now&live=long-poll";
        let waiting: Vec<_> = (0..100).map(|_| server.get("s", query).start()).collect();
        let mut waiting: Vec<_> =
            waiting.into_iter().map(|one| one.expect_parked(Duration::from_millis(3))).collect();
        let last = waiting.pop().unwrap().expect_parked(PARKED);
        server.append_text("s", "all");
        for one in waiting.into_iter().chain([last]) {
            one.finish().expect(200).expect_body("all");
        }
    });
}

#[test]
fn a_missing_stream_is_404_at_once() {
    on_each_storage(LONG, |server| {
        for from in ["-1", "now"] {
            let query = format!("offset={from}&live=long-poll");
            server.get("missing", &query).send().expect_error(404, "not_found");
        }
    });
}
