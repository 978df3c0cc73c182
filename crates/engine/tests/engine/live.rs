//! Live tails: nothing is lost, nothing comes twice, whoever is slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt;
use headwater_core::command::{Append, Body, Closing};
use headwater_core::storage::StorageError;
use headwater_engine::{End, Options, Start, Step};
use headwater_storage::memory::MemoryStorage;
use headwater_storage::testkit::Faulty;

use crate::fleets::fleets;
use crate::support::{
    append, contents, create, engine, engine_on, follow, key, options, stream_of, text, within,
};

#[tokio::test]
async fn the_first_step_tells_where_one_stands_and_the_next_waits() {
    for fleet in fleets(&options()) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        let mut tail = fleet.any().tail(&key("s"), Start::Beginning).await.unwrap();
        let Step::Delivery(first) = within(tail.next()).await.unwrap() else { panic!() };
        assert!(first.pieces.is_empty());
        let waiting = tokio::spawn(async move { follow(&mut tail, 3).await });
        append(fleet.any(), "s", text("abc")).await.unwrap();
        assert_eq!(within(waiting).await.unwrap(), "abc");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_join_at_any_time_see_every_byte_once() {
    // A ring far smaller than the stream, so that readers fall behind it and rejoin.
    let small = Options { tail_bytes: 64, page_bytes: 100, ..options() };
    for fleet in fleets(&small) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        let lines: Vec<String> = (0..600).map(|n| format!("{n}\n")).collect();
        let total: usize = lines.iter().map(String::len).sum();
        let mut readers = Vec::new();
        for (n, line) in lines.iter().enumerate() {
            if n % 30 == 0 {
                let mut tail = fleet.any().tail(&key("s"), Start::Beginning).await.unwrap();
                readers.push(tokio::spawn(async move { follow(&mut tail, total).await }));
            }
            append(fleet.any(), "s", text(line)).await.unwrap();
        }
        let expected = lines.concat();
        for reader in readers {
            assert_eq!(within(reader).await.unwrap(), expected);
        }
        assert_eq!(contents(fleet.any(), "s").await, expected);
    }
}

#[tokio::test]
async fn a_commit_is_encoded_once_for_all_readers() {
    let (engine, _clock) = engine();
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    let mut tails = Vec::new();
    for _ in 0..50 {
        let mut tail = engine.tail(&key("s"), Start::Now).await.unwrap();
        assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
        tails.push(tail);
    }
    append(&engine, "s", text("payload")).await.unwrap();
    let encodings = AtomicUsize::new(0);
    for tail in &mut tails {
        let Step::Delivery(delivery) = within(tail.next()).await.unwrap() else { panic!() };
        for piece in &delivery.pieces {
            let wire = piece.encoded(|bytes| {
                encodings.fetch_add(1, Ordering::Relaxed);
                Bytes::from([b"data:", bytes.as_ref()].concat())
            });
            assert_eq!(wire, "data:payload");
        }
    }
    assert_eq!(encodings.load(Ordering::Relaxed), 1);
}

/// Who hears of news and has what came gets the same when it asks all the same, and waits again if it asks no more of it.
#[tokio::test]
async fn news_is_told_before_it_is_delivered_and_takes_nothing_away() {
    for fleet in fleets(&options()) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        let mut tail = fleet.any().tail(&key("s"), Start::Now).await.unwrap();
        assert_eq!(within(tail.news()).await.unwrap().tail.position, 0, "nobody told it yet");
        assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
        assert!(tail.news().now_or_never().is_none(), "given up, and nothing is lost by that");
        append(fleet.any(), "s", text("abc")).await.unwrap();
        for _ in 0..2 {
            assert_eq!(within(tail.news()).await.unwrap().tail.position, 3);
        }
        let Step::Delivery(delivery) = within(tail.next()).await.unwrap() else { panic!() };
        assert_eq!((delivery.state.tail.position, delivery.to(0)), (3, 3));
        tail.advance(3);
        assert!(tail.news().now_or_never().is_none());
        fleet.any().drain();
        let ended = within(tail.news()).await;
        assert!(matches!(ended, Err(End::Draining)), "{ended:?}");
    }
}

#[tokio::test]
async fn what_was_held_back_comes_again() {
    for fleet in fleets(&options()) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        let mut tail = fleet.any().tail(&key("s"), Start::Now).await.unwrap();
        assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
        append(fleet.any(), "s", text("abc")).await.unwrap();
        let Step::Delivery(first) = within(tail.next()).await.unwrap() else { panic!() };
        assert_eq!(first.to(0), 3);
        tail.advance(2);
        append(fleet.any(), "s", text("def")).await.unwrap();
        assert_eq!(follow(&mut tail, 4).await, "cdef");
    }
}

#[tokio::test]
async fn data_that_comes_with_a_close_is_delivered_with_it() {
    for fleet in fleets(&options()) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        let mut tail = fleet.any().tail(&key("s"), Start::Now).await.unwrap();
        assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
        append(fleet.any(), "s", Append { closing: Closing::Close, ..text("end") }).await.unwrap();
        let Step::Delivery(last) = within(tail.next()).await.unwrap() else { panic!() };
        assert_eq!(last.to(0), 3);
        assert!(last.state.closed.is_some());

        create(fleet.any(), "t", stream_of("text/plain")).await.unwrap();
        let mut tail = fleet.any().tail(&key("t"), Start::Now).await.unwrap();
        assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
        let close = Append { closing: Closing::Close, body: Body::Empty, ..text("") };
        append(fleet.any(), "t", close).await.unwrap();
        let Step::Delivery(last) = within(tail.next()).await.unwrap() else { panic!() };
        assert!(last.pieces.is_empty() && last.state.closed.is_some());
    }
}

