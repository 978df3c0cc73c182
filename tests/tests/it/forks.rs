//! Forks: what they inherit, where they divide, and what makes a fork impossible.

use headwater_tests::http::Call;
use headwater_tests::offset::{Offset, START};
use headwater_tests::server::target;
use headwater_tests::{Server, on_each_storage};

use crate::times;

/// Headers: names and values.
type Headers<'a> = Vec<(&'a str, &'a str)>;

fn fork_call(server: &Server, fork: &str, source: &str, headers: &[(&str, &str)]) -> Call {
    server.put(fork).header("Stream-Forked-From", &target(source)).headers(headers)
}

/// The headers that must never show that a stream is a fork.
const FORK_HEADERS: [&str; 3] =
    ["Stream-Forked-From", "Stream-Fork-Offset", "Stream-Fork-Sub-Offset"];

#[test]
fn a_fork_divides_where_it_was_told_to() {
    on_each_storage(&[], |server| {
        let start = server.create_text("source");
        let one = server.append_text("source", "one ");
        let two = server.append_text("source", "two ");
        let points = [(start, ""), (one, "one "), (two, "one two ")];
        for (number, (point, inherited)) in points.iter().enumerate() {
            let fork = format!("fork-{number}");
            let at = server.fork(&fork, "source", Some(point));
            assert_eq!(at.position(), inherited.len() as u64);
            server.append_text(&fork, "mine");
            assert_eq!(server.read_text(&fork), format!("{inherited}mine"));
        }
        let tail = fork_call(server, "at-tail", "source", &[]).send().expect(201);
        assert_eq!(tail.offset().position(), 8);
        assert_eq!(server.read_text("at-tail"), "one two ");
        fork_call(server, "at-zero", "source", &[("Stream-Fork-Offset", START)]).send().expect(201);
        assert_eq!(server.read_text("at-zero"), "");
        assert_eq!(server.read_text("source"), "one two ");
    });
}

#[test]
fn source_and_fork_go_their_own_ways() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        server.append_text("source", "a");
        server.fork("fork", "source", None);
        server.append_text("source", "b");
        server.append_text("fork", "c");
        server.close("source");
        server.append_text("fork", "d");
        assert_eq!(server.read_text("source"), "ab");
        assert_eq!(server.read_text("fork"), "acd");
        assert!(!server.head("fork").send().closed());
        server.fork("of-closed", "source", None);
        server.append_text("of-closed", "e");
        assert_eq!(server.read_text("of-closed"), "abe");
        server.close("fork");
        server.append_text("of-closed", "f");
    });
}

#[test]
fn a_fork_cannot_be_told_from_a_stream() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        server.append_text("source", "a");
        let made = fork_call(server, "fork", "source", &[]).text("b").send().expect(201);
        let answers = [
            made,
            server.head("fork").send(),
            server.get("fork", "").send(),
            server.post("fork").text("c").send(),
        ];
        for answer in answers {
            for name in FORK_HEADERS {
                assert_eq!(answer.header(name), None, "{}: {answer}", answer.request);
            }
        }
        assert_eq!(server.read_text("fork"), "abc");
    });
}

#[test]
fn writers_start_anew_on_a_fork() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        let call = server.post("source").text("a").producer("p", 4, 0).header("Stream-Seq", "8");
        call.send().expect(200);
        server.fork("fork", "source", None);
        let call = server.post("fork").text("b").producer("p", 0, 0).header("Stream-Seq", "1");
        call.send().expect(200);
        server.post("source").text("c").producer("p", 4, 1).send().expect(200);
        assert_eq!(server.read_text("fork"), "ab");
        assert_eq!(server.read_text("source"), "ac");
    });
}

