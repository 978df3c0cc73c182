//! What a request is called: the id that comes with it or is made, in the answer and in the log, and the trace it belongs to.

use headwater_tests::{Launch, Server, Storage, wait};
use serde_json::Value;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn start() -> Server {
    Launch::new(Storage::Memory).flags(&["--log-format", "json", "--log", "debug"]).start()
}

/// The line that the log has of the request of this id.
fn line(server: &Server, id: &str) -> Value {
    wait::until("the log line of the request", || {
        let lines = server.stderr();
        let mut lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["id"] == id)
    })
}

#[test]
fn an_id_that_comes_is_kept_and_one_that_does_not_is_made() {
    let server = start();
    let given = server.put("a").text("x").header("X-Request-Id", "abc-1/2").send().expect(201);
    given.expect_header("X-Request-Id", "abc-1/2");
    let logged = line(&server, "abc-1/2");
    assert_eq!((&logged["status"], &logged["path"]), (&201.into(), &"/v1/stream/a".into()));

    let made = server.get("none", "offset=-1").send().expect_error(404, "not_found");
    let made = made.header("X-Request-Id").unwrap().to_owned();
    assert_eq!(line(&server, &made)["code"], "not_found");
    let other = server.get("a", "offset=-1").send().expect(200);
    assert_ne!(other.header("X-Request-Id"), Some(made.as_str()));

    for unfit in ["a b", &"x".repeat(129)] {
        let reply = server.head("a").header("X-Request-Id", unfit).send().expect(200);
        assert_ne!(reply.header("X-Request-Id"), Some(unfit));
    }
}

#[test]
fn a_trace_is_carried_into_the_log() {
    let server = start();
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let call = server.put("a").text("x").header("traceparent", &parent);
    call.header("X-Request-Id", "traced").send().expect(201);
    assert_eq!(line(&server, "traced")["trace"], TRACE);
    let broken = server.head("a").header("traceparent", "00-0-0-0");
    broken.header("X-Request-Id", "untraced").send().expect(200);
    assert_eq!(line(&server, "untraced").get("trace"), None);
}

/// Whatever is turned on, what is appended and who may read it are nobody's business.
#[test]
fn payloads_and_credentials_are_never_logged() {
    let server = Launch::new(Storage::Sled).flags(&["--log", "trace"]).start();
    let secret = |call: headwater_tests::http::Call| {
        call.header("Authorization", "Bearer SECRET-TOKEN").header("Cookie", "SECRET-COOKIE")
    };
    secret(server.put("a").json("{\"x\":\"SECRET-PAYLOAD\"}")).send().expect(201);
    secret(server.post("a").json("[\"SECRET-PAYLOAD\"]")).send().expect(204);
    secret(server.post("a").json("SECRET-PAYLOAD")).send().expect_error(400, "invalid_json");
    secret(server.get("a", "offset=-1&token=SECRET-QUERY")).send().expect(200);
    drop(secret(server.get("a", "offset=-1&live=sse")).events());
    server.terminate();
    let exit = server.wait_for_exit();
    assert!(exit.stderr.lines().count() > 10, "nothing was logged");
    assert!(!exit.stderr.contains("SECRET"), "{}", exit.stderr);
}