#[tokio::test]
async fn deletion_and_drain_end_a_tail_and_drain_refuses_new_ones() {
    let (engine, _clock) = engine();
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    let mut tail = engine.tail(&key("s"), Start::Now).await.unwrap();
    assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
    engine.delete(&key("s")).await.unwrap();
    assert!(matches!(within(tail.next()).await.unwrap(), Step::End(End::Deleted)));

    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    let mut tail = engine.tail(&key("s"), Start::Now).await.unwrap();
    engine.drain();
    assert!(matches!(within(tail.next()).await.unwrap(), Step::End(End::Draining)));
    assert!(engine.tail(&key("s"), Start::Now).await.is_err());
    append(&engine, "s", text("still accepted")).await.unwrap();
    engine.shutdown().await.unwrap();
    assert!(append(&engine, "s", text("not any more")).await.is_err());
}

/// A reader that joins others just after an append must not be told of the state before it: it would stand at the tail
/// and never hear that it has everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_after_an_acknowledged_append_stands_at_its_end() {
    for (fleet, rounds) in fleets(&options()).into_iter().zip([3_000, 1_000, 300]) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        let _other = fleet.any().tail(&key("s"), Start::Now).await.unwrap();
        for _ in 0..rounds {
            let appended = append(fleet.any(), "s", text("x")).await.unwrap();
            let mut tail = fleet.any().tail(&key("s"), Start::Now).await.unwrap();
            assert_eq!(tail.position(), appended.state.tail.position);
            let Step::Delivery(first) = within(tail.next()).await.unwrap() else { panic!() };
            assert_eq!(first.state.tail.position, tail.position());
        }
    }
}

/// Tiny records cost far more than their bytes, in memory and on the wire; what is kept of them is measured by that, and they are joined
/// when they are older, so that there are thousands.
#[tokio::test]
async fn tiny_records_fill_the_ring_by_what_they_cost_and_are_joined() {
    const RECORDS: usize = 5_000;
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let small = Options { tail_bytes: 64 * 1024, ..options() };
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, small);
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    let mut tail = engine.tail(&key("s"), Start::Now).await.unwrap();
    assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
    let mut witness = engine.tail(&key("s"), Start::Now).await.unwrap();
    let mut offsets = Vec::new();
    for _ in 0..RECORDS {
        let state = append(&engine, "s", text("x")).await.unwrap().state;
        offsets.push(state.tail_offset());
    }
    // Readers are told after the writer: the last record is in the ring when one of them has it.
    follow(&mut witness, RECORDS).await;
    let back = |records: usize| Start::At(offsets[RECORDS - 1 - records]);
    let mut near = engine.tail(&key("s"), back(1_000)).await.unwrap();
    let mut far = engine.tail(&key("s"), back(4_900)).await.unwrap();
    faulty.fail_reads(StorageError::Unavailable("a test said so".into()));
    let Step::Delivery(part) = within(near.next()).await.unwrap() else { panic!() };
    assert!((30..150).contains(&part.pieces.len()), "{}", part.pieces.len());
    assert_eq!(part.to(near.position()), RECORDS as u64);
    let bytes: usize = part.pieces.iter().map(|piece| piece.bytes.len()).sum();
    assert_eq!((part.state.tail.position, bytes), (RECORDS as u64, 1_000));
    assert!(
        within(far.next()).await.is_err(),
        "64 KiB hold five thousand records and their wire forms"
    );
    faulty.heal_reads();
    assert_eq!(follow(&mut far, 4_900).await.len(), 4_900);
    assert_eq!(follow(&mut tail, RECORDS).await, "x".repeat(RECORDS));
}

/// A commit that alone is larger than the ring is not kept for those who may come, and reaches everyone in pages.
#[tokio::test]
async fn a_commit_larger_than_the_ring_is_read_from_storage() {
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let small = Options { tail_bytes: 16 * 1024, page_bytes: 10_000, ..options() };
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, small);
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    let mut tail = engine.tail(&key("s"), Start::Now).await.unwrap();
    assert!(matches!(within(tail.next()).await.unwrap(), Step::Delivery(_)));
    let (large, little) = ("l".repeat(25_000), "little");
    append(&engine, "s", text(&large)).await.unwrap();
    faulty.fail_reads(StorageError::Unavailable("a test said so".into()));
    assert!(within(tail.next()).await.is_err());
    faulty.heal_reads();
    for expected in [10_000, 10_000, 5_000] {
        let Step::Delivery(page) = within(tail.next()).await.unwrap() else { panic!() };
        assert_eq!(page.to(tail.position()) - tail.position(), expected);
        tail.advance(page.to(tail.position()));
    }
    append(&engine, "s", text(little)).await.unwrap();
    faulty.fail_reads(StorageError::Unavailable("a test said so".into()));
    assert_eq!(follow(&mut tail, little.len()).await, little);
}
