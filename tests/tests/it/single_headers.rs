//! A header of the protocol stands once: said twice, equal or not, it is refused and nothing happens.

use headwater_tests::http::Call;
use headwater_tests::offset::START;
use headwater_tests::{Server, on_each_storage};

/// A request that lacks a header, two values of that header, and the status of the request with the first of them.
struct Once {
    header: &'static str,
    values: [&'static str; 2],
    status: u16,
    call: fn(&Server) -> Call,
}

fn once(
    header: &'static str,
    values: [&'static str; 2],
    status: u16,
    call: fn(&Server) -> Call,
) -> Once {
    Once { header, values, status, call }
}

fn append(server: &Server) -> Call {
    server.post("s").body("x")
}

fn append_text(server: &Server) -> Call {
    append(server).content_type("text/plain")
}

fn create(server: &Server) -> Call {
    server.put("new")
}

fn fork(server: &Server) -> Call {
    server.put("new").header("Stream-Forked-From", "/v1/stream/s")
}

/// All that docs/protocol.md lists.
fn all() -> Vec<Once> {
    let later = ["2099-01-01T00:00:00Z", "2098-01-01T00:00:00Z"];
    vec![
        once("Content-Type", ["text/plain", "text/html"], 204, append),
        once("Content-Type", ["text/plain", "text/html"], 201, create),
        once("Stream-TTL", ["60", "61"], 201, create),
        once("Stream-Expires-At", later, 201, create),
        once("Stream-Closed", ["true", "false"], 201, create),
        once("Stream-Closed", ["true", "false"], 204, append_text),
        once("Stream-Forked-From", ["/v1/stream/s", "/v1/stream/t"], 201, create),
        once("Stream-Fork-Offset", [START, "now"], 201, fork),
        once("Stream-Fork-Sub-Offset", ["0", "1"], 201, |server| {
            fork(server).header("Stream-Fork-Offset", START)
        }),
        once("Producer-Id", ["p", "q"], 200, |server| {
            append_text(server).header("Producer-Epoch", "0").header("Producer-Seq", "0")
        }),
        once("Producer-Epoch", ["0", "1"], 200, |server| {
            append_text(server).header("Producer-Id", "p").header("Producer-Seq", "0")
        }),
        once("Producer-Seq", ["0", "1"], 200, |server| {
            append_text(server).header("Producer-Id", "p").header("Producer-Epoch", "0")
        }),
        once("Stream-Seq", ["a", "b"], 204, append_text),
        once("If-Match", ["\"x\"", "\"y\""], 412, append_text),
        once("Last-Event-ID", ["-1", "now"], 200, |server| {
            server.get("ended", "offset=-1&live=sse")
        }),
    ]
}

#[test]
fn a_header_that_stands_twice_is_refused() {
    on_each_storage(&[], |server| {
        server.put("ended").text("x").header("Stream-Closed", "true").send().expect(201);
        for Once { header, values: [one, other], status, call } in all() {
            server.put("s").text("untouched").send().expect(201);
            for second in [one, other] {
                let twice = call(server).header(header, one).header(header, second).send();
                let refused = twice.expect_error(400, "invalid_request");
                let message = refused.text().to_ascii_lowercase();
                assert!(message.contains(&header.to_ascii_lowercase()), "{header}: {refused}");
            }
            server.head("new").send().expect(404);
            let kept = server.get("s", "").send().expect(200).expect_body("untouched");
            assert!(!kept.closed());
            // It was the repetition alone.
            call(server).header(header, one).send().expect(status);
            for stream in ["new", "s"] {
                server.delete(stream).send();
            }
        }
    });
}
