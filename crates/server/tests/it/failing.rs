//! Storage that cannot be read or has no room.

use headwater_core::storage::{Refusal, StorageError};

use crate::rig::Rig;

const TEXT: &str = "Content-Type: text/plain\r\n";

/// Many pages, and far more than the sockets between server and reader hold.
const APPENDS: usize = 24;

/// What one append brings.
const BYTES: usize = 1_000_000;

async fn fill(rig: &Rig) {
    rig.call("PUT", "s", TEXT, "").await.expect(201);
    for _ in 0..APPENDS {
        rig.call("POST", "s", TEXT, &"x".repeat(BYTES)).await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_says_so() {
    let rig = Rig::start().await;
    rig.call("PUT", "s", TEXT, "x").await.expect(201);
    rig.faulty.fail_reads(StorageError::Corrupt("a test said so".into()));
    for way in ["", "?offset=-1&live=long-poll", "?offset=-1&live=sse"] {
        let answer = rig.call("GET", &format!("s{way}"), "", "").await;
        let answer = answer.expect_error(500, "corrupt");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{way}");
    }
    rig.faulty.heal_reads();
    assert_eq!(rig.call("GET", "s", "", "").await.expect(200).body, "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_fail_are_broken_off_and_never_ended() {
    let rig = Rig::start().await;
    fill(&rig).await;
    let mut events = rig.events("s?offset=-1&live=sse").await;
    events.until("event: control").await;
    rig.faulty.fail_reads(StorageError::Unavailable("a test said so".into()));
    events.until_end().await;
    assert!(!events.ended_cleanly());
    assert!(!events.read.contains("upToDate"));
    assert!(events.read.len() < APPENDS * BYTES, "all was sent before the fault");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_room_refuses_writes_and_nothing_else() {
    let rig = Rig::start().await;
    rig.call("PUT", "s", TEXT, "base").await.expect(201);
    rig.faulty.refuse(Refusal::Full);
    let refused = rig.call("POST", "s", TEXT, "x").await.expect_error(507, "storage_full");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    rig.call("PUT", "other", TEXT, "").await.expect_error(507, "storage_full");
    assert_eq!(rig.call("GET", "s", "", "").await.expect(200).body, "base");
    rig.faulty.accept();
    rig.call("POST", "s", TEXT, "x").await.expect(204);
    assert_eq!(rig.call("GET", "s", "", "").await.expect(200).body, "basex");
}
