//! Offset tokens: their form and order, and what a token of another place or time answers.

use headwater_tests::offset::{Offset, START};
use headwater_tests::{Launch, Storage, on_each_storage};

/// The queries of every way to read, with the offset left open.
const WAYS: [&str; 3] = ["", "&live=long-poll", "&live=sse"];

#[test]
fn tokens_grow_with_the_stream_and_find_their_place() {
    on_each_storage(&[], |server| {
        let mut tokens = vec![server.create_text("s")];
        let mut text = String::new();
        for number in 0..50 {
            let record = "x".repeat(number % 7 + 1);
            tokens.push(server.append_text("s", &record));
            text.push_str(&record);
        }
        assert!(tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
        for token in &tokens {
            let rest = &text[token.position() as usize..];
            let read = server.page("s", token).expect(200).expect_body(rest);
            assert!(read.up_to_date());
            assert_eq!(read.offset(), tokens[50]);
        }
    });
}

#[test]
fn positions_count_payload_and_one_separator_per_json_value_on_every_adapter() {
    on_each_storage(&[], |server| {
        server.create("bytes", "application/octet-stream");
        let call = server.post("bytes").bytes([0, 1, 2, 0xff]);
        assert_eq!(call.send().expect(204).offset().position(), 4);
        server.create_json("json");
        assert_eq!(server.append_json("json", "1").position(), 2);
        assert_eq!(server.append_json("json", r#"[{"a":1},"bc"]"#).position(), 2 + 8 + 5);
    });
}

#[test]
fn the_start_has_three_names() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let tail = server.append_text("s", "all");
        for query in ["", "offset=-1", &format!("offset={START}")] {
            let read = server.get("s", query).send().expect(200).expect_body("all");
            assert_eq!(read.offset(), tail);
        }
    });
}

#[test]
fn the_tail_answers_empty_and_now_is_the_tail() {
    on_each_storage(&[], |server| {
        server.create_text("text");
        server.append_text("text", "abc");
        server.create_json("json");
        server.append_json("json", "1");
        for (stream, empty) in [("text", ""), ("json", "[]")] {
            let tail = server.tail(stream);
            for query in [format!("offset={tail}"), "offset=now".to_owned()] {
                let read = server.get(stream, &query).send().expect(200).expect_body(empty);
                assert!(read.up_to_date() && !read.closed(), "{read}");
                assert_eq!(read.offset(), tail);
            }
            server.close(stream);
            for query in [format!("offset={tail}"), "offset=now".to_owned()] {
                let read = server.get(stream, &query).send().expect(200).expect_body(empty);
                assert!(read.up_to_date() && read.closed(), "{read}");
            }
        }
    });
}

#[test]
fn malformed_offsets_are_refused() {
    let bad = [
        "offset=",
        "offset=abc",
        "offset=0",
        "offset=-2",
        "offset=--1",
        "offset=NOW",
        "offset=1_2",
        "offset=0_0",
        "offset=000000000000000_0000000000000000",
        "offset=00000000000000000_0000000000000000",
        "offset=0000000000000000-0000000000000000",
        "offset=0000000000000000_000000000000000a",
        "offset=00000000000000000000000000000000",
        "offset=0000000000000000_0000000000000000_0",
        "offset=+000000000000000_0000000000000000",
        "offset=0000000000000000_000000000000000%200",
        "offset=%00",
        "offset=%0d%0a",
        "offset=..%2f..",
        "offset=a,b",
        "offset=%ff",
        "offset=%zz",
        "offset=0000000000000000_0000000000000000&offset=0000000000000000_0000000000000000",
        "offset=-1&offset=now",
        "offset=now&offset=now",
    ];
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.append_text("s", "x");
        for query in bad {
            for way in WAYS {
                let refused = server.get("s", &format!("{query}{way}")).send();
                assert_eq!(refused.status(), 400, "{query}{way}: {refused}");
            }
        }
    });
}

#[test]
fn beyond_the_tail_is_refused() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let tail = server.append_text("s", "abc");
        let beyond = [
            tail.plus(1),
            tail.plus(1_000_000),
            Offset::new(tail.lineage(), 9_999_999_999_999_999),
        ];
        for token in beyond {
            for way in WAYS {
                let refused = server.get("s", &format!("offset={token}{way}")).send();
                refused.expect_error(400, "offset_beyond_tail");
            }
        }
    });
}

