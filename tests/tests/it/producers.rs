//! Idempotent producers: every row of the protocol's table, and that a refusal changes nothing.

use headwater_tests::http::Response;
use headwater_tests::{Server, on_each_storage};

/// One request of producer `p` and what it must answer.
#[derive(Clone, Copy)]
struct Step {
    epoch: u64,
    seq: u64,
    status: u16,
    /// The headers of the answer: name and value.
    headers: &'static [(&'static str, &'static str)],
}

const fn step(
    epoch: u64,
    seq: u64,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
) -> Step {
    Step { epoch, seq, status, headers }
}

const EPOCH: &str = "Producer-Epoch";
const SEQ: &str = "Producer-Seq";
const EXPECTED: &str = "Producer-Expected-Seq";
const RECEIVED: &str = "Producer-Received-Seq";

/// The name of a row, and the requests that show it.
const ROWS: &[(&str, &[Step])] = &[
    ("unknown id, seq 0, epoch 0", &[step(0, 0, 200, &[(EPOCH, "0"), (SEQ, "0")])]),
    ("unknown id, seq 0, any epoch", &[step(7, 0, 200, &[(EPOCH, "7"), (SEQ, "0")])]),
    (
        "unknown id, seq above 0",
        &[
            step(0, 3, 409, &[(EXPECTED, "0"), (RECEIVED, "3")]),
            step(0, 0, 200, &[(EPOCH, "0"), (SEQ, "0")]),
        ],
    ),
    (
        "an older epoch is fenced",
        &[
            step(5, 0, 200, &[]),
            step(4, 0, 403, &[(EPOCH, "5")]),
            step(4, 1, 403, &[(EPOCH, "5")]),
            step(0, 99, 403, &[(EPOCH, "5")]),
            step(5, 1, 200, &[(EPOCH, "5"), (SEQ, "1")]),
        ],
    ),
    (
        "a newer epoch starts at 0",
        &[
            step(0, 0, 200, &[]),
            step(0, 1, 200, &[]),
            step(1, 0, 200, &[(EPOCH, "1"), (SEQ, "0")]),
            step(0, 2, 403, &[(EPOCH, "1")]),
            step(1, 1, 200, &[(EPOCH, "1"), (SEQ, "1")]),
        ],
    ),
    (
        "a newer epoch that starts elsewhere",
        &[step(0, 0, 200, &[]), step(1, 1, 400, &[]), step(0, 1, 200, &[(EPOCH, "0"), (SEQ, "1")])],
    ),
    (
        "a duplicate tells the highest seq",
        &[
            step(0, 0, 200, &[]),
            step(0, 1, 200, &[]),
            step(0, 2, 200, &[]),
            step(0, 0, 204, &[(EPOCH, "0"), (SEQ, "2")]),
            step(0, 2, 204, &[(EPOCH, "0"), (SEQ, "2")]),
            step(0, 3, 200, &[(EPOCH, "0"), (SEQ, "3")]),
        ],
    ),
    (
        "a gap",
        &[
            step(0, 0, 200, &[]),
            step(0, 2, 409, &[(EXPECTED, "1"), (RECEIVED, "2")]),
            step(0, 9, 409, &[(EXPECTED, "1"), (RECEIVED, "9")]),
            step(0, 1, 200, &[(EPOCH, "0"), (SEQ, "1")]),
        ],
    ),
    (
        "the largest numbers",
        &[
            step(9_007_199_254_740_991, 0, 200, &[(EPOCH, "9007199254740991"), (SEQ, "0")]),
            step(
                9_007_199_254_740_991,
                9_007_199_254_740_991,
                409,
                &[(EXPECTED, "1"), (RECEIVED, "9007199254740991")],
            ),
        ],
    ),
];

fn code_of(status: u16) -> &'static str {
    match status {
        400 => "producer_epoch_invalid",
        403 => "producer_fenced",
        _ => "producer_gap",
    }
}

#[test]
fn every_row_of_the_table() {
    on_each_storage(&[], |server| {
        for (number, (row, steps)) in ROWS.iter().enumerate() {
            let stream = format!("row-{number}");
            server.create_text(&stream);
            let mut expected = String::new();
            for Step { epoch, seq, status, headers } in *steps {
                let body = format!("{epoch}.{seq};");
                let answer = server.post(&stream).text(&body).producer("p", *epoch, *seq).send();
                let mut answer = answer.expect(*status);
                for (name, value) in *headers {
                    answer = answer.expect_header(name, value);
                }
                match status {
                    200 => expected.push_str(&body),
                    204 => {}
                    _ => answer = answer.expect_error(*status, code_of(*status)),
                }
                if *status < 300 {
                    assert_eq!(answer.offset().position(), expected.len() as u64, "{row}");
                }
                assert_eq!(server.read_text(&stream), expected, "{row} after {epoch}.{seq}");
            }
        }
    });
}

#[test]
fn all_three_headers_or_none() {
    let headers = [("Producer-Id", "p"), (EPOCH, "0"), (SEQ, "0")];
    on_each_storage(&[], |server| {
        server.create_text("s");
        for present in 1..7_usize {
            let some: Vec<_> = (0..3).filter(|bit| present & (1 << bit) != 0).collect();
            let some: Vec<_> = some.into_iter().map(|index| headers[index]).collect();
            let refused = server.post("s").text("x").headers(&some).send();
            refused.expect_error(400, "invalid_request");
        }
        assert_eq!(server.read_text("s"), "");
    });
}

