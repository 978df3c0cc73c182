//! Pages: contiguous, capped, and for JSON never cut inside of a value.

use headwater_core::{AccessError, OffsetError};
use headwater_engine::{Failure, Options, Start};
use headwater_storage::memory::MemoryStorage;
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::Stage;
use std::sync::Arc;

use crate::fleets::fleets;
use crate::parked::parks;
use crate::support::{
    append, contents, create, engine_on, json, key, options, stream_of, text, within,
};

#[tokio::test]
async fn a_page_follows_the_other_and_none_exceeds_the_cap() {
    let small = Options { page_bytes: 100, ..options() };
    for fleet in fleets(&small) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        let expected: String = (0..100).map(|n| format!("record {n}\n")).collect();
        for line in expected.split_inclusive('\n') {
            append(fleet.any(), "s", text(line)).await.unwrap();
        }
        assert_eq!(contents(fleet.any(), "s").await, expected);
        let first = fleet.any().read(&key("s"), Start::Beginning).await.unwrap();
        assert_eq!((first.from, first.to), (0, 100));
        assert!(!first.up_to_date() && !first.at_end());
    }
}

#[tokio::test]
async fn json_pages_end_on_message_boundaries() {
    let small = Options { page_bytes: 20, ..options() };
    for fleet in fleets(&small) {
        create(fleet.any(), "s", stream_of("application/json")).await.unwrap();
        let huge = format!("\"{}\"", "x".repeat(50));
        for body in ["1", "[22,333]", huge.as_str(), "\"1234567\"", "4"] {
            append(fleet.any(), "s", json(body)).await.unwrap();
        }
        let mut pages = Vec::new();
        let mut start = Start::Beginning;
        loop {
            let page = fleet.any().read(&key("s"), start).await.unwrap();
            pages.push(String::from_utf8(page.chunks.concat()).unwrap());
            if page.up_to_date() {
                break;
            }
            start = Start::At(page.next_offset());
        }
        assert_eq!(pages, ["1,22,333,", &format!("{huge},"), "\"1234567\",4,"]);
    }
}

/// Such a page is longer than the cap, so the distance to the tail does not tell that it reaches it.
#[tokio::test]
async fn a_page_of_one_long_last_message_waits_for_what_is_being_committed() {
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let small = Options { page_bytes: 20, ..options() };
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, small);
    create(&engine, "s", stream_of("application/json")).await.unwrap();
    let long = format!("\"{}\"", "x".repeat(50));
    append(&engine, "s", json("1")).await.unwrap();
    let at_long = Start::At(engine.head(&key("s")).await.unwrap().tail_offset());
    append(&engine, "s", json(&long)).await.unwrap();
    let stream = key("s");
    let quiet = engine.read(&stream, at_long).await.unwrap();
    assert_eq!((quiet.from, quiet.to, quiet.up_to_date()), (2, 55, true), "nothing is on its way");

    faulty.hold(Stage::Unwritten);
    let mut appending = Box::pin(append(&engine, "s", json("3")));
    assert!(parks(&mut appending).await.is_none());
    let mut page = Box::pin(engine.read(&stream, at_long));
    assert!(parks(&mut page).await.is_none(), "it would say that there is no more");
    let mut records = Box::pin(engine.read_records(&stream, at_long));
    assert!(parks(&mut records).await.is_none(), "it would say that there is no more");
    faulty.release();
    let (page, records) = (within(page).await.unwrap(), within(records).await.unwrap());
    assert_eq!((page.from, page.to, page.up_to_date()), (2, 55, false));
    assert_eq!(page.chunks.concat(), format!("{long},").into_bytes());
    assert_eq!((records.to, records.records.len(), records.up_to_date()), (55, 1, false));
    within(appending).await.unwrap();
}

#[tokio::test]
async fn offsets_inside_of_a_json_value_are_refused_and_inside_of_text_are_exact() {
    for fleet in fleets(&options()) {
        create(fleet.any(), "json", stream_of("application/json")).await.unwrap();
        let state = append(fleet.any(), "json", json("[\"a,b\",2]")).await.unwrap().state;
        for position in 0..=state.tail.position {
            let read =
                fleet.any().read(&key("json"), Start::At(state.ranges.offset(position))).await;
            match position {
                0 | 6 | 8 => assert_eq!(read.unwrap().from, position),
                _ => assert_eq!(
                    read.unwrap_err(),
                    Failure::Refused(AccessError::Offset(OffsetError::Unaligned)),
                    "{position}"
                ),
            }
        }
        create(fleet.any(), "text", stream_of("text/plain")).await.unwrap();
        let state = append(fleet.any(), "text", text("abcdef")).await.unwrap().state;
        let page = fleet.any().read(&key("text"), Start::At(state.ranges.offset(3))).await.unwrap();
        assert_eq!(page.chunks.concat(), b"def");
    }
}

#[tokio::test]
async fn an_offset_from_before_a_deletion_never_reads_the_new_stream() {
    for fleet in fleets(&options()) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        let old = append(fleet.any(), "s", text("old bytes")).await.unwrap().state.tail_offset();
        fleet.any().delete(&key("s")).await.unwrap();
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        append(fleet.any(), "s", text("new bytes, and more of them")).await.unwrap();
        assert_eq!(
            fleet.any().read(&key("s"), Start::At(old)).await.unwrap_err(),
            Failure::Refused(AccessError::Offset(OffsetError::Expired))
        );
    }
}
