//! `PUT`: creating a stream, confirming one that is there, and what is refused.

use headwater_tests::offset::START;
use headwater_tests::on_each_storage;
use headwater_tests::server::target;

use crate::times;

#[test]
fn a_new_stream_is_described_by_its_answer() {
    on_each_storage(&[], |server| {
        let made = server.put("a/b/c").text("hello").send().expect(201);
        let location = format!("http://{}{}", server.address(), target("a/b/c"));
        let made = made
            .expect_header("Location", &location)
            .expect_header("Content-Type", "text/plain")
            .expect_no_header("Stream-Closed");
        assert_eq!(made.offset().position(), 5);
        assert!(made.offset().lineage() >= 1, "lineages count from 1");
        assert_eq!(server.read_text("a/b/c"), "hello");
    });
}

#[test]
fn the_content_type_defaults_to_bytes() {
    on_each_storage(&[], |server| {
        server
            .put("s")
            .send()
            .expect(201)
            .expect_header("Content-Type", "application/octet-stream");
    });
}

#[test]
fn the_initial_content_may_come_in_any_framing() {
    on_each_storage(&[], |server| {
        let call = server.put("bytes").content_type("text/plain");
        let made = call.chunked(&[b"one ", b"two ", b"three"]).send().expect(201);
        assert_eq!(made.offset().position(), 13);
        assert_eq!(server.read_text("bytes"), "one two three");

        let call = server.put("json").content_type("application/json");
        call.chunked(&[b"[1,", b" {\"a\"", b":2}]"]).send().expect(201);
        server.get("json", "").send().expect(200).expect_body(r#"[1,{"a":2}]"#);

        let call = server.put("empty").content_type("text/plain");
        assert_eq!(call.chunked(&[]).send().expect(201).offset().position(), 0);
    });
}

#[test]
fn a_stream_can_be_created_closed() {
    on_each_storage(&[], |server| {
        for (stream, text) in [("empty", ""), ("full", "all there is")] {
            let call = server.put(stream).text(text).header("Stream-Closed", "true");
            call.send().expect(201).expect_header("Stream-Closed", "true");
            let read = server.get(stream, "").send().expect(200).expect_body(text);
            assert!(read.closed() && read.up_to_date(), "{read}");
            let refused = server.post(stream).text("more").send();
            refused.expect_error(409, "stream_closed").expect_header("Stream-Closed", "true");
        }
    });
}

/// The configuration of a stream, as headers.
type Config = &'static [(&'static str, &'static str)];

const TEXT: (&str, &str) = ("Content-Type", "text/plain");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const CLOSED: (&str, &str) = ("Stream-Closed", "true");
const TTL: (&str, &str) = ("Stream-TTL", "3600");
const EXPIRES: (&str, &str) = ("Stream-Expires-At", "2099-01-01T00:00:00Z");

/// What is there, what is asked for, and the answer.
const CONFIRMATIONS: &[(Config, Config, u16)] = &[
    (&[TEXT], &[TEXT], 200),
    (&[TEXT], &[("Content-Type", "TEXT/Plain")], 200),
    (&[TEXT], &[("Content-Type", "text/plain; charset=utf-8")], 200),
    (&[("Content-Type", "text/plain; charset=utf-8")], &[TEXT], 200),
    (&[TEXT], &[JSON], 409),
    (&[TEXT], &[("Content-Type", "text/html")], 409),
    (&[], &[("Content-Type", "application/octet-stream")], 200),
    (&[TEXT, TTL], &[TEXT, TTL], 200),
    (&[TEXT, TTL], &[TEXT, ("Stream-TTL", "3601")], 409),
    (&[TEXT, TTL], &[TEXT], 409),
    (&[TEXT], &[TEXT, TTL], 409),
    (&[TEXT, EXPIRES], &[TEXT, EXPIRES], 200),
    (&[TEXT, EXPIRES], &[TEXT, ("Stream-Expires-At", "2099-01-01T00:00:01Z")], 409),
    (&[TEXT, EXPIRES], &[TEXT], 409),
    (&[TEXT], &[TEXT, EXPIRES], 409),
    (&[TEXT, TTL], &[TEXT, EXPIRES], 409),
    (&[TEXT, CLOSED], &[TEXT, CLOSED], 200),
    (&[TEXT, CLOSED], &[TEXT], 409),
    (&[TEXT], &[TEXT, CLOSED], 409),
    (&[TEXT, CLOSED], &[TEXT, ("Stream-Closed", "TRUE")], 200),
    (&[TEXT], &[TEXT, ("Stream-Closed", "false")], 200),
];

#[test]
fn a_second_put_confirms_the_same_configuration_and_refuses_another() {
    on_each_storage(&[], |server| {
        for (case, (first, second, status)) in CONFIRMATIONS.iter().enumerate() {
            let stream = format!("case-{case}");
            let made = server.put(&stream).headers(first).body("first").send();
            let again = server.put(&stream).headers(second).body("ignored").send();
            let again = again.expect(*status);
            if *status == 200 {
                assert_eq!(again.offset(), made.offset(), "case {case}");
                assert_eq!(again.header("Content-Type"), made.header("Content-Type"));
                assert_eq!(again.header("Stream-Closed"), made.header("Stream-Closed"));
            } else {
                again.expect_error(409, "config_mismatch");
            }
            assert_eq!(server.read(&stream), b"first", "a second PUT never writes; case {case}");
        }
    });
}

#[test]
fn the_closed_state_is_compared_as_it_is_now() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.close("s");
        server.put("s").headers(&[TEXT]).send().expect_error(409, "config_mismatch");
        server.put("s").headers(&[TEXT, CLOSED]).send().expect(200);
    });
}

