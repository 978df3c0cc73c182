//! Limits that a test reaches by setting them low, and the end of the server.

use std::time::Duration;

use headwater_core::record::{MAX_RECORDS, RECORD_BYTES};
use headwater_engine::Options;
use headwater_server::{Config, Ending};
use headwater_storage::testkit::faulty::Stage;

use crate::rig::Rig;

const TEXT: &str = "Content-Type: text/plain\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

/// So many values of one byte.
fn values(count: usize) -> String {
    format!("[{}1]", "1,".repeat(count - 1))
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_budget_are_refused_until_there_is_room() {
    let options =
        Options { in_flight_bytes: 100, in_flight_bytes_per_stream: 60, ..Options::default() };
    let rig = Rig::with(Config { max_body_bytes: 60, ..Config::default() }, options).await;
    for stream in ["a", "b", "c"] {
        rig.call("PUT", stream, TEXT, "").await.expect(201);
    }
    rig.faulty.hold(Stage::Unwritten);
    let first = rig.begin("POST", "a", TEXT, &"a".repeat(50));
    rig.faulty.held(1).await;
    let of_stream = rig.call("POST", "a", TEXT, &"a".repeat(20)).await;
    let of_stream = of_stream.expect_error(503, "overloaded");
    assert_eq!(of_stream.header("retry-after"), Some("1"));
    // The second group waits behind the first, and its bytes count from the moment they came.
    let mut second = rig.begin("POST", "b", TEXT, &"b".repeat(45));
    second.expect_waiting().await;
    rig.call("POST", "c", TEXT, &"c".repeat(10)).await.expect_error(503, "overloaded");
    rig.call("POST", "c", TEXT, &"c".repeat(61)).await.expect_error(413, "too_large");
    rig.faulty.release();
    first.finish().await.expect(204);
    second.finish().await.expect(204);
    rig.call("POST", "c", TEXT, &"c".repeat(60)).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_of_tiny_values_count_as_in_flight_until_they_are_committed() {
    // Room for the table of one of the bodies, and for the bytes of many.
    let options = Options { in_flight_bytes: 150 * RECORD_BYTES, ..Options::default() };
    let rig = Rig::with(Config::default(), options).await;
    for stream in ["a", "b"] {
        rig.call("PUT", stream, JSON, "").await.expect(201);
    }
    rig.faulty.hold(Stage::Unwritten);
    let first = rig.begin("POST", "a", JSON, &values(100));
    rig.faulty.held(1).await;
    rig.call("POST", "b", JSON, &values(100)).await.expect_error(503, "overloaded");
    rig.call("PUT", "c", JSON, &values(100)).await.expect_error(503, "overloaded");
    rig.faulty.release();
    first.finish().await.expect(204);
    rig.call("POST", "b", JSON, &values(100)).await.expect(204);
    rig.call("PUT", "c", JSON, &values(100)).await.expect(201);
    // What would not fit at any time is not told to come back.
    rig.call("POST", "b", JSON, &values(200)).await.expect_error(413, "too_large");
    let whole = rig.call("GET", "b", "", "").await.expect(200);
    assert_eq!(whole.body, values(100), "what was refused left nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_values_than_an_append_may_bring_are_refused_and_change_nothing() {
    let rig = Rig::start().await;
    let (most, too_many) = (values(MAX_RECORDS), values(MAX_RECORDS + 1));
    rig.call("PUT", "s", JSON, &most).await.expect(201);
    rig.call("POST", "s", JSON, &too_many).await.expect_error(413, "too_large");
    rig.call("PUT", "new", JSON, &too_many).await.expect_error(413, "too_large");
    rig.call("GET", "new", "", "").await.expect_error(404, "not_found");
    let refused = rig.call("POST", "s", TEXT, &too_many).await;
    refused.expect_error(409, "content_type_mismatch");
    assert_eq!(rig.call("GET", "s", "", "").await.expect(200).body, most);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_arriving_is_given_up() {
    let config = Config { body_timeout: Duration::from_millis(100), ..Config::default() };
    let rig = Rig::with(config, Options::default()).await;
    rig.call("PUT", "s", TEXT, "").await.expect(201);
    let stalled = rig.raw(format!(
        "POST /v1/stream/s HTTP/1.1\r\nHost: test\r\n{TEXT}Content-Length: 8\r\n\
         Connection: close\r\n\r\nhalf"
    ));
    stalled.finish().await.expect_error(408, "timeout");
    assert_eq!(rig.call("GET", "s", "", "").await.expect(200).body, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_arrive_ends_the_connection() {
    let config = Config { head_timeout: Duration::from_millis(100), ..Config::default() };
    let rig = Rig::with(config, Options::default()).await;
    for beginning in ["", "P", "PRI * HT", "GET /v1/stream/s HTTP/1.1\r\nHost: te"] {
        let mut silent = rig.open(beginning).await;
        silent.until_end().await;
        assert_eq!(silent.read, "", "{beginning:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_answers_waiters_and_ends_tails() {
    let rig = Rig::start().await;
    rig.call("PUT", "s", TEXT, "base").await.expect(201);
    let mut events = rig.events("s?offset=-1&live=sse").await;
    events.until("\"upToDate\":true").await;
    let mut waiting = rig.begin("GET", "s?offset=now&live=long-poll", "", "");
    waiting.expect_waiting().await;
    let engine = rig.engine.clone();
    assert_eq!(rig.stop().await, Ending::Answered);
    let answer = waiting.finish().await.expect(204);
    assert_eq!(answer.header("stream-up-to-date"), Some("true"));
    assert_eq!(answer.header("stream-closed"), None);
    events.until_end().await;
    assert!(events.ended_cleanly() && !events.read.contains("streamClosed"), "{}", events.read);
    engine.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_when_draining_is_cut() {
    let config = Config { drain_timeout: Duration::from_millis(100), ..Config::default() };
    let rig = Rig::with(config, Options::default()).await;
    rig.call("PUT", "s", TEXT, "").await.expect(201);
    rig.faulty.hold(Stage::Unwritten);
    let _stuck = rig.begin("POST", "s", TEXT, "x");
    rig.faulty.held(1).await;
    assert_eq!(rig.stop().await, Ending::Cut { connections: 1 });
}
