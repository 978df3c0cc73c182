//! Truncation, and lives that are counted from closing: what a stream gives up is answered 410, what is left is read, and forks
//! keep what they inherited.

use headwater_tests::http::Response;
use headwater_tests::offset::{Offset, START};
use headwater_tests::server::target;
use headwater_tests::{Launch, Server, Storage, on_each_storage, wait};

fn truncate(server: &Server, stream: &str, before: &Offset) -> Response {
    truncate_with(server, stream, &format!("offset={}", before.as_str()))
}

fn truncate_with(server: &Server, stream: &str, query: &str) -> Response {
    let stream = format!("__ds/truncate/{stream}?{query}");
    server.call("POST", &target(&stream)).send()
}

/// A stream of three records, and its offsets.
fn three(server: &Server, stream: &str) -> Vec<Offset> {
    let mut offsets = vec![server.create_text(stream)];
    offsets.extend(["one ", "two ", "three"].map(|text| server.append_text(stream, text)));
    offsets
}

#[test]
fn what_is_given_up_is_gone_and_the_rest_is_read() {
    on_each_storage(&[], |server| {
        let at = three(server, "a/s");
        server.head("a/s").send().expect_no_header("Stream-Earliest-Offset");
        let done = truncate(server, "a/s", &at[2]).expect(204);
        let done = done.expect_header("Stream-Earliest-Offset", at[2].as_str());
        done.expect_header("Stream-Next-Offset", at[3].as_str());
        let head = server.head("a/s").send().expect(200);
        let head = head.expect_header("Stream-Earliest-Offset", at[2].as_str());
        assert_eq!(head.offset(), at[3]);
        for query in ["", "offset=-1", &format!("offset={START}"), "offset=last:9"] {
            server.get("a/s", query).send().expect(200).expect_body("three");
        }
        server.page("a/s", &at[2]).expect(200).expect_body("three");
        for below in &at[..2] {
            server.page("a/s", below).expect_error(410, "offset_expired");
            for live in ["long-poll", "sse"] {
                let query = format!("offset={}&live={live}", below.as_str());
                server.get("a/s", &query).send().expect_error(410, "offset_expired");
            }
        }
        server.append_text("a/s", "four");
        assert_eq!(server.read_text("a/s"), "threefour");
        let envelopes = server.get("a/s", "records=true").send().expect(200).json();
        assert_eq!(envelopes[0]["sequence"], 3, "{envelopes}");
    });
}

#[test]
fn a_truncation_can_be_repeated_and_says_what_is_wrong_with_it() {
    on_each_storage(&[], |server| {
        let at = three(server, "s");
        for (before, earliest) in [(1, 1), (1, 1), (0, 1), (3, 3), (2, 3)] {
            let done = truncate(server, "s", &at[before]).expect(204);
            done.expect_header("Stream-Earliest-Offset", at[earliest].as_str());
        }
        assert_eq!(server.read_text("s"), "");
        server.append_text("s", "abc");
        truncate(server, "s", &at[3].plus(1)).expect_error(400, "offset_invalid");
        truncate(server, "s", &at[3].plus(4)).expect_error(400, "offset_beyond_tail");
        for (query, code) in [
            ("", "invalid_request"),
            ("offset=", "offset_invalid"),
            ("offset=-1", "offset_invalid"),
            ("offset=now", "offset_invalid"),
        ] {
            truncate_with(server, "s", query).expect_error(400, code);
        }
        truncate_with(server, "none", &format!("offset={START}")).expect_error(404, "not_found");
        let path = target(&format!("__ds/truncate/s?offset={START}"));
        for method in ["GET", "PUT", "DELETE"] {
            let refused = server.call(method, &path).send();
            refused.expect_error(405, "method_not_allowed").expect_header("Allow", "POST, OPTIONS");
        }
        let with_body = server.call("POST", &path).text("x").send();
        with_body.expect_error(400, "invalid_request");
        assert_eq!(server.read_text("s"), "abc");
    });
}

#[test]
fn closed_and_json_streams_are_truncated_between_records() {
    on_each_storage(&[], |server| {
        let start = server.create_json("j");
        server.append_json("j", "[1,22,333]");
        truncate(server, "j", &start.plus(1)).expect_error(400, "offset_invalid");
        truncate(server, "j", &start.plus(5)).expect(204);
        server.get("j", "").send().expect(200).expect_body("[333]");
        server.close("j");
        let tail = server.tail("j");
        truncate(server, "j", &tail).expect(204);
        let rest = server.get("j", "").send().expect(200);
        assert!(rest.closed() && rest.up_to_date());
        rest.expect_body("[]");
    });
}

#[test]
fn forks_keep_what_they_inherited() {
    on_each_storage(&[], |server| {
        let at = three(server, "source");
        server.fork("before", "source", Some(&at[2]));
        truncate(server, "source", &at[3]).expect(204);
        assert_eq!(server.read_text("before"), "one two ");
        assert_eq!(server.read_text("source"), "");
        server.fork("after", "source", None);
        assert_eq!(server.read_text("after"), "");
        let fork = server.put("late").header("Stream-Forked-From", &target("source"));
        let fork = fork.header("Stream-Fork-Offset", at[1].as_str()).send();
        fork.expect_error(410, "offset_expired");
        truncate(server, "before", &at[1]).expect(204);
        assert_eq!(server.read_text("before"), "two ");
        server.delete("before").send().expect(204);
        server.append_text("source", "four");
        assert_eq!(server.read_text("source"), "four");
    });
}

#[test]
fn a_floor_outlives_restarts() {
    for restart in [Server::restart, Server::crash_and_restart] {
        let server = Launch::new(Storage::Sled).start();
        let at = three(&server, "s");
        server.fork("fork", "s", Some(&at[1]));
        truncate(&server, "s", &at[2]).expect(204);
        let server = restart(restart(server));
        assert_eq!(server.read_text("s"), "three");
        assert_eq!(server.read_text("fork"), "one ");
        server.page("s", &at[1]).expect_error(410, "offset_expired");
        server.head("s").send().expect_header("Stream-Earliest-Offset", at[2].as_str());
    }
}

#[test]
fn a_life_may_be_counted_from_closing() {
    on_each_storage(&[], |server| {
        let call = server.put("s").content_type("text/plain").header("Stream-TTL-After-Close", "1");
        call.clone().send().expect(201);
        call.send().expect(200);
        server.append_text("s", "one");
        let head = server.head("s").send().expect(200);
        head.expect_header("Stream-TTL-After-Close", "1").expect_no_header("Stream-TTL");
        server.put("soon").header("Stream-TTL-After-Close", "0").send().expect(201);
        server.put("later").header("Stream-TTL-After-Close", "1000").send().expect(201);
        for stream in ["s", "soon", "later"] {
            server.close(stream);
        }
        server.get("soon", "").send().expect_error(404, "not_found");
        wait::until("the stream has ended although it is read", || {
            (server.get("s", "").send().status() == 404).then_some(())
        });
        assert!(server.head("later").send().expect(200).closed());
        let listed = server.call("GET", "/v1/catalog").send().expect(200).json();
        assert_eq!(listed["streams"][0]["ttlSecondsAfterClose"], 1000, "{listed}");
        for other in [("Stream-TTL", "1"), ("Stream-Expires-At", "2100-01-01T00:00:00Z")] {
            let both = server.put("both").header("Stream-TTL-After-Close", "1");
            both.header(other.0, other.1).send().expect_error(400, "invalid_request");
        }
    });
}
