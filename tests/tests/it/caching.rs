//! `Cache-Control`, `ETag` and `If-None-Match`: what may be kept, and that nothing kept hides an
//! end.

use headwater_tests::on_each_storage;

const SHARED: &str = "public, max-age=60, stale-while-revalidate=300";

#[test]
fn what_may_be_kept_and_what_not() {
    let cases = [
        ("s", "", SHARED),
        ("s", "offset=-1", SHARED),
        ("s", "offset=-1&live=long-poll", SHARED),
        ("s", "offset=now", "no-store"),
        ("s", "offset=now&live=long-poll", "no-store"),
        ("missing", "", "no-store"),
        ("s", "offset=bad", "no-store"),
    ];
    on_each_storage(&["--long-poll-timeout", "200ms"], |server| {
        server.create_text("s");
        let tail = server.append_text("s", "x");
        for (stream, query, cache) in cases {
            server.get(stream, query).send().expect_header("Cache-Control", cache);
        }
        let at_tail = server.page("s", &tail).expect(200);
        at_tail.expect_header("Cache-Control", SHARED);
        server.head("s").send().expect(200).expect_header("Cache-Control", "no-store");
    });
}

#[test]
fn an_etag_names_what_was_read() {
    on_each_storage(&[], |server| {
        let start = server.create_text("s");
        let one = server.append_text("s", "one");
        let whole = server.page("s", &start).expect(200).etag();
        let rest = server.page("s", &one).expect(200).etag();
        assert_ne!(whole, rest, "another start");
        assert_eq!(server.page("s", &start).etag(), whole, "the same read");
        server.append_text("s", "two");
        let longer = server.page("s", &start).etag();
        assert_ne!(longer, whole, "another end");
        server.close("s");
        let closed = server.page("s", &start).etag();
        assert_ne!(closed, longer, "closed since");
        server.create_text("other");
        assert_ne!(server.get("other", "").send().etag(), whole, "another stream");
        server.get("s", "offset=now").send().expect(200).expect_no_header("ETag");
    });
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let tail = server.append_text("s", "data");
        for query in ["".to_owned(), format!("offset={tail}")] {
            let etag = server.get("s", &query).send().expect(200).etag();
            let lists = [etag.clone(), format!("\"other\", {etag}"), format!("W/{etag}")];
            for known in lists {
                let call = server.get("s", &query).header("If-None-Match", &known);
                let answer = call.send().expect(304).expect_body("");
                assert_eq!(answer.etag(), etag);
                answer.expect_header("Cache-Control", SHARED);
            }
            for other in ["\"other\"", "nonsense", "\"\"", ""] {
                let call = server.get("s", &query).header("If-None-Match", other);
                assert_eq!(call.send().expect(200).etag(), etag, "{other}");
            }
        }
    });
}

#[test]
fn not_modified_never_hides_new_data_or_the_end() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let tail = server.append_text("s", "data");
        for query in ["".to_owned(), format!("offset={tail}")] {
            let stream = server.get("s", &query).send().expect(200);
            let known = stream.etag();
            server.append_text("s", "+");
            let call = server.get("s", &query).header("If-None-Match", &known);
            call.send().expect(200);
        }
        let tail = server.tail("s");
        let queries = ["".to_owned(), format!("offset={tail}")];
        let known = queries.clone().map(|query| server.get("s", &query).send().etag());
        server.close("s");
        for (query, known) in queries.iter().zip(&known) {
            let call = server.get("s", query).header("If-None-Match", known);
            let answer = call.send().expect(200);
            assert!(answer.closed(), "{answer}");
            let call = server.get("s", query).header("If-None-Match", &answer.etag());
            assert!(call.send().expect(304).closed(), "a 304 for the end says so too");
        }
    });
}

#[test]
fn a_stream_made_anew_has_other_etags() {
    on_each_storage(&[], |server| {
        server.put("s").text("same").send().expect(201);
        let old = server.get("s", "").send().etag();
        server.delete("s").send().expect(204);
        server.put("s").text("Same").send().expect(201);
        let call = server.get("s", "").header("If-None-Match", &old);
        call.send().expect(200).expect_body("Same");
    });
}

#[test]
fn a_long_poll_with_data_can_be_validated_but_never_waits_as_304() {
    on_each_storage(&["--long-poll-timeout", "200ms"], |server| {
        server.create_text("s");
        server.append_text("s", "x");
        let answer = server.get("s", "offset=-1&live=long-poll").send().expect(200);
        answer.etag();
        let call = server.get("s", "offset=now&live=long-poll").header("If-None-Match", "\"x\"");
        call.send().expect(204);
    });
}
