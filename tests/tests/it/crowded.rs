//! Readers for whom there is no room: what one client leaves unread keeps others waiting, never for ever and never unheard.

use headwater_tests::http::Conn;
use headwater_tests::{Launch, Server, Storage, wait};

/// One record of a JSON stream, which is one page however large it is: live readers have room for one and not for two.
const RECORD: usize = 12 * 1024 * 1024;

const FLAGS: [&str; 6] =
    ["--reading-bytes", "30000000", "--write-timeout", "60s", "--sse-keep-alive", "300ms"];

/// A server with a stream of such a record, and an event stream of it that nobody reads.
fn crowded(flags: &[&str]) -> (Server, Conn) {
    let server = Launch::new(Storage::Sled).flags(&FLAGS).flags(flags).start();
    server.create_json("large");
    server.append_json("large", &record(RECORD));
    let mut stalled = server.connect();
    let request = "GET /v1/stream/large?offset=-1&live=sse HTTP/1.1\r\nHost: x\r\n\r\n";
    stalled.write(request.as_bytes()).unwrap();
    wait::until("the room to be taken", || {
        (server.sample("headwater_read_bytes_held") > 12e6).then_some(())
    });
    (server, stalled)
}

fn record(bytes: usize) -> String {
    format!("\"{}\"", "x".repeat(bytes))
}

const FORMS: [&str; 2] = ["", "&records=true"];

#[test]
fn a_long_poll_waits_for_room_no_longer_than_for_news() {
    let (server, stalled) = crowded(&["--long-poll-timeout", "2s"]);
    for form in FORMS {
        let query = format!("offset=-1&live=long-poll{form}");
        let refused = server.get("large", &query).send().expect_error(503, "overloaded");
        assert!(refused.header("Retry-After").is_some());
        assert_eq!(refused.json()["error"]["limit"], "bytes_read");
        // At the tail nothing is wanting, until something comes that there is no room for.
        let query = format!("offset=now&live=long-poll{form}");
        server.get("large", &query).send().expect(204);
        wait::until("a poll that waits for room when its time is up", || {
            let poll = server.get("large", &query).start();
            wait::until("it to wait", || {
                (server.sample("headwater_long_poll_waiters") > 0.0).then_some(())
            });
            // Too large to be kept for live readers, and for the room that is left.
            server.append_json("large", &record(1 << 20));
            let answer = poll.finish();
            // Its time may have been up before the record was there.
            (answer.status() != 204).then(|| answer.expect_error(503, "overloaded"))
        });
    }
    drop(stalled);
    wait::until("room", || {
        let reply = server.get("large", "offset=-1&live=long-poll").send();
        (reply.status() == 200).then_some(())
    });
}

#[test]
fn an_event_stream_that_waits_for_room_is_answered_and_kept_alive() {
    for form in FORMS {
        let (server, stalled) = crowded(&[]);
        let mut waiting = server.get("large", &format!("offset=-1&live=sse{form}")).events();
        waiting.wait_for_comment();
        waiting.wait_for_comment();
        let status = server.operate("/v1/admin/status").send().expect(200).json();
        assert_eq!(status["requestsInFlight"], 0);
        drop(stalled);
        let (data, control) = waiting.next_data();
        assert!(data.data.len() > RECORD);
        assert!(control.up_to_date());
    }
}

#[test]
fn an_event_stream_that_waits_for_room_ends_as_any_other() {
    for form in FORMS {
        let (server, _stalled) = crowded(&["--drain-timeout", "500ms"]);
        let read = || server.get("large", &format!("offset=-1&live=sse{form}")).events();
        let mut waiting = read();
        waiting.wait_for_comment();
        server.delete("large").send().expect(204);
        assert!(waiting.until_end().is_empty());
        server.create_json("large");
        server.append_json("large", &record(RECORD));
        let mut waiting = read();
        waiting.wait_for_comment();
        server.terminate();
        assert!(waiting.until_end().is_empty());
    }
}

#[test]
fn an_event_stream_that_waits_for_room_ends_of_old_age() {
    for form in FORMS {
        let (server, _stalled) = crowded(&["--sse-max-age", "2s"]);
        let mut waiting = server.get("large", &format!("offset=-1&live=sse{form}")).events();
        assert!(waiting.until_end().is_empty());
        assert!(!waiting.comments().is_empty());
    }
}
