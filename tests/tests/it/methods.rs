//! Methods and paths that are no stream operation: 405, 404, health.

use headwater_tests::on_each_storage;

#[test]
fn other_methods_are_not_allowed_on_a_stream() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        for method in ["PATCH", "TRACE", "PROPFIND", "FOO", "get"] {
            let answer = server.call(method, "/v1/stream/s").send().expect(405);
            let allow = answer.header("Allow").unwrap_or_default().to_owned();
            for allowed in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
                assert!(allow.contains(allowed), "{method}: Allow is {allow:?}");
            }
            assert_eq!(server.call(method, "/v1/stream/missing").send().status(), 405);
        }
        assert_eq!(server.read_text("s"), "");
    });
}

#[test]
fn elsewhere_is_nothing() {
    on_each_storage(&[], |server| {
        for path in
            ["/", "/v1", "/v1/", "/v1/streams/s", "/v2/stream/s", "/favicon.ico", "/V1/stream/s"]
        {
            for method in ["GET", "PUT", "POST", "DELETE"] {
                server.call(method, path).send().expect_error(404, "not_found");
            }
        }
    });
}

#[test]
fn health_is_told() {
    on_each_storage(&[], |server| {
        for method in ["GET", "HEAD"] {
            server.call(method, "/healthz").send().expect(200);
        }
        server.call("DELETE", "/healthz").send().expect(405);
    });
}

#[test]
fn options_changes_nothing() {
    on_each_storage(&[], |server| {
        for path in ["/v1/stream/s", "/v1/stream/__ds/x", "/v1/stream/..", "/elsewhere"] {
            server.call("OPTIONS", path).send().expect(204);
        }
        server.head("s").send().expect(404);
    });
}

#[test]
fn a_head_answer_has_no_body_and_all_the_facts() {
    on_each_storage(&[], |server| {
        let tail = server.put("s").json("[1,2]").send().expect(201).offset();
        let head = server.head("s").send().expect(200).expect_body("");
        assert_eq!(head.offset(), tail);
        head.etag();
        head.expect_header("Content-Type", "application/json").expect_no_header("Stream-Closed");
        // The connection is still in step after it.
        let mut conn = server.connect();
        for _ in 0..3 {
            server.head("s").send_over(&mut conn).unwrap().expect(200);
            server.get("s", "").send_over(&mut conn).unwrap().expect_body("[1,2]");
            server.head("missing").send_over(&mut conn).unwrap().expect(404);
        }
    });
}
