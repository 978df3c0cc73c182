//! What is told of requests and commits, and what never is.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::collector::{Collector, Manner};
use crate::message::{Value, value};
use crate::server::Server;

/// As short as a test wants to wait for a batch.
const SOON: Duration = Duration::from_millis(50);

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3600);

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const TEXT: &str = "Content-Type: text/plain\r\n";

/// SERVER, of the kinds of spans.
const SERVER: i32 = 2;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_request_is_a_span_of_the_trace_it_came_with() {
    let collector = Collector::start(Manner::Status(200));
    let server = Server::start(&collector.url(), SOON);
    let mut client = server.client();
    let traced = format!("{TEXT}traceparent: 00-{TRACE}-{PARENT}-01\r\nX-Request-Id: mine\r\n");
    assert_eq!(client.call("PUT", "/v1/stream/a/b", &traced, "x"), 201);

    let span = collector.wait_for("the request", |span| span.name == "PUT create");
    assert_eq!(hex(&span.trace_id), TRACE);
    assert_eq!(hex(&span.parent_span_id), PARENT);
    assert_eq!((span.kind, span.status()), (SERVER, 0));
    assert_eq!(span.text("id"), Some("mine"));
    assert_eq!(span.text("http.request.method"), Some("PUT"));
    assert_eq!(span.text("http.route"), Some("create"));
    assert_eq!(span.text("url.path"), Some("/v1/stream/a/b"));
    assert_eq!(span.number("http.response.status_code"), Some(201));
    assert_eq!(span.text("error.type"), None);
    assert!(0 < span.start && span.start < span.end, "{span:?}");

    let resources = collector.resources();
    let attributes = &resources[0].resource.as_ref().unwrap().attributes;
    for (key, expected) in [
        ("service.name", "headwater"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("deployment.environment.name", "tests"),
    ] {
        assert_eq!(value(attributes, key), Some(&Value::Text(expected.to_owned())), "{key}");
    }
}

#[test]
fn without_a_trace_a_request_begins_one_and_what_nobody_keeps_is_not_sent() {
    let collector = Collector::start(Manner::Status(200));
    let server = Server::start(&collector.url(), NEVER);
    let mut client = server.client();
    let unsampled = format!("traceparent: 00-{TRACE}-{PARENT}-00\r\n");
    assert_eq!(client.call("GET", "/v1/stream/unsampled", &unsampled, ""), 404);
    assert_eq!(client.call("GET", "/v1/stream/none", "", ""), 404);
    assert_eq!(client.call("BREW", "/coffee", "", ""), 404);
    let ended = server.stop();
    assert!(ended.status.success(), "{ended:?}");

    // What was waiting came at the end, and nothing else.
    let spans = collector.spans();
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["GET read", "other none"], "{spans:#?}");
    assert_eq!(spans[0].text("url.path"), Some("/v1/stream/none"));
    assert_eq!(spans[0].number("http.response.status_code"), Some(404));
    assert_eq!(spans[0].text("error.type"), Some("not_found"));
    // Of a server's spans only its own faults are errors.
    assert_eq!(spans[0].status(), 0);
    assert!(spans[0].parent_span_id.is_empty());
    assert_eq!((spans[0].trace_id.len(), spans[0].span_id.len()), (16, 8));
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
    // Spans are exported although the log is at info, where it shows none.
    assert!(!ended.stderr.contains("http.route"), "{}", ended.stderr);
}

#[test]
fn a_commit_is_a_span_with_its_sync_inside() {
    let collector = Collector::start(Manner::Status(200));
    let server = Server::start(&collector.url(), SOON);
    let mut client = server.client();
    assert_eq!(client.call("PUT", "/v1/stream/a", TEXT, &"x".repeat(5000)), 201);

    let commit = collector.wait_for("the commit", |span| span.name == "commit");
    assert_eq!((commit.number("group"), commit.number("units")), (Some(1), Some(1)));
    assert!(commit.number("bytes").is_some_and(|bytes| bytes > 5000), "{commit:?}");
    assert!(commit.parent_span_id.is_empty());
    let sync = collector.wait_for("the sync", |span| span.name == "sync");
    assert_eq!((&sync.trace_id, &sync.parent_span_id), (&commit.trace_id, &commit.span_id));
    assert!(commit.start <= sync.start && sync.end <= commit.end, "{commit:?} {sync:?}");
}

#[test]
fn the_page_tells_every_attribute_and_no_other() {
    let page = include_str!("../../../../docs/tracing.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| | "));
    let told: BTreeSet<_> = rows
        .filter_map(|row| row.split('|').next())
        .flat_map(|names| names.split(',').map(|name| name.trim().trim_matches('`').to_owned()))
        .collect();

    let collector = Collector::start(Manner::Status(200));
    let server = Server::start(&collector.url(), NEVER);
    let mut client = server.client();
    assert_eq!(client.call("PUT", "/v1/stream/a", TEXT, "x"), 201);
    let traced = format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n");
    assert_eq!(client.call("GET", "/v1/stream/b", &traced, ""), 404);
    let ended = server.stop();
    assert!(ended.status.success(), "{ended:?}");
    let spans = collector.spans();
    let keys = spans.iter().flat_map(|span| span.attributes.iter().map(|one| one.key.clone()));
    assert_eq!(keys.collect::<BTreeSet<_>>(), told);
}

#[test]
fn payloads_and_credentials_are_never_sent() {
    let collector = Collector::start(Manner::Status(200));
    let server = Server::start(&collector.url(), NEVER);
    let mut client = server.client();
    let secret = "Authorization: Bearer SECRET-TOKEN\r\nCookie: SECRET-COOKIE\r\nProducer-Id: SECRET-ID\r\n\
                  tracestate: a=SECRET-STATE\r\nbaggage: a=SECRET-BAGGAGE\r\n";
    let json = format!("{secret}Content-Type: application/json\r\n");
    assert_eq!(client.call("PUT", "/v1/stream/a", &json, "[\"SECRET-PAYLOAD\"]"), 201);
    let producer = format!("{json}Producer-Epoch: 0\r\nProducer-Seq: 0\r\n");
    assert_eq!(client.call("POST", "/v1/stream/a", &producer, "[\"SECRET-PAYLOAD\"]"), 200);
    assert_eq!(client.call("POST", "/v1/stream/a", &producer, "SECRET-PAYLOAD"), 204);
    assert_eq!(client.call("POST", "/v1/stream/a", &json, "SECRET-PAYLOAD"), 400);
    assert_eq!(client.call("GET", "/v1/stream/a?offset=-1&token=SECRET-QUERY", secret, ""), 200);
    assert_eq!(client.call("GET", "/v1/stream/a?offset=SECRET-OFFSET", secret, ""), 400);
    let ended = server.stop();
    assert!(ended.status.success(), "{ended:?}");

    let requests = collector.spans().iter().filter(|span| span.kind == SERVER).count();
    assert_eq!(requests, 6);
    for body in collector.bodies() {
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(!text.contains("SECRET"), "{text}");
    }
}
