//! Retention: what a stream has beyond its policy goes by itself, and disturbs nobody who is behind it.

use std::num::NonZeroU64;
use std::sync::Arc;

use headwater_core::command::Create;
use headwater_core::retention::{Retention, Wanted};
use headwater_core::{AccessError, Expiry, OffsetError, StreamState};
use headwater_engine::{Engine, Failure, Start};
use headwater_storage::memory::MemoryStorage;

use crate::fleets::fleets;
use crate::support::{
    append, contents, create, engine_on, follow, fork_of, json, key, options, stream_of, text,
    until, with_expiry,
};

fn keeping(bytes: u64, seconds: u64) -> Create {
    let limit = NonZeroU64::new;
    let retention = Wanted::Exactly(Retention { bytes: limit(bytes), seconds: limit(seconds) });
    Create { retention, ..stream_of("text/plain") }
}

async fn state(engine: &Engine, name: &str) -> Arc<StreamState> {
    engine.head(&key(name)).await.unwrap()
}

/// Waits until a stream that ends there keeps so many bytes.
async fn keeps(engine: &Engine, name: &str, tail: u64, bytes: u64) -> Arc<StreamState> {
    until(|| async {
        let state = state(engine, name).await;
        (state.tail.position, state.kept_bytes()) == (tail, bytes)
    })
    .await;
    state(engine, name).await
}

#[tokio::test]
async fn the_oldest_records_go_when_there_are_too_many_bytes() {
    for fleet in fleets(&options()) {
        let engine = fleet.any();
        create(engine, "s", keeping(64, 0)).await.unwrap();
        for number in 0..20 {
            append(engine, "s", text(&format!("record {number:03}"))).await.unwrap();
        }
        let state = keeps(engine, "s", 200, 60).await;
        assert_eq!((state.tail.position, state.tail.sequence), (200, 20), "{}", fleet.name);
        assert_eq!(state.floor.sequence, 14, "{}", fleet.name);
        let left: String = (14..20).map(|number| format!("record {number:03}")).collect();
        assert_eq!(contents(engine, "s").await, left, "{}", fleet.name);
        let early = engine.read(&key("s"), Start::At(state.ranges.offset(130))).await;
        assert_eq!(
            early.map(|page| page.from),
            Err(Failure::Refused(AccessError::Offset(OffsetError::Expired)))
        );
        // A record that is larger than the limit goes too; sequences and offsets go on.
        append(engine, "s", text(&"x".repeat(100))).await.unwrap();
        let state = keeps(engine, "s", 300, 0).await;
        append(engine, "s", text("y")).await.unwrap();
        assert_eq!(contents(engine, "s").await, "y");
        assert_eq!((state.floor.position, state.floor.sequence), (300, 21));
    }
}

#[tokio::test]
async fn records_go_when_they_are_too_old_and_none_before() {
    let (engine, clock) = engine_on(Arc::new(MemoryStorage::new()), options());
    create(&engine, "s", keeping(0, 160)).await.unwrap();
    for number in 0..10 {
        append(&engine, "s", text(&number.to_string())).await.unwrap();
        clock.pass(20_000);
    }
    // At 200 s; those that were made at 0 and 20 s are older than 160, the next one is not.
    let state = keeps(&engine, "s", 10, 8).await;
    assert_eq!(state.floor.sequence, 2);
    assert_eq!(contents(&engine, "s").await, "23456789");
    // Nothing is due before the oldest one, of 40 s, is 170 s old, whatever else happens.
    clock.pass(9_999);
    append(&engine, "s", text("a")).await.unwrap();
    assert_eq!(engine.head(&key("s")).await.unwrap().due().unwrap().0, 1_000_210_000);
    clock.pass(1);
    keeps(&engine, "s", 11, 8).await;
    clock.pass(3_600_000);
    keeps(&engine, "s", 11, 0).await;
    append(&engine, "s", text("b")).await.unwrap();
    assert_eq!(contents(&engine, "s").await, "b");
    // Somebody sets the clock: what was appended is older by that alone, and does not go for it.
    clock.set_wall(9_000_000);
    append(&engine, "s", text("c")).await.unwrap();
    clock.pass(100_000);
    assert_eq!(contents(&engine, "s").await, "bc");
}

#[tokio::test]
async fn who_reads_at_the_tail_is_not_disturbed_and_who_is_overtaken_is_told() {
    let (engine, _) = engine_on(Arc::new(MemoryStorage::new()), options());
    create(&engine, "s", keeping(32, 0)).await.unwrap();
    let mut live = engine.tail(&key("s"), Start::Now).await.unwrap();
    let behind = append(&engine, "s", text("first")).await.unwrap();
    assert_eq!(follow(&mut live, 5).await, "first");
    for number in 0..50 {
        append(&engine, "s", text(&format!("{number:08}"))).await.unwrap();
        assert_eq!(follow(&mut live, 8).await, format!("{number:08}"));
    }
    keeps(&engine, "s", 405, 32).await;
    let late = engine.tail(&key("s"), Start::At(behind.state.tail_offset())).await;
    let expired = Failure::Refused(AccessError::Offset(OffsetError::Expired));
    assert_eq!(late.map(drop), Err(expired));
}

