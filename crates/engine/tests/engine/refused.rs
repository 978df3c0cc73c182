//! What is refused leaves nothing behind: no stale memory, no admitted bytes that nobody holds, no lost use, no answer of
//! somebody else's failure.

use std::sync::Arc;

use headwater_core::command::Create;
use headwater_core::record::RECORD_BYTES;
use headwater_core::storage::Refusal;
use headwater_core::{Code, Expiry};
use headwater_engine::{Engine, Options, Start};
use headwater_storage::memory::MemoryStorage;
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::Stage;

use crate::support::{
    append, contents, create, engine_on, fork_of, json, key, options, stream_of, text, until,
    within,
};

fn faulty() -> Arc<Faulty> {
    Faulty::over(Arc::new(MemoryStorage::new()))
}

/// Waits until so many units are on their way.
async fn decided(engine: &Engine, units: usize) {
    until(async || engine.waiting() == units).await;
}

/// A creation falls with the append it was decided on. The deletion it was decided on as well is still to be handed over;
/// its stream must not be taken from storage, where it still lives, before that.
#[tokio::test]
async fn a_deletion_stays_true_when_what_was_decided_on_it_falls() {
    let faulty = faulty();
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, options());
    for path in ["x", "z"] {
        create(&engine, path, stream_of("text/plain")).await.unwrap();
    }
    append(&engine, "z", text("old")).await.unwrap();
    faulty.hold(Stage::Unwritten);
    faulty.conflict_on(0);
    let appender = engine.clone();
    let appended = tokio::spawn(async move { append(&appender, "x", text("1")).await });
    within(faulty.held(1)).await;
    let deleter = engine.clone();
    let deleted = tokio::spawn(async move { deleter.delete(&key("z")).await });
    decided(&engine, 2).await;
    let creator = engine.clone();
    let created = tokio::spawn(async move { create(&creator, "z", fork_of("x", None, 0)).await });
    decided(&engine, 3).await;
    faulty.hold_loads();
    faulty.pass();
    within(faulty.loads_held(2)).await;
    faulty.release_loads();
    faulty.release();
    within(appended).await.unwrap().unwrap();
    within(deleted).await.unwrap().unwrap();
    let created = within(created).await.unwrap();
    // Whichever came first in the end: what was deleted is not there.
    match created {
        Ok(fork) => {
            assert!(fork.origin.is_some());
            let there = engine.head(&key("z")).await;
            assert!(there.is_err() || contents(&engine, "z").await != "old");
        }
        Err(error) => {
            assert_eq!(error.code(), Code::ConfigMismatch);
            assert!(engine.head(&key("z")).await.is_err(), "what was deleted is there");
        }
    }
}

#[tokio::test]
async fn bytes_stay_admitted_while_they_are_in_memory_although_nobody_waits() {
    let faulty = faulty();
    let few = Options { in_flight_bytes: 100, ..options() };
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, few);
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    faulty.hold(Stage::Unwritten);
    let sixty = "x".repeat(60);
    for units in [1, 2] {
        let (engine, body) = (engine.clone(), text(&sixty[..30]));
        let waits = tokio::spawn({
            let engine = engine.clone();
            async move { append(&engine, "s", body).await }
        });
        decided(&engine, units).await;
        waits.abort();
        assert!(waits.await.unwrap_err().is_cancelled());
    }
    let error = append(&engine, "s", text(&sixty)).await.unwrap_err();
    assert_eq!(error.code(), Code::Overloaded);
    faulty.release();
    decided(&engine, 0).await;
    append(&engine, "s", text(&sixty)).await.unwrap();
    assert_eq!(contents(&engine, "s").await.len(), 120);
}

#[tokio::test]
async fn a_batch_is_admitted_with_the_table_of_its_records() {
    let few = Options { in_flight_bytes: 100 * RECORD_BYTES, ..options() };
    let (engine, _clock) = engine_on(Arc::new(MemoryStorage::new()), few);
    create(&engine, "s", stream_of("application/json")).await.unwrap();
    let values = |count: usize| json(&format!("[{}1]", "1,".repeat(count - 1)));
    append(&engine, "s", values(50)).await.unwrap();
    let error = append(&engine, "s", values(101)).await.unwrap_err();
    assert_eq!(error.code(), Code::TooLarge, "it would never fit");
    let first = Create { body: values(101).body, ..stream_of("application/json") };
    let error = create(&engine, "new", first).await.unwrap_err();
    assert_eq!(error.code(), Code::TooLarge);
    assert_eq!(contents(&engine, "s").await, "1,".repeat(50));
}

#[tokio::test]
async fn who_only_looks_is_not_told_that_the_disk_is_full() {
    let faulty = faulty();
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, options());
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    faulty.hold(Stage::Unwritten);
    let writer = engine.clone();
    let written = tokio::spawn(async move { append(&writer, "s", text("x")).await });
    within(faulty.held(1)).await;
    let looker = engine.clone();
    let looked = tokio::spawn(async move { looker.read(&key("s"), Start::Beginning).await });
    let opener = engine.clone();
    let opened =
        tokio::spawn(async move { opener.tail(&key("s"), Start::Beginning).await.map(drop) });
    tokio::task::yield_now().await;
    faulty.refuse(Refusal::Full);
    faulty.release();
    assert_eq!(within(written).await.unwrap().unwrap_err().code(), Code::StorageFull);
    assert!(within(looked).await.unwrap().unwrap().chunks.is_empty());
    within(opened).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_refused_append_takes_no_earlier_use_with_it() {
    let faulty = faulty();
    let (engine, clock) = engine_on(Arc::clone(&faulty) as _, options());
    let short =
        headwater_core::command::Create { expiry: Expiry::Ttl(20), ..stream_of("text/plain") };
    create(&engine, "s", short).await.unwrap();
    clock.pass(4_000);
    engine.read(&key("s"), Start::Beginning).await.unwrap();
    faulty.refuse(Refusal::Full);
    append(&engine, "s", text("x")).await.unwrap_err();
    faulty.accept();
    clock.pass(17_000);
    engine.head(&key("s")).await.expect("it was used 17 seconds ago, and lives 20");
    clock.pass(4_000);
    until(async || engine.head(&key("s")).await.is_err()).await;
}

/// The window of a stream with a live reader is refreshed by upkeep. While upkeep hangs on a slow sync, the stream is in
/// use all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_reader_joins_while_upkeep_waits_for_a_sync() {
    let faulty = faulty();
    let (engine, clock) = engine_on(Arc::clone(&faulty) as _, options());
    let ttl = |seconds| headwater_core::command::Create {
        expiry: Expiry::Ttl(seconds),
        ..stream_of("text/plain")
    };
    create(&engine, "watched", ttl(40)).await.unwrap();
    create(&engine, "used", ttl(4)).await.unwrap();
    let first = engine.tail(&key("watched"), Start::Now).await.unwrap();
    engine.read(&key("used"), Start::Beginning).await.unwrap();
    faulty.hold(Stage::Unwritten);
    clock.pass(1_500);
    within(faulty.held(1)).await;
    clock.pass(50_000);
    let second = within(engine.tail(&key("watched"), Start::Now)).await.unwrap();
    faulty.release();
    drop((first, second));
}
