//! A commit that takes its time: whatever depends on it waits, and nothing is said before it is durable.

use headwater_storage::testkit::faulty::Stage;

use crate::rig::{Events, Pending, Rig};

const TEXT: &str = "Content-Type: text/plain\r\n";
const PRODUCER: &str = "Producer-Id: p\r\nProducer-Epoch: 0\r\nProducer-Seq: 0\r\n";

/// A stream with `base` in it, a commit of `news` that is held, and everything that depends on it.
struct Held {
    writer: Pending,
    at_tail: Pending,
    whole: Pending,
    head: Pending,
    conflict: Pending,
    duplicate: Pending,
    mismatch: Pending,
    events: Events,
}

impl Held {
    async fn start(rig: &Rig, stage: Stage) -> Self {
        let made = rig.call("PUT", "s", TEXT, "base").await.expect(201);
        let tail = made.header("stream-next-offset").unwrap();
        rig.faulty.hold(stage);
        let append = format!("{TEXT}{PRODUCER}Stream-Seq: 5\r\n");
        let writer = rig.begin("POST", "s", &append, "news");
        rig.faulty.held(1).await;
        Self {
            writer,
            at_tail: rig.begin("GET", &format!("s?offset={tail}"), "", ""),
            whole: rig.begin("GET", "s", "", ""),
            head: rig.begin("HEAD", "s", "", ""),
            conflict: rig.begin("POST", "s", &format!("{TEXT}Stream-Seq: 1\r\n"), "x"),
            duplicate: rig.begin("POST", "s", &append, "news"),
            mismatch: rig.begin("PUT", "s", "Content-Type: a/b\r\n", ""),
            events: rig.events("s?offset=-1&live=sse").await,
        }
    }

    fn requests(&self) -> [&Pending; 7] {
        [
            &self.writer,
            &self.at_tail,
            &self.whole,
            &self.head,
            &self.conflict,
            &self.duplicate,
            &self.mismatch,
        ]
    }

    async fn expect_waiting(&mut self) {
        // All run side by side, so watching one is watching all.
        self.events.expect_waiting().await;
        for request in self.requests() {
            request.expect_no_answer_yet();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_waits_for_a_commit_that_is_held_and_is_answered_after_it() {
    for stage in [Stage::Unwritten, Stage::Unreported] {
        let rig = Rig::start().await;
        let mut held = Held::start(&rig, stage).await;
        held.expect_waiting().await;
        rig.faulty.release();
        let written = held.writer.finish().await.expect(200);
        let after = written.header("stream-next-offset").unwrap();
        assert_eq!(held.at_tail.finish().await.expect(200).body, "news");
        assert_eq!(held.whole.finish().await.expect(200).body, "basenews");
        let head = held.head.finish().await.expect(200);
        assert_eq!(head.header("stream-next-offset"), Some(after));
        held.conflict.finish().await.expect_error(409, "stream_seq_regression");
        let duplicate = held.duplicate.finish().await.expect(204);
        assert_eq!(duplicate.header("stream-next-offset"), Some(after));
        held.mismatch.finish().await.expect_error(409, "config_mismatch");
        held.events.until("data:basenews\n\nid: ").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn live_readers_see_nothing_of_a_commit_that_is_held() {
    let rig = Rig::start().await;
    rig.call("PUT", "s", TEXT, "base").await.expect(201);
    let mut events = rig.events("s?offset=-1&live=sse").await;
    events.until("\"upToDate\":true").await;
    let mut waiting = rig.begin("GET", "s?offset=now&live=long-poll", "", "");
    waiting.expect_waiting().await;
    for stage in [Stage::Unwritten, Stage::Unreported] {
        rig.faulty.hold(stage);
        let mut writer = rig.begin("POST", "s", TEXT, "news");
        rig.faulty.held(1).await;
        writer.expect_waiting().await;
        waiting.expect_waiting().await;
        events.expect_waiting().await;
        rig.faulty.release();
        writer.finish().await.expect(204);
        assert_eq!(waiting.finish().await.expect(200).body, "news");
        events.until("data:news\n\nid: ").await;
        events.read.clear();
        waiting = rig.begin("GET", "s?offset=now&live=long-poll", "", "");
        waiting.expect_waiting().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_streams_are_read_meanwhile() {
    let rig = Rig::start().await;
    rig.call("PUT", "s", TEXT, "base").await.expect(201);
    rig.call("PUT", "other", TEXT, "other").await.expect(201);
    rig.faulty.hold(Stage::Unwritten);
    let writer = rig.begin("POST", "s", TEXT, "news");
    rig.faulty.held(1).await;
    assert_eq!(rig.call("GET", "other", "", "").await.expect(200).body, "other");
    rig.faulty.release();
    writer.finish().await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_barrier_acknowledges_nothing_and_every_waiter_is_told() {
    use headwater_storage::testkit::faulty::Aftermath;
    for aftermath in [Aftermath::Lost, Aftermath::Applied] {
        let rig = Rig::start().await;
        let mut held = Held::start(&rig, Stage::Unwritten).await;
        held.expect_waiting().await;
        rig.faulty.fail_barrier(aftermath);
        rig.faulty.release();
        held.head.finish().await.expect(500);
        for request in
            [held.writer, held.at_tail, held.whole, held.conflict, held.duplicate, held.mismatch]
        {
            let answer = request.finish().await.expect_error(500, "unknown_outcome");
            assert!(answer.body.contains("\"outcome\":\"unknown\""), "{answer:?}");
        }
        held.events.until("\"code\":\"unknown_outcome\"").await;
        let later = rig.call("POST", "s", TEXT, "x").await;
        let later = later.expect_error(503, "storage_poisoned");
        assert!(later.header("retry-after").is_some(), "{later:?}");
    }
}