#[tokio::test]
async fn forks_keep_what_they_inherited_and_cut_it_by_their_own_policy() {
    let (engine, _) = engine_on(Arc::new(MemoryStorage::new()), options());
    create(&engine, "s", keeping(64, 0)).await.unwrap();
    for _ in 0..6 {
        append(&engine, "s", text("0123456789")).await.unwrap();
    }
    create(&engine, "same", fork_of("s", None, 0)).await.unwrap();
    let more = Create { retention: keeping(1000, 0).retention, ..fork_of("s", None, 0) };
    create(&engine, "more", more).await.unwrap();
    for _ in 0..6 {
        append(&engine, "s", text("abcdefghij")).await.unwrap();
    }
    keeps(&engine, "s", 120, 60).await;
    assert_eq!(contents(&engine, "s").await, "abcdefghij".repeat(6));
    assert_eq!(contents(&engine, "same").await, "0123456789".repeat(6));
    for _ in 0..3 {
        append(&engine, "same", text("ABCDEFGHIJ")).await.unwrap();
        append(&engine, "more", text("ABCDEFGHIJ")).await.unwrap();
    }
    let state = keeps(&engine, "same", 90, 60).await;
    assert_eq!((state.floor.position, state.floor.sequence), (30, 3));
    assert_eq!(contents(&engine, "same").await, "0123456789".repeat(3) + &"ABCDEFGHIJ".repeat(3));
    assert_eq!(engine.head(&key("more")).await.unwrap().kept_bytes(), 90);
}

#[tokio::test]
async fn values_stay_whole_and_closed_streams_are_cut_too() {
    let (engine, clock) = engine_on(Arc::new(MemoryStorage::new()), options());
    let retention = keeping(16, 60).retention;
    create(&engine, "j", Create { retention, ..stream_of("application/json") }).await.unwrap();
    append(&engine, "j", json("[1,22,333,4444,55555,666666]")).await.unwrap();
    let state = keeps(&engine, "j", 27, 13).await;
    assert_eq!(state.floor.sequence, 4);
    assert_eq!(contents(&engine, "j").await, "55555,666666,");
    let close = headwater_core::command::Append {
        closing: headwater_core::command::Closing::Close,
        ..json("[7]")
    };
    append(&engine, "j", close).await.unwrap();
    clock.pass(64_000);
    let state = keeps(&engine, "j", 29, 0).await;
    assert!(state.closed.is_some() && state.tail.sequence == 7);
}

#[tokio::test]
async fn retention_is_no_use_of_a_stream() {
    let (engine, clock) = engine_on(Arc::new(MemoryStorage::new()), options());
    let retention = keeping(4, 0).retention;
    create(&engine, "s", Create { retention, ..with_expiry(Expiry::Ttl(100)) }).await.unwrap();
    clock.pass(60_000);
    append(&engine, "s", text("0123456789")).await.unwrap();
    let used = state(&engine, "s").await.used_at;
    clock.pass(30_000);
    let state = keeps(&engine, "s", 10, 0).await;
    assert_eq!(state.used_at, used);
    clock.pass(70_000);
    until(|| async { engine.head(&key("s")).await.is_err() }).await;
}

#[tokio::test]
async fn a_space_has_a_policy_for_streams_that_bring_none() {
    let mut set = options();
    set.retention.bytes.elsewhere = NonZeroU64::new(32);
    set.retention.bytes.spaces.insert("a".to_owned(), NonZeroU64::new(1000).unwrap());
    set.retention.seconds.spaces.insert(String::new(), NonZeroU64::new(60).unwrap());
    let (engine, _) = engine_on(Arc::new(MemoryStorage::new()), set);
    let of = async |name: &str, command: Create| {
        let created = create(&engine, name, command.clone()).await.unwrap();
        assert_eq!(create(&engine, name, command).await.unwrap().version(), created.version());
        let Retention { bytes, seconds } = created.retained.as_ref().unwrap().policy.retention;
        (bytes.map_or(0, NonZeroU64::get), seconds.map_or(0, NonZeroU64::get))
    };
    assert_eq!(of("s", stream_of("text/plain")).await, (32, 60));
    assert_eq!(of("a/s", stream_of("text/plain")).await, (1000, 0));
    assert_eq!(of("b/s", stream_of("text/plain")).await, (32, 0));
    assert_eq!(of("a/own", keeping(0, 7)).await, (0, 7));
    assert_eq!(of("a/fork", fork_of("b/s", None, 0)).await, (32, 0));
    for _ in 0..10 {
        append(&engine, "b/s", text("0123456789")).await.unwrap();
    }
    keeps(&engine, "b/s", 100, 30).await;
}