#[test]
fn a_sub_offset_goes_on_by_bytes() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        let one = server.append_text("source", "abcd");
        server.append_text("source", "efgh");
        let cases: [(&str, &str, &str); 5] = [
            (START, "0", ""),
            (START, "1", "a"),
            (START, "4", "abcd"),
            (one.as_str(), "3", "abcdefg"),
            (one.as_str(), "4", "abcdefgh"),
        ];
        for (number, (anchor, sub, inherited)) in cases.iter().enumerate() {
            let fork = format!("fork-{number}");
            let headers = [("Stream-Fork-Offset", *anchor), ("Stream-Fork-Sub-Offset", *sub)];
            let call = fork_call(server, &fork, "source", &headers).text("!");
            call.send().expect(201);
            assert_eq!(server.read_text(&fork), format!("{inherited}!"), "{anchor}+{sub}");
        }
    });
}

#[test]
fn a_sub_offset_goes_on_by_json_values() {
    on_each_storage(&[], |server| {
        server.create_json("source");
        let one = server.append_json("source", r#"[{"n":1},{"n":2},{"n":3}]"#);
        server.append_json("source", "[4,5]");
        let cases: [(&str, &str, &str); 5] = [
            (START, "0", "[]"),
            (START, "1", r#"[{"n":1}]"#),
            (START, "3", r#"[{"n":1},{"n":2},{"n":3}]"#),
            (one.as_str(), "1", r#"[{"n":1},{"n":2},{"n":3},4]"#),
            (one.as_str(), "2", r#"[{"n":1},{"n":2},{"n":3},4,5]"#),
        ];
        for (number, (anchor, sub, inherited)) in cases.iter().enumerate() {
            let fork = format!("fork-{number}");
            let headers = [("Stream-Fork-Offset", *anchor), ("Stream-Fork-Sub-Offset", *sub)];
            fork_call(server, &fork, "source", &headers).send().expect(201);
            server.get(&fork, "").send().expect(200).expect_body(inherited);
        }
    });
}

#[test]
fn impossible_forks_are_refused() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        let tail = server.append_text("source", "abcd");
        server.create_text("empty");
        server.create_json("json");
        let value = server.append_json("json", r#"{"long":"value"}"#);
        let beyond = tail.plus(1);
        let inside = Offset::new(value.lineage(), 3);
        let sub = |value| [("Stream-Fork-Offset", START), ("Stream-Fork-Sub-Offset", value)];
        let cases: Vec<(&str, Headers<'_>, u16)> = vec![
            ("missing", vec![], 404),
            ("source", vec![("Stream-Fork-Offset", beyond.as_str())], 400),
            ("source", vec![("Stream-Fork-Offset", "9999999999999999_9999999999999999")], 400),
            ("source", vec![("Stream-Fork-Offset", "")], 400),
            ("source", vec![("Stream-Fork-Offset", "4")], 400),
            ("source", vec![("Stream-Fork-Offset", "0_0")], 400),
            ("source", vec![("Stream-Fork-Offset", "abc")], 400),
            ("source", sub("-1").to_vec(), 400),
            ("source", sub("abc").to_vec(), 400),
            ("source", sub("1.5").to_vec(), 400),
            ("source", sub("05").to_vec(), 400),
            ("source", sub("+1").to_vec(), 400),
            ("source", sub("").to_vec(), 400),
            ("source", sub("5").to_vec(), 400),
            ("source", sub("99999999999999999999999").to_vec(), 400),
            ("empty", sub("1").to_vec(), 400),
            ("source", vec![("Stream-Fork-Sub-Offset", "1")], 400),
            ("json", sub("2").to_vec(), 400),
            ("json", vec![("Stream-Fork-Offset", inside.as_str())], 400),
            ("source", vec![("Content-Type", "application/json")], 409),
            ("source", vec![("Stream-TTL", "1.5")], 400),
        ];
        for (source, headers, status) in cases {
            let refused = fork_call(server, "fork", source, &headers).send();
            assert_eq!(refused.status(), status, "{}: {refused}", refused.request);
            server.head("fork").send().expect(404);
        }
        for (bad, code) in [
            ("", "invalid_request"),
            ("source", "invalid_request"),
            ("/elsewhere/source", "invalid_request"),
            ("http://other/v1/stream/source", "invalid_request"),
            // This one is the path of a stream, whose name is empty.
            ("/v1/stream/", "invalid_name"),
        ] {
            let refused = server.put("fork").header("Stream-Forked-From", bad).send();
            refused.expect_error(400, code);
        }
        assert_eq!(server.read_text("source"), "abcd");
    });
}

#[test]
fn a_byte_stream_can_be_forked_between_any_two_bytes() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        let tail = server.append_text("source", "abcdef");
        for bytes in 0..=6_u64 {
            let fork = format!("fork-{bytes}");
            let at = Offset::new(tail.lineage(), bytes);
            server.fork(&fork, "source", Some(&at));
            assert_eq!(server.read(&fork), b"abcdef"[..bytes as usize]);
        }
    });
}

