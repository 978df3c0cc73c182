//! Several stream roots: aliases of one namespace.

use headwater_tests::{on_each_storage, wait};

const ROOTS: &[&str] = &["--stream-root", "/v1/stream", "--stream-root", "/streams/"];

#[test]
fn a_stream_is_the_same_under_every_root() {
    on_each_storage(ROOTS, |server| {
        let created = server.call("PUT", "/streams/a/b").text("one").send().expect(201);
        // A URL in an answer has the root of the request.
        let url = format!("http://{}/streams/a/b", server.address());
        created.expect_header("Location", &url);
        let mut tail = server.get("a/b", "offset=-1&live=sse").events();
        server.call("POST", "/streams/a/b").text("two").send().expect(204);
        wait::until("both appends", || (server.read_text("a/b") == "onetwo").then_some(()));
        assert_eq!(tail.next_data().0.data, "one");
        server.call("PUT", "/v1/stream/a/b").content_type("text/plain").send().expect(200);
        server.call("DELETE", "/v1/stream/a/b").send().expect(204);
        server.call("GET", "/streams/a/b").send().expect_error(404, "not_found");
    });
}

#[test]
fn a_fork_may_name_its_source_under_any_root() {
    on_each_storage(ROOTS, |server| {
        server.put("source").text("x").send().expect(201);
        for (fork, source) in [("one", "/v1/stream/source"), ("two", "/streams/source")] {
            for root in ["/v1/stream/", "/streams/"] {
                let call = server.call("PUT", &format!("{root}{fork}{}", root.len()));
                call.header("Stream-Forked-From", source).send().expect(201);
            }
        }
        let elsewhere = server.put("three").header("Stream-Forked-From", "/other/source");
        elsewhere.send().expect_error(400, "invalid_request");
    });
}

#[test]
fn control_is_reserved_under_every_root_and_other_paths_are_nothing() {
    on_each_storage(ROOTS, |server| {
        for path in ["/streams/__ds/subscriptions/x", "/v1/stream/__ds", "/stream/a", "/streams"] {
            server.call("PUT", path).text("x").send().expect_error(404, "not_found");
        }
    });
}

#[test]
fn a_root_of_its_own_replaces_the_default() {
    on_each_storage(&["--stream-root", "/x"], |server| {
        server.call("PUT", "/x/a").text("x").send().expect(201);
        server.call("GET", "/v1/stream/a").send().expect_error(404, "not_found");
        wait::until("the printed commands", || {
            server.stdout().contains("/x/hello?offset=-1&live=sse").then_some(())
        });
    });
}
