//! Time: what expires when, and what a clock that is set does not change.

use std::sync::Arc;

use headwater_core::command::{Append, Body, Closing};
use headwater_core::storage::{ListQuery, Storage};
use headwater_core::{AccessError, Expiry, StoreId, Timestamp};
use headwater_engine::{End, Failure, Start, Step};
use headwater_storage::memory::MemoryStorage;

use crate::fleets::fleets;
use crate::support::{
    append, create, engine, engine_on, key, options, text, until, with_expiry, within,
};

const NOT_FOUND: Failure<AccessError> = Failure::Refused(AccessError::NotFound);

#[tokio::test]
async fn reads_and_writes_restart_a_ttl_and_looks_do_not() {
    let (engine, clock) = engine();
    create(&engine, "s", with_expiry(Expiry::Ttl(10))).await.unwrap();
    clock.pass(9_000);
    engine.read(&key("s"), Start::Beginning).await.unwrap();
    clock.pass(9_000);
    append(&engine, "s", text("x")).await.unwrap();
    clock.pass(9_000);
    engine.read(&key("s"), Start::Now).await.unwrap();
    clock.pass(9_000);
    engine.head(&key("s")).await.unwrap();
    clock.pass(1_000);
    assert_eq!(engine.head(&key("s")).await.unwrap_err(), NOT_FOUND);
}

#[tokio::test]
async fn a_repeated_close_is_a_use_as_well() {
    let (engine, clock) = engine();
    create(&engine, "s", with_expiry(Expiry::Ttl(10))).await.unwrap();
    let close = Append { closing: Closing::Close, body: Body::Empty, ..text("") };
    for _ in 0..5 {
        append(&engine, "s", close.clone()).await.unwrap();
        clock.pass(9_000);
    }
    clock.pass(1_000);
    assert_eq!(engine.head(&key("s")).await.unwrap_err(), NOT_FOUND);
}

#[tokio::test]
async fn a_ttl_of_zero_and_a_past_time_are_created_and_gone() {
    for fleet in fleets(&options()) {
        for expiry in
            [Expiry::Ttl(0), Expiry::At(Timestamp(1)), Expiry::At(Timestamp(1_000_000_000))]
        {
            create(fleet.any(), "s", with_expiry(expiry)).await.unwrap();
            assert_eq!(fleet.any().head(&key("s")).await.unwrap_err(), NOT_FOUND, "{expiry:?}");
        }
    }
}

#[tokio::test]
async fn a_clock_that_is_set_forward_ends_nothing_and_time_that_passes_does() {
    for fleet in fleets(&options()) {
        create(fleet.any(), "ttl", with_expiry(Expiry::Ttl(60))).await.unwrap();
        let at = Expiry::At(Timestamp(1_000_060_000));
        create(fleet.any(), "at", with_expiry(at)).await.unwrap();
        fleet.clock.set_wall(2_000_000);
        fleet.clock.pass(59_999);
        for path in ["ttl", "at"] {
            fleet.any().head(&key(path)).await.expect(path);
        }
        fleet.clock.pass(1);
        for path in ["ttl", "at"] {
            assert_eq!(fleet.any().head(&key(path)).await.unwrap_err(), NOT_FOUND, "{path}");
        }
    }
}

#[tokio::test]
async fn a_live_reader_keeps_a_stream_and_its_end_starts_the_window() {
    let (engine, clock) = engine();
    create(&engine, "s", with_expiry(Expiry::Ttl(10))).await.unwrap();
    let mut tail = engine.tail(&key("s"), Start::Now).await.unwrap();
    assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
    for _ in 0..5 {
        clock.pass(9_999);
        engine.head(&key("s")).await.unwrap();
        tokio::task::yield_now().await;
    }
    clock.pass(60_000);
    engine.head(&key("s")).await.expect("still connected");
    drop(tail);
    clock.pass(9_999);
    engine.head(&key("s")).await.expect("the window began when the reader left");
    clock.pass(1);
    assert_eq!(engine.head(&key("s")).await.unwrap_err(), NOT_FOUND);
}

#[tokio::test]
async fn expired_streams_go_by_themselves_and_their_readers_are_told() {
    let storage = Arc::new(MemoryStorage::new());
    let (engine, clock) = engine_on(Arc::clone(&storage) as Arc<dyn Storage>, options());
    for n in 0..1_000 {
        create(&engine, &format!("e/{n}"), with_expiry(Expiry::Ttl(5))).await.unwrap();
    }
    let at = Expiry::At(Timestamp(1_000_005_000));
    create(&engine, "e/read", with_expiry(at)).await.unwrap();
    let mut tail = engine.tail(&key("e/read"), Start::Now).await.unwrap();
    assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
    clock.pass(5_000);
    assert!(matches!(within(tail.next()).await.unwrap(), Step::End(End::Deleted)));
    until(|| async {
        let query = ListQuery {
            store: StoreId::DEFAULT,
            prefix: String::new(),
            after: None,
            limit: 10_000,
        };
        storage.list(query).await.unwrap().is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_restart_begins_every_window_anew_and_saved_uses_are_not_lost() {
    let storage = Arc::new(MemoryStorage::new());
    let (first, _clock) = engine_on(Arc::clone(&storage) as Arc<dyn Storage>, options());
    create(&first, "s", with_expiry(Expiry::Ttl(10))).await.unwrap();
    drop(first);
    // Eleven seconds later, as the new engine's clock has it.
    let clock = crate::support::ManualClock::at(1_000_011);
    let shared: Arc<dyn headwater_engine::Clock> = Arc::clone(&clock) as _;
    let second = headwater_engine::Engine::start(storage, shared, options());
    second.head(&key("s")).await.expect("the window began with the process");
    clock.pass(9_999);
    second.head(&key("s")).await.expect("and lasts as long as any");
    clock.pass(1);
    assert_eq!(second.head(&key("s")).await.unwrap_err(), NOT_FOUND);
}