#[test]
fn a_newer_lineage_than_the_streams_is_refused() {
    on_each_storage(&[], |server| {
        let old = server.create_text("old");
        server.append_text("old", "abc");
        let new = server.create_text("new");
        assert!(new.lineage() > old.lineage(), "lineages grow over the whole directory");
        let newer = [
            Offset::new(new.lineage(), 0),
            Offset::new(new.lineage(), 1),
            Offset::new(9_999_999_999_999_999, 0),
            Offset::parse("9999999999999999_9999999999999999"),
        ];
        for token in newer {
            for way in WAYS {
                let refused = server.get("old", &format!("offset={token}{way}")).send();
                assert_eq!(refused.status(), 400, "{token}{way}: {refused}");
            }
        }
    });
}

#[test]
fn a_token_of_a_deleted_stream_never_reads_its_successor() {
    on_each_storage(&[], |server| {
        let start = server.create_text("s");
        let one = server.append_text("s", "old data");
        server.delete("s").send().expect(204);
        server.create_text("s");
        server.append_text("s", "new data, longer than the old");
        for token in [&start, &one] {
            for way in WAYS {
                let refused = server.get("s", &format!("offset={token}{way}")).send();
                refused.expect_error(410, "offset_expired");
            }
        }
        let head = server.head("s").send().expect(200);
        assert_eq!(head.offset().position(), 29);
    });
}

#[test]
fn lineages_are_never_given_out_twice_over_restarts() {
    let mut server = Launch::new(Storage::Sled).start();
    let mut last = 0;
    for round in 0..3 {
        for stream in 0..3 {
            let made = server.create_text(&format!("s-{round}-{stream}"));
            assert!(made.lineage() > last, "{made} after lineage {last}");
            last = made.lineage();
        }
        server.delete(&format!("s-{round}-2")).send().expect(204);
        server = if round == 0 { server.restart() } else { server.crash_and_restart() };
    }
    assert!(server.create_text("s-0-2").lineage() > last);
}

#[test]
fn a_fork_reads_its_ancestors_tokens_up_to_the_fork_point() {
    on_each_storage(&[], |server| {
        let start = server.create_text("source");
        let one = server.append_text("source", "one ");
        let two = server.append_text("source", "two ");
        let three = server.append_text("source", "three");
        let boundary = server.fork("fork", "source", Some(&two));
        assert!(boundary.lineage() > two.lineage(), "a fork has its own lineage");
        assert_eq!(boundary.position(), two.position());
        let end = server.append_text("fork", "own");
        assert_eq!((end.lineage(), end.position()), (boundary.lineage(), 11));
        let reads = [(&start, "one two own"), (&one, "two own"), (&two, "own"), (&boundary, "own")];
        for (token, rest) in reads {
            let read = server.page("fork", token).expect(200).expect_body(rest);
            assert_eq!(read.offset(), end, "from {token}");
        }
        // What the source wrote after the fork point is at no offset of the fork.
        server.page("fork", &three).expect_error(410, "offset_expired");
        // And the fork's own tokens are newer than anything the source has.
        for token in [&boundary, &end] {
            server.page("source", token).expect_error(400, "offset_beyond_tail");
        }
        server.page("source", &three).expect(200).expect_body("");
    });
}

#[test]
fn a_read_inside_a_record_is_exact_for_bytes_and_refused_for_json() {
    on_each_storage(&[], |server| {
        server.create_text("text");
        let tail = server.append_text("text", "abcdef");
        for from in 0..=6_u64 {
            let token = Offset::new(tail.lineage(), from);
            server.page("text", &token).expect(200).expect_body(&"abcdef"[from as usize..]);
        }
        server.create_json("json");
        let first = server.append_json("json", r#"[10,"two"]"#);
        let lineage = first.lineage();
        server.page("json", &Offset::new(lineage, 3)).expect(200).expect_body(r#"["two"]"#);
        for inside in [1, 2, 4, 5, 8] {
            let refused = server.page("json", &Offset::new(lineage, inside));
            assert_eq!(refused.status(), 400, "position {inside}: {refused}");
        }
    });
}

#[test]
fn unknown_parameters_are_ignored_and_unknown_live_modes_refused() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.append_text("s", "abc");
        for query in ["x=1", "offset=-1&foo", "a=%20&offset=-1&b", "offset=-1&=&&", "&offset=-1"] {
            server.get("s", query).send().expect(200).expect_body("abc");
        }
        for live in ["", "true", "SSE", "longpoll", "long_poll", "sse,long-poll"] {
            let refused = server.get("s", &format!("live={live}&offset=-1")).send();
            assert_eq!(refused.status(), 400, "live={live}: {refused}");
        }
        for live in ["long-poll", "sse"] {
            let refused = server.get("s", &format!("live={live}")).send();
            assert_eq!(refused.status(), 400, "live={live} without an offset: {refused}");
        }
        let twice = server.get("s", "offset=-1&live=sse&live=long-poll").send();
        assert_eq!(twice.status(), 400, "{twice}");
    });
}
