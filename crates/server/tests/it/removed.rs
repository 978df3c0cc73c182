//! Streams that are deleted under their readers, at the moment when storage has let go of the bytes and has not said so.

use headwater_storage::testkit::faulty::Stage;

use crate::rig::Rig;

const TEXT: &str = "Content-Type: text/plain\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

/// Many pages, and far more than the sockets between server and reader hold.
const APPENDS: usize = 24;

/// What one append brings.
const BYTES: usize = 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_polls_that_lose_the_stream_are_answered_404() {
    for live in ["", "&live=long-poll", "&live=sse"] {
        let rig = Rig::start().await;
        let made = rig.call("PUT", "s", JSON, "1").await.expect(201);
        let middle = made.header("stream-next-offset").unwrap();
        rig.call("POST", "s", JSON, "[2,3]").await.expect(204);
        rig.faulty.hold_reads();
        let reading = rig.begin("GET", &format!("s?offset={middle}{live}"), "", "");
        rig.faulty.reads_held(1).await;
        rig.call("DELETE", "s", "", "").await.expect(204);
        rig.faulty.release_reads();
        reading.finish().await.expect_error(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_that_found_the_stream_and_loses_its_bytes_is_answered_404() {
    let rig = Rig::start().await;
    rig.call("PUT", "s", TEXT, "base").await.expect(201);
    rig.faulty.hold_reads();
    let mut poll = rig.begin("GET", "s?offset=-1&live=long-poll", "", "");
    let events = rig.begin("GET", "s?offset=-1&live=sse", "", "");
    rig.faulty.reads_held(2).await;
    rig.faulty.hold(Stage::Unreported);
    let deleting = rig.begin("DELETE", "s", "", "");
    rig.faulty.held(1).await;
    rig.faulty.release_reads();
    poll.expect_waiting().await;
    events.expect_no_answer_yet();
    rig.faulty.release();
    poll.finish().await.expect_error(404, "not_found");
    events.finish().await.expect_error(404, "not_found");
    deleting.finish().await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_catching_up_end_cleanly() {
    let rig = Rig::start().await;
    rig.call("PUT", "s", TEXT, "").await.expect(201);
    for _ in 0..APPENDS {
        rig.call("POST", "s", TEXT, &"x".repeat(BYTES)).await.expect(204);
    }
    let request = "GET /v1/stream/s?offset=-1&live=sse HTTP/1.1";
    let mut events =
        rig.open(&format!("{request}\r\nHost: test\r\nConnection: close\r\n\r\n")).await;
    events.until("event: control").await;
    rig.faulty.hold(Stage::Unreported);
    let deleting = rig.begin("DELETE", "s", "", "");
    rig.faulty.held(1).await;
    // What was on its way comes; then the reader meets the removal, and waits until it is true.
    events.until_quiet().await;
    rig.faulty.release();
    deleting.finish().await.expect(204);
    events.until_end().await;
    assert!(events.ended_cleanly());
    assert!(!events.read.contains("upToDate"));
    assert!(events.read.len() < APPENDS * BYTES, "all was sent before the deletion");
}