#[test]
fn the_same_fork_again_is_confirmed_and_another_refused() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        let one = server.append_text("source", "ab");
        server.append_text("source", "cd");
        server.create_text("other");
        let at_one = [("Stream-Fork-Offset", one.as_str())];
        fork_call(server, "fork", "source", &at_one).send().expect(201);
        let same: [&[(&str, &str)]; 3] = [
            &at_one,
            &[],
            &[("Stream-Fork-Offset", one.as_str()), ("Stream-Fork-Sub-Offset", "0")],
        ];
        for headers in same {
            fork_call(server, "fork", "source", headers).send().expect(200);
        }
        let different: [&[(&str, &str)]; 4] = [
            &[("Stream-Fork-Offset", START)],
            &[("Stream-Fork-Offset", one.as_str()), ("Stream-Fork-Sub-Offset", "1")],
            &[("Stream-Fork-Offset", one.as_str()), ("Stream-TTL", "60")],
            &[("Stream-Fork-Offset", one.as_str()), ("Content-Type", "text/html")],
        ];
        for headers in different {
            fork_call(server, "fork", "source", headers).send().expect(409);
        }
        fork_call(server, "fork", "other", &[]).send().expect_error(409, "config_mismatch");
        fork_call(server, "other", "source", &[]).send().expect_error(409, "config_mismatch");
        assert_eq!(server.read_text("fork"), "ab");
    });
}

#[test]
fn a_fork_takes_the_lifetime_of_its_source_unless_it_has_its_own() {
    const AT: &str = "2099-01-01T00:00:00Z";
    const LATER: &str = "2100-01-01T00:00:00Z";
    let none: (&str, &str) = ("", "");
    let cases = [
        (none, none, none),
        (none, ("Stream-TTL", "60"), ("Stream-TTL", "60")),
        (none, ("Stream-Expires-At", AT), ("Stream-Expires-At", AT)),
        (("Stream-TTL", "99"), none, ("Stream-TTL", "99")),
        (("Stream-TTL", "99"), ("Stream-TTL", "60"), ("Stream-TTL", "60")),
        (("Stream-TTL", "99"), ("Stream-Expires-At", AT), ("Stream-Expires-At", AT)),
        (("Stream-Expires-At", AT), none, ("Stream-Expires-At", AT)),
        (("Stream-Expires-At", AT), ("Stream-TTL", "60"), ("Stream-TTL", "60")),
        (("Stream-Expires-At", AT), ("Stream-Expires-At", LATER), ("Stream-Expires-At", LATER)),
    ];
    on_each_storage(&[], |server| {
        for (number, (of_source, of_request, of_fork)) in cases.into_iter().enumerate() {
            let given = |header: (&'static str, &'static str)| {
                if header == none { Vec::new() } else { vec![header] }
            };
            let (source, fork) = (format!("s{number}"), format!("f{number}"));
            server.put(&source).headers(&given(of_source)).send().expect(201);
            fork_call(server, &fork, &source, &given(of_request)).send().expect(201);
            let head = server.head(&fork).send().expect(200);
            let expected = |name| (of_fork.0 == name).then_some(of_fork.1);
            assert_eq!(head.header("Stream-TTL"), expected("Stream-TTL"), "case {number}: {head}");
            let told = head.header("Stream-Expires-At").map(times::parse);
            let expected = expected("Stream-Expires-At").map(times::parse);
            assert_eq!(told, expected, "case {number}: {head}");
        }
    });
}