#[test]
fn numbers_are_digits_up_to_two_to_the_53_minus_1() {
    let bad = [
        "",
        "1abc",
        "0xyz",
        "1e3",
        "-1",
        "+1",
        "1.0",
        " ",
        "0x1",
        "one",
        "9007199254740992",
        "18446744073709551616",
        "99999999999999999999999999999999",
    ];
    on_each_storage(&[], |server| {
        server.create_text("s");
        for bad in bad {
            for (epoch, seq) in [(bad, "0"), ("0", bad)] {
                let call = server.post("s").text("x").header("Producer-Id", "p");
                let refused = call.header(EPOCH, epoch).header(SEQ, seq).send();
                let status = refused.status();
                assert_eq!(status, 400, "epoch {epoch:?} seq {seq:?}: {refused}");
            }
        }
        let call = server.post("s").text("x").header("Producer-Id", "");
        call.header(EPOCH, "0").header(SEQ, "0").send().expect_error(400, "invalid_request");
        assert_eq!(server.read_text("s"), "");
        server.post("s").text("x").producer("p", 0, 0).send().expect(200);
    });
}

#[test]
fn a_refused_body_leaves_the_producer_where_it_was() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        server.post("s").json("1").producer("p", 3, 0).send().expect(200);
        for bad in ["{", "[]", "[1,", "nope"] {
            let refused = server.post("s").json(bad).producer("p", 3, 1).send();
            assert_eq!(refused.status(), 400, "{bad}: {refused}");
        }
        // A new epoch in a refused request must not fence the old one.
        server.post("s").json("{").producer("p", 4, 0).send().expect_error(400, "invalid_json");
        let empty = server.post("s").json("").producer("p", 3, 1).send();
        assert_eq!(empty.status(), 400, "{empty}");
        let other = server.post("s").text("x").producer("p", 3, 1).send();
        other.expect_error(409, "content_type_mismatch");
        server.post("s").json("2").producer("p", 3, 1).send().expect(200);
        server.get("s", "").send().expect_body("[1,2]");
    });
}

#[test]
fn producers_are_told_apart_by_stream_and_by_id() {
    on_each_storage(&[], |server| {
        for stream in ["a", "b"] {
            server.create_text(stream);
            for id in ["p", "P", "p ä/?", "q"] {
                server.post(stream).text("x").producer(id, 2, 0).send().expect(200);
                server.post(stream).text("x").producer(id, 2, 0).send().expect(204);
            }
            assert_eq!(server.read_text(stream), "xxxx");
        }
    });
}

#[test]
fn a_producer_needs_a_stream() {
    on_each_storage(&[], |server| {
        let refused = server.post("missing").text("x").producer("p", 0, 0).send();
        refused.expect_error(404, "not_found");
    });
}

fn close_call(server: &Server, body: Option<&str>, epoch: u64, seq: u64) -> Response {
    let call = server.post("s").header("Stream-Closed", "true").producer("p", epoch, seq);
    match body {
        Some(body) => call.text(body).send(),
        None => call.send(),
    }
}

#[test]
fn a_close_with_a_body_is_remembered_by_its_tuple() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.post("s").text("a").producer("p", 0, 0).send().expect(200);
        let closed = close_call(server, Some("b"), 0, 1).expect(200);
        let closed = closed.expect_header("Stream-Closed", "true").expect_header(SEQ, "1");
        assert_eq!(closed.offset().position(), 2);
        for body in [Some("b"), Some("another body"), None] {
            let again = close_call(server, body, 0, 1).expect(204);
            again.expect_header("Stream-Closed", "true").expect_header(SEQ, "1");
        }
        let plain = server.post("s").text("b").producer("p", 0, 1).send();
        plain.expect(204).expect_header("Stream-Closed", "true");
        for (id, epoch, seq) in [("p", 0, 2), ("p", 0, 0), ("p", 1, 0), ("q", 0, 1)] {
            let other = server.post("s").text("x").producer(id, epoch, seq).send();
            other.expect_error(409, "stream_closed").expect_header("Stream-Closed", "true");
        }
        assert_eq!(server.read_text("s"), "ab");
    });
}

#[test]
fn a_close_without_a_body_consumes_its_seq() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.post("s").text("a").producer("p", 0, 0).send().expect(200);
        for _ in 0..2 {
            let closed = close_call(server, None, 0, 1).expect(204);
            let closed = closed.expect_header("Stream-Closed", "true");
            closed.expect_header(EPOCH, "0").expect_header(SEQ, "1");
        }
        assert_eq!(server.read_text("s"), "a");
    });
}

#[test]
fn a_close_out_of_turn_closes_nothing() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.post("s").text("a").producer("p", 3, 0).send().expect(200);
        close_call(server, Some("b"), 3, 5).expect_error(409, "producer_gap");
        close_call(server, None, 3, 5).expect_error(409, "producer_gap");
        close_call(server, None, 2, 1).expect_error(403, "producer_fenced");
        close_call(server, Some("b"), 4, 1).expect_error(400, "producer_epoch_invalid");
        assert!(!server.head("s").send().closed());
        assert_eq!(server.read_text("s"), "a");
        close_call(server, Some("b"), 3, 1).expect(200);
    });
}

#[test]
fn concurrent_retries_of_one_append_are_taken_once() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        for seq in 0..10 {
            let statuses: Vec<u16> = std::thread::scope(|scope| {
                let post = || server.post("s").text("x").producer("p", 0, seq).send().status();
                let threads: Vec<_> = (0..6).map(|_| scope.spawn(post)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let taken = statuses.iter().filter(|status| **status == 200).count();
            let repeated = statuses.iter().filter(|status| **status == 204).count();
            assert_eq!((taken, repeated), (1, 5), "{statuses:?}");
        }
        assert_eq!(server.read_text("s"), "x".repeat(10));
    });
}
