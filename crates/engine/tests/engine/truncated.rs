//! Truncation: what is given up is refused to every reader, what is left and what forks inherited is read.

use std::sync::Arc;

use headwater_core::{AccessError, Offset, OffsetError};
use headwater_engine::{Engine, Failure, Options, Start, Step};
use headwater_storage::memory::MemoryStorage;
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::Stage;

use crate::fleets::fleets;
use crate::support::{
    append, contents, create, engine, engine_on, follow, fork_of, json, key, options, stream_of,
    text, within,
};

const EXPIRED: Failure<AccessError> = Failure::Refused(AccessError::Offset(OffsetError::Expired));

/// A text stream `s` of three records of two bytes, and its offsets.
async fn three(engine: &Engine) -> Vec<Offset> {
    let state = create(engine, "s", stream_of("text/plain")).await.unwrap();
    let mut offsets = vec![state.tail_offset()];
    for record in ["ab", "cd", "ef"] {
        offsets.push(append(engine, "s", text(record)).await.unwrap().state.tail_offset());
    }
    offsets
}

#[tokio::test]
async fn every_read_below_the_floor_is_refused_and_the_rest_is_there() {
    for fleet in fleets(&options()) {
        let at = three(fleet.any()).await;
        let state = fleet.any().truncate(&key("s"), at[2]).await.unwrap();
        assert_eq!((state.floor.position, state.floor.sequence), (4, 2), "{}", fleet.name);
        assert_eq!(contents(fleet.any(), "s").await, "ef");
        for (start, expected) in [
            (Start::At(Offset::START), Ok(4)),
            (Start::At(at[2]), Ok(4)),
            (Start::At(at[3]), Ok(6)),
            (Start::Last(9), Ok(4)),
            (Start::Now, Ok(6)),
            (Start::At(at[0]), Err(EXPIRED)),
            (Start::At(at[1]), Err(EXPIRED)),
        ] {
            let page = fleet.any().read(&key("s"), start).await.map(|page| page.from);
            assert_eq!(page, expected, "{} {start:?}", fleet.name);
            let page = fleet.any().read_records(&key("s"), start).await.map(|page| page.from);
            assert_eq!(page, expected, "{} {start:?}, records", fleet.name);
            let tail = fleet.any().tail(&key("s"), start).await.map(|tail| tail.position());
            assert_eq!(tail, expected, "{} {start:?}, live", fleet.name);
        }
    }
}

#[tokio::test]
async fn a_truncation_that_was_made_is_answered_again_and_others_are_refused() {
    for fleet in fleets(&options()) {
        let at = three(fleet.any()).await;
        let truncate = async |offset| {
            let state = fleet.any().truncate(&key("s"), offset).await;
            state.map(|state| state.floor.position)
        };
        let refused = |error| Err(Failure::Refused(AccessError::Offset(error)));
        let inside = fleet.any().head(&key("s")).await.unwrap().ranges.offset(3);
        assert_eq!(truncate(inside).await, refused(OffsetError::Unaligned));
        assert_eq!(truncate(at[1]).await, Ok(2));
        assert_eq!(truncate(at[1]).await, Ok(2));
        assert_eq!(truncate(at[0]).await, Ok(2));
        assert_eq!(truncate(at[3]).await, Ok(6));
        assert_eq!(contents(fleet.any(), "s").await, "");
        append(fleet.any(), "s", text("gh")).await.unwrap();
        assert_eq!(contents(fleet.any(), "s").await, "gh");
        let missing = fleet.any().truncate(&key("none"), Offset::START).await.unwrap_err();
        assert_eq!(missing, Failure::Refused(AccessError::NotFound));
    }
}

#[tokio::test]
async fn forks_keep_what_they_inherited() {
    for fleet in fleets(&options()) {
        let at = three(fleet.any()).await;
        create(fleet.any(), "before", fork_of("s", Some(at[2]), 0)).await.unwrap();
        fleet.any().truncate(&key("s"), at[3]).await.unwrap();
        create(fleet.any(), "after", fork_of("s", None, 0)).await.unwrap();
        assert_eq!(contents(fleet.any(), "before").await, "abcd");
        assert_eq!(contents(fleet.any(), "after").await, "");
        let expired = create(fleet.any(), "too-late", fork_of("s", Some(at[1]), 0)).await;
        assert_eq!(expired.unwrap_err().code().as_str(), "offset_expired");
        fleet.any().truncate(&key("before"), at[1]).await.unwrap();
        assert_eq!(contents(fleet.any(), "before").await, "cd");
    }
}

#[tokio::test]
async fn a_live_reader_goes_on_behind_the_floor_and_ends_before_it() {
    let (engine, _clock) = engine();
    let at = three(&engine).await;
    let mut behind = engine.tail(&key("s"), Start::Beginning).await.unwrap();
    let mut ahead = engine.tail(&key("s"), Start::At(at[2])).await.unwrap();
    let mut records = engine.tail(&key("s"), Start::Beginning).await.unwrap();
    assert_eq!(follow(&mut ahead, 2).await, "ef");
    engine.truncate(&key("s"), at[2]).await.unwrap();
    append(&engine, "s", text("gh")).await.unwrap();
    assert_eq!(within(behind.next()).await.unwrap_err(), EXPIRED);
    assert_eq!(within(records.next_records()).await.unwrap_err(), EXPIRED);
    assert_eq!(follow(&mut ahead, 2).await, "gh");
}

/// Storage lets go of the bytes before it reports the truncation.
#[tokio::test]
async fn readers_that_meet_a_truncation_wait_until_it_is_durable() {
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let small = Options { page_bytes: 4, ..options() };
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, small);
    create(&engine, "s", stream_of("application/json")).await.unwrap();
    let large = format!("\"{}\"", "x".repeat(40_000));
    let middle = append(&engine, "s", json(&large)).await.unwrap().state.tail_offset();
    let last = append(&engine, "s", json(&large)).await.unwrap().state.tail_offset();
    append(&engine, "s", json("[1,2,3,4,5,6]")).await.unwrap();
    let mut tail = engine.tail(&key("s"), Start::At(middle)).await.unwrap();
    faulty.hold(Stage::Unreported);
    let truncating = tokio::spawn({
        let engine = engine.clone();
        async move { engine.truncate(&key("s"), last).await }
    });
    within(faulty.held(1)).await;
    let reading = tokio::spawn({
        let engine = engine.clone();
        async move { engine.read(&key("s"), Start::At(middle)).await }
    });
    let following = tokio::spawn(async move { tail.next().await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!reading.is_finished(), "answered before the truncation was reported");
    faulty.release();
    let page = within(reading).await.unwrap().map(|page| page.to);
    assert_eq!(page.unwrap_err(), EXPIRED);
    match within(following).await.unwrap() {
        Err(error) => assert_eq!(error, EXPIRED),
        // It was quicker than the truncation, and was given what was there.
        Ok(Step::Delivery(delivery)) => assert!(!delivery.pieces.is_empty()),
        Ok(Step::End(end)) => panic!("{end:?}"),
    }
    within(truncating).await.unwrap().unwrap();
}
