//! `POST`: what an append needs, what it answers, and which refusal comes first.

use headwater_tests::http::{Call, Response};
use headwater_tests::{Server, on_each_storage};
use std::thread;

#[test]
fn an_append_answers_204_with_the_next_offset() {
    on_each_storage(&[], |server| {
        let start = server.create_text("s");
        let first = server.append_text("s", "hello ");
        let second = server.append_text("s", "world");
        assert!(start < first && first < second);
        assert_eq!((first.position(), second.position()), (6, 11));
        let read = server.page("s", &first).expect(200).expect_body("world");
        assert_eq!(read.offset(), second);
    });
}

#[test]
fn a_body_may_come_in_chunks() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let call = server.post("s").content_type("text/plain");
        call.chunked(&[b"o", b"n", b"e"]).send().expect(204);
        assert_eq!(server.read_text("s"), "one");
        let call = server.post("s").content_type("text/plain");
        call.chunked(&[]).send().expect_error(400, "invalid_request");
    });
}

#[test]
fn an_append_needs_a_body_and_its_content_type() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let bad: [(&str, Call); 4] = [
            ("no body", server.post("s").content_type("text/plain")),
            ("empty body", server.post("s").text("")),
            ("no content type", server.post("s").body("x")),
            ("nothing at all", server.post("s")),
        ];
        for (what, call) in bad {
            let refused = call.send();
            assert_eq!(refused.status(), 400, "{what}: {refused}");
        }
        assert_eq!(server.read_text("s"), "");
    });
}

#[test]
fn the_content_type_is_compared_without_case_and_parameters() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        for same in ["text/plain", "Text/PLAIN", "text/plain; charset=utf-8", "text/plain;x=\"y\""]
        {
            server.post("s").content_type(same).body("x").send().expect(204);
        }
        for other in ["text/html", "application/json", "text/plainer", "application/octet-stream"] {
            let refused = server.post("s").content_type(other).body("x").send();
            refused.expect_error(409, "content_type_mismatch");
        }
        assert_eq!(server.read_text("s"), "xxxx");
    });
}

#[test]
fn stream_seq_must_grow_bytewise() {
    let runs: [&[(&str, u16)]; 6] = [
        &[("1", 204), ("2", 204), ("10", 409), ("3", 204)],
        &[("09", 204), ("10", 204), ("10", 409)],
        &[("a", 204), ("B", 409), ("b", 204)],
        &[("x", 204), ("xx", 204), ("x", 409)],
        &[("2026-01-01T00:00:00Z#1", 204), ("2026-01-01T00:00:00Z#2", 204)],
        &[("~", 204), ("z", 409), ("~~", 204)],
    ];
    on_each_storage(&[], |server| {
        for (number, run) in runs.iter().enumerate() {
            let stream = format!("run-{number}");
            server.create_text(&stream);
            let mut accepted = String::new();
            for (seq, status) in *run {
                let answer = server.post(&stream).text(seq).header("Stream-Seq", seq).send();
                let answer = answer.expect(*status);
                if *status == 204 {
                    accepted.push_str(seq);
                } else {
                    answer.expect_error(409, "stream_seq_regression");
                }
            }
            assert_eq!(server.read_text(&stream), accepted, "run {number}");
        }
    });
}

#[test]
fn an_append_without_stream_seq_neither_needs_nor_changes_it() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.post("s").text("a").header("Stream-Seq", "5").send().expect(204);
        server.append_text("s", "b");
        let late = server.post("s").text("c").header("Stream-Seq", "5").send();
        late.expect_error(409, "stream_seq_regression");
        server.post("s").text("d").header("Stream-Seq", "6").send().expect(204);
        assert_eq!(server.read_text("s"), "abd");
    });
}

