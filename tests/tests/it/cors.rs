//! CORS and the headers browsers need, on every kind of answer and on any path.
//!
//! The harness holds every answer of every test against the security headers and the allowed
//! origin; here are the preflight and what a page may see.

use headwater_tests::http::Response;
use headwater_tests::on_each_storage;

/// What a page may send.
const ALLOWED: [&str; 15] = [
    "content-type",
    "authorization",
    "if-match",
    "if-none-match",
    "stream-seq",
    "stream-ttl",
    "stream-expires-at",
    "stream-closed",
    "producer-id",
    "producer-epoch",
    "producer-seq",
    "stream-forked-from",
    "stream-fork-offset",
    "stream-fork-sub-offset",
    "last-event-id",
];

/// What a page may read.
const EXPOSED: [&str; 17] = [
    "stream-next-offset",
    "stream-cursor",
    "stream-up-to-date",
    "stream-closed",
    "stream-ttl",
    "stream-expires-at",
    "stream-sse-data-encoding",
    "etag",
    "location",
    "content-type",
    "retry-after",
    "producer-epoch",
    "producer-seq",
    "producer-expected-seq",
    "producer-received-seq",
    "vary",
    "content-encoding",
];

const METHODS: [&str; 6] = ["get", "post", "put", "delete", "head", "options"];

#[track_caller]
fn check_list(answer: &Response, header: &str, wanted: &[&str]) {
    let list = answer.header(header).unwrap_or_default().to_lowercase();
    let listed: Vec<&str> = list.split(',').map(str::trim).collect();
    let missing: Vec<_> =
        wanted.iter().filter(|name| !listed.contains(name) && list != "*").collect();
    assert!(missing.is_empty(), "{header} lacks {missing:?}: {answer}");
}

#[test]
fn a_preflight_is_answered_anywhere() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let paths = [
            "/v1/stream/s",
            "/v1/stream/missing",
            "/v1/stream/a/b/c",
            "/elsewhere",
            "/",
            "/healthz",
        ];
        for path in paths {
            let call = server.call("OPTIONS", path).header("Origin", "https://app.example");
            let call = call.header("Access-Control-Request-Method", "POST");
            let call = call.header("Access-Control-Request-Headers", "if-none-match,stream-seq");
            let answer = call.send().expect(204);
            check_list(&answer, "Access-Control-Allow-Methods", &METHODS);
            check_list(&answer, "Access-Control-Allow-Headers", &ALLOWED);
        }
        server.call("OPTIONS", "/v1/stream/missing").send();
        server.head("missing").send().expect(404);
    });
}

#[test]
fn a_page_may_read_every_header_of_the_protocol() {
    on_each_storage(&[], |server| {
        let created = server.put("s").text("x").send().expect(201);
        let answers = [
            created,
            server.get("s", "").send(),
            server.get("s", "offset=now").send(),
            server.head("s").send(),
            server.post("s").text("y").producer("p", 0, 0).send(),
            server.post("s").text("y").producer("p", 0, 5).send(),
            server.get("missing", "").send(),
            server.get("s", "offset=bad").send(),
            server.delete("s").send(),
            server.call("PATCH", "/v1/stream/s").send(),
            server.call("GET", "/elsewhere").send(),
        ];
        for answer in answers {
            check_list(&answer, "Access-Control-Expose-Headers", &EXPOSED);
        }
        server.create("binary", "application/octet-stream");
        let events = server.get("binary", "offset=-1&live=sse").events();
        assert_eq!(events.head().header("Stream-SSE-Data-Encoding"), Some("base64"));
        let exposed = events.head().header("Access-Control-Expose-Headers").unwrap_or_default();
        assert!(exposed.to_lowercase().contains("stream-sse-data-encoding") || exposed == "*");
    });
}
