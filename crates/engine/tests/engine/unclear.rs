//! Two engines over one memory: a unit that was reported as unknown, and one that is decided on the past.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::Code;
use headwater_engine::{Start, Step};
use headwater_storage::memory::SharedMemory;
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::Aftermath;

use crate::support::{append, contents, create, engine_on, key, options, stream_of, text, within};

/// An engine forgot what it believed about such a stream, and nobody told it to look again: its own live readers heard of
/// the append with the next one, perhaps never.
#[tokio::test]
async fn live_readers_at_the_same_engine_are_told_of_what_took_effect_unreported() {
    for aftermath in [Aftermath::Applied, Aftermath::Late] {
        let shared = SharedMemory::new();
        let faulty = Faulty::over(Arc::new(shared.attach()));
        let (near, _clock) = engine_on(Arc::clone(&faulty) as _, options());
        let (far, _clock) = engine_on(Arc::new(shared.attach()), options());
        create(&near, "s", stream_of("text/plain")).await.unwrap();
        let mut tails = Vec::new();
        for engine in [&near, &far] {
            let mut tail = within(engine.tail(&key("s"), Start::Now)).await.unwrap();
            assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
            tails.push(tail);
        }
        faulty.unknown_on(0, aftermath);
        let refused = append(&near, "s", text("abc")).await.unwrap_err();
        assert_eq!(refused.code(), Code::UnknownOutcome);
        faulty.settle().await;
        for mut tail in tails {
            let Step::Delivery(news) = within(tail.next()).await.unwrap() else {
                panic!("the stream has not ended")
            };
            assert_eq!(news.state.tail.position, 3, "{aftermath:?}");
        }
        assert_eq!(contents(&near, "s").await, "abc");
    }
}

/// Deciding anew at once two hundred times took six milliseconds, and then the append was given up.
#[tokio::test]
async fn an_append_that_is_decided_on_the_past_waits_for_the_present() {
    let shared = SharedMemory::new();
    let handle = Arc::new(shared.attach());
    let (behind, _clock) = engine_on(Arc::clone(&handle) as _, options());
    let (ahead, _clock) = engine_on(Arc::new(shared.attach()), options());
    create(&ahead, "s", stream_of("text/plain")).await.unwrap();
    append(&behind, "s", text("a")).await.unwrap();
    handle.hold_back();
    append(&ahead, "s", text("b")).await.unwrap();
    let mut appending = Box::pin(append(&behind, "s", text("c")));
    // Time for many decisions, and a fraction of what an append waits.
    let waiting = tokio::time::timeout(Duration::from_millis(50), &mut appending).await;
    assert!(waiting.is_err(), "it was given up: {waiting:?}");
    handle.follow();
    within(appending).await.unwrap();
    assert_eq!(contents(&ahead, "s").await, "abc");
}