/// A request that is wrong in two ways, and the refusal that must win.
struct Order {
    what: &'static str,
    call: fn(&Server) -> Call,
    wins: (u16, &'static str),
}

/// Streams: `open` (text, Stream-Seq at "5", producer p at epoch 1 seq 0), `json` (JSON, the
/// same), `closed` (text), `soft` (deleted, with a fork).
const ORDERS: &[Order] = &[
    Order {
        what: "header syntax before a missing stream",
        call: |server| server.post("missing").text("x").header("Producer-Id", "p"),
        wins: (400, "invalid_request"),
    },
    Order {
        what: "header syntax before a closed stream",
        call: |server| server.post("closed").text("x").header("Producer-Epoch", "1"),
        wins: (400, "invalid_request"),
    },
    Order {
        what: "header syntax before a soft-deleted stream",
        call: |server| server.post("soft").text("x").header("Producer-Seq", "1"),
        wins: (400, "invalid_request"),
    },
    Order {
        what: "missing before content type and producer",
        call: |server| server.post("missing").content_type("a/b").body("x").producer("p", 0, 9),
        wins: (404, "not_found"),
    },
    Order {
        what: "soft-deleted before content type",
        call: |server| server.post("soft").content_type("a/b").body("x"),
        wins: (410, "gone"),
    },
    Order {
        what: "closed before content type",
        call: |server| server.post("closed").content_type("a/b").body("x"),
        wins: (409, "stream_closed"),
    },
    Order {
        what: "closed before a producer gap",
        call: |server| server.post("closed").text("x").producer("p", 0, 9),
        wins: (409, "stream_closed"),
    },
    Order {
        what: "content type before a producer gap",
        call: |server| server.post("open").content_type("a/b").body("x").producer("p", 1, 9),
        wins: (409, "content_type_mismatch"),
    },
    Order {
        what: "content type before Stream-Seq",
        call: |server| server.post("open").content_type("a/b").body("x").header("Stream-Seq", "1"),
        wins: (409, "content_type_mismatch"),
    },
    Order {
        what: "a producer gap before Stream-Seq",
        call: |server| server.post("open").text("x").producer("p", 1, 9).header("Stream-Seq", "1"),
        wins: (409, "producer_gap"),
    },
    Order {
        what: "fencing before Stream-Seq",
        call: |server| server.post("open").text("x").producer("p", 0, 1).header("Stream-Seq", "1"),
        wins: (403, "producer_fenced"),
    },
    Order {
        what: "Stream-Seq before bad JSON",
        call: |server| server.post("json").json("{").header("Stream-Seq", "1"),
        wins: (409, "stream_seq_regression"),
    },
    Order {
        what: "a producer gap before bad JSON",
        call: |server| server.post("json").json("{").producer("p", 1, 9),
        wins: (409, "producer_gap"),
    },
    Order {
        what: "fencing before bad JSON",
        call: |server| server.post("json").json("{").producer("p", 0, 0),
        wins: (403, "producer_fenced"),
    },
    Order {
        what: "bad JSON last",
        call: |server| server.post("json").json("{").producer("p", 1, 1).header("Stream-Seq", "9"),
        wins: (400, "invalid_json"),
    },
];

#[test]
fn the_first_of_several_faults_in_the_order_of_checks_is_told() {
    on_each_storage(&[], |server| {
        for (stream, content_type, body) in
            [("open", "text/plain", "1"), ("json", "application/json", "1")]
        {
            server.create(stream, content_type);
            let first = server.post(stream).content_type(content_type).body(body);
            first.producer("p", 1, 0).header("Stream-Seq", "5").send().expect(200);
        }
        server.create_text("closed");
        server.close("closed");
        server.create_text("soft");
        server.fork("fork", "soft", None);
        server.delete("soft").send().expect(204);
        for order in ORDERS {
            let refused = (order.call)(server).send();
            let got = (refused.status(), refused.error_code());
            assert_eq!(got, (order.wins.0, order.wins.1.to_owned()), "{}: {refused}", order.what);
        }
        let open = server.get("open", "").send().expect(200);
        open.expect_body("1");
        server.get("json", "").send().expect(200).expect_body("[1]");
        // Nothing a refused request carried was kept: the next in every sequence still fits.
        for (stream, content_type) in [("open", "text/plain"), ("json", "application/json")] {
            let next = server.post(stream).content_type(content_type).body("2");
            next.producer("p", 1, 1).header("Stream-Seq", "6").send().expect(200);
        }
    });
}

#[test]
fn a_duplicate_is_answered_before_stream_seq_and_before_bad_json() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        let first = server.post("s").json("1").producer("p", 0, 0).header("Stream-Seq", "5");
        first.send().expect(200);
        let again = server.post("s").json("1").producer("p", 0, 0).header("Stream-Seq", "1");
        again.send().expect(204);
        server.post("s").json("{").producer("p", 0, 0).send().expect(204);
        server.get("s", "").send().expect_body("[1]");
    });
}

#[test]
fn concurrent_appends_are_all_kept_whole_and_in_order_per_writer() {
    const WRITERS: usize = 8;
    const EACH: usize = 20;
    on_each_storage(&[], |server| {
        server.create_text("s");
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                scope.spawn(move || {
                    for number in 0..EACH {
                        server.append_text("s", &format!("{writer}:{number};"));
                    }
                });
            }
        });
        let text = server.read_text("s");
        let mut next = [0; WRITERS];
        for record in text.split_terminator(';') {
            let (writer, number) = record.split_once(':').expect("a whole record");
            let writer: usize = writer.parse().unwrap();
            assert_eq!(number.parse(), Ok(next[writer]), "writer {writer} in order");
            next[writer] += 1;
        }
        assert_eq!(next, [EACH; WRITERS]);
    });
}

#[test]
fn what_was_acknowledged_is_read_at_once() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let mut expected = String::new();
        for number in 0..30 {
            let record = format!("record {number};");
            server.append_text("s", &record);
            expected.push_str(&record);
            let read: Response = server.get("s", "").send().expect(200);
            assert!(read.up_to_date());
            read.expect_body(&expected);
        }
    });
}