/// Headers that make a `PUT` a bad request.
const BAD_HEADERS: &[Config] = &[
    &[TTL, EXPIRES],
    &[("Stream-TTL", "")],
    &[("Stream-TTL", "abc")],
    &[("Stream-TTL", "-1")],
    &[("Stream-TTL", "+1")],
    &[("Stream-TTL", "01")],
    &[("Stream-TTL", "00")],
    &[("Stream-TTL", "1.0")],
    &[("Stream-TTL", "1e3")],
    &[("Stream-TTL", "0x10")],
    &[("Stream-TTL", "1 2")],
    &[("Stream-TTL", "99999999999999999999999999")],
    &[("Stream-Expires-At", "")],
    &[("Stream-Expires-At", "tomorrow")],
    &[("Stream-Expires-At", "2099-01-01")],
    &[("Stream-Expires-At", "2099-01-01T00:00:00")],
    &[("Stream-Expires-At", "2099-13-01T00:00:00Z")],
    &[("Stream-Expires-At", "2099-02-30T00:00:00Z")],
    &[("Stream-Expires-At", "2099-01-01T25:00:00Z")],
    &[("Stream-Expires-At", "4070908800")],
    &[("Content-Type", "text")],
    &[("Content-Type", "text/")],
    &[("Content-Type", "/plain")],
    &[("Content-Type", "text/pl ain")],
    &[("Content-Type", "text plain")],
    &[("Content-Type", "text/plain/more")],
    &[("Content-Type", "te,xt/plain")],
    &[("Content-Type", "text/plain, text/html")],
    &[TEXT, ("Stream-Fork-Offset", START)],
    &[TEXT, ("Stream-Fork-Sub-Offset", "0")],
    &[TEXT, ("Stream-Fork-Sub-Offset", "1")],
];

#[test]
fn bad_headers_are_refused_and_create_nothing() {
    on_each_storage(&[], |server| {
        for (case, headers) in BAD_HEADERS.iter().enumerate() {
            let stream = format!("bad-{case}");
            let refused = server.put(&stream).headers(headers).send();
            refused.expect_error(400, "invalid_request");
            server.head(&stream).send().expect(404);
        }
    });
}

#[test]
fn timestamps_may_carry_fractions_and_zones() {
    on_each_storage(&[], |server| {
        let good = ["2099-01-01T00:00:00.5Z", "2099-01-01T02:00:00+02:00", "2099-01-01t00:00:00z"];
        for (case, timestamp) in good.iter().enumerate() {
            let stream = format!("good-{case}");
            server.put(&stream).header("Stream-Expires-At", timestamp).send().expect(201);
            let head = server.head(&stream).send().expect(200);
            assert!(head.header("Stream-Expires-At").is_some(), "{head}");
        }
    });
}

#[test]
fn a_lifetime_that_is_over_at_once_creates_a_stream_that_is_gone_at_once() {
    on_each_storage(&[], |server| {
        let over = [("Stream-TTL", "0"), ("Stream-Expires-At", "2020-01-01T00:00:00Z")];
        for (case, header) in over.into_iter().enumerate() {
            let stream = format!("over-{case}");
            server.put(&stream).headers(&[TEXT, header]).body("x").send().expect(201);
            server.get(&stream, "").send().expect_error(404, "not_found");
            server.post(&stream).text("y").send().expect_error(404, "not_found");
            server.head(&stream).send().expect(404);
            server.create_text(&stream);
            assert_eq!(server.read_text(&stream), "", "the new stream has nothing of the old");
        }
    });
}

#[test]
fn bad_json_creates_nothing_and_an_empty_array_is_an_empty_stream() {
    on_each_storage(&[], |server| {
        for bad in ["{", "[1,]", "nul", "{\"a\":}", "1 2", "[1][2]", "\u{feff}1", "'a'"] {
            server.put("bad").json(bad).send().expect_error(400, "invalid_json");
            server.head("bad").send().expect(404);
        }
        let made = server.put("good").json("[]").send().expect(201);
        assert_eq!(made.offset().position(), 0);
        server.get("good", "").send().expect(200).expect_body("[]");
    });
}

#[test]
fn head_tells_the_lifetime_as_it_was_set() {
    on_each_storage(&[], |server| {
        server.put("ttl").headers(&[TEXT, TTL]).send().expect(201);
        let head = server.head("ttl").send().expect(200);
        head.expect_header("Stream-TTL", "3600").expect_no_header("Stream-Expires-At");
        server.put("at").headers(&[TEXT, EXPIRES]).send().expect(201);
        let head = server.head("at").send().expect(200).expect_no_header("Stream-TTL");
        let told = head.header("Stream-Expires-At").unwrap_or_default();
        assert_eq!(times::parse(told), times::parse(EXPIRES.1));
        server.create_text("neither");
        let head = server.head("neither").send().expect(200);
        head.expect_no_header("Stream-TTL").expect_no_header("Stream-Expires-At");
    });
}
