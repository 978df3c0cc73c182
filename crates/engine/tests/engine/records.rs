//! Records are read back with everything that is known about them, on every adapter, and after it was opened again.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::command::{Append, Body, Expect};
use headwater_core::storage::Storage;
use headwater_core::{
    AccessError, AppendError, Batch, BatchRecord, ContentKind, Metadata, OffsetError, Timestamp,
};
use headwater_engine::{Engine, Failure, Options, Record, Records, Start};
use headwater_storage::memory::{MemoryStorage, SharedMemory};
use headwater_storage::sled::{self, SledStorage};
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::Stage;
use tempfile::TempDir;

use crate::fleets::fleets;
use crate::parked::parks;
use crate::support::{
    ManualClock, append, contents, create, engine_on, fork_of, json, key, options, stream_of, text,
    within,
};

/// Pages of a hundred bytes, so that a stream of a few records has several.
fn small() -> Options {
    Options { page_bytes: 100, ..options() }
}

fn metadata(n: u64) -> Option<Arc<Metadata>> {
    let odd = !n.is_multiple_of(2);
    odd.then(|| Arc::new(BTreeMap::from([("n".to_owned(), n.to_string())])))
}

/// Records of these lengths with metadata for every second one, of text.
fn records(first: u64, lens: &[u64]) -> Append {
    let letters =
        (first..).zip(lens).flat_map(|(n, len)| vec![b'a' + (n % 26) as u8; *len as usize]);
    let payload: Bytes = letters.collect();
    let rows = (first..).zip(lens).map(|(n, len)| BatchRecord { len: *len, metadata: metadata(n) });
    let batch = Batch::new(payload, rows.collect()).unwrap();
    Append { body: Body::Records { kind: ContentKind::Text, batch }, ..text("") }
}

/// In a task of its own, as embedding programs do.
async fn page(engine: &Engine, path: &str, start: Start) -> Records {
    let (engine, key) = (engine.clone(), key(path));
    let reading = tokio::spawn(async move { engine.read_records(&key, start).await });
    within(reading).await.unwrap().unwrap()
}

/// All records of a stream, page by page.
async fn all(engine: &Engine, path: &str) -> Vec<Record> {
    let (mut found, mut start) = (Vec::new(), Start::Beginning);
    loop {
        let page = page(engine, path, start).await;
        assert!(page.up_to_date() || page.to > page.from, "a page makes progress: {page:?}");
        found.extend(page.records.clone());
        if page.up_to_date() {
            return found;
        }
        start = Start::At(page.next_offset());
    }
}

const LENS: [&[u64]; 4] = [&[10, 0, 30], &[90], &[250, 1], &[0, 0, 20, 0]];

/// Writes with expectations that hold, and one that does not.
async fn write(engine: &Engine, clock: &ManualClock) {
    create(engine, "a/s", stream_of("text/plain")).await.unwrap();
    create(engine, "a/t", stream_of("text/plain")).await.unwrap();
    let (mut sequence, mut position) = (0, 0);
    for (round, lens) in (0u64..).zip(LENS) {
        clock.pass(1_000);
        let expect = match round {
            0 | 2 => Expect::Sequence(sequence),
            _ => Expect::Position(position),
        };
        let command = Append { expect, ..records(sequence + 1, lens) };
        let state = append(engine, "a/s", command.clone()).await.unwrap().state;
        sequence += lens.len() as u64;
        position += lens.iter().sum::<u64>();
        assert_eq!((state.tail.sequence, state.tail.position), (sequence, position));
        let again = append(engine, "a/s", command).await.unwrap_err();
        assert!(
            matches!(
                again,
                Failure::Refused(
                    AppendError::SequenceConflict { .. } | AppendError::PreconditionFailed { .. }
                )
            ),
            "{again:?}"
        );
        append(engine, "a/t", text("between")).await.unwrap();
    }
}

/// Compares what is read with what was written.
async fn check(engine: &Engine) {
    let found = all(engine, "a/s").await;
    let state = engine.head(&key("a/s")).await.unwrap();
    let lens = LENS.concat();
    assert_eq!(found.len(), lens.len());
    let (mut position, mut last) = (0, None);
    let rounds = (1u64..).zip(LENS).flat_map(|(round, lens)| lens.iter().map(move |_| round));
    for (((n, len), round), record) in (1..).zip(&lens).zip(rounds).zip(&found) {
        let meta = &record.meta;
        assert_eq!((meta.sequence, meta.position, meta.len), (n, position, *len));
        position += len;
        assert_eq!(record.next_offset, state.ranges.offset(position));
        assert_eq!(meta.at, Timestamp((1_000_000 + round) * 1_000), "record {n}");
        assert_eq!(meta.metadata, metadata(n), "record {n}");
        assert!(last < Some(meta.space_sequence), "record {n}");
        last = Some(meta.space_sequence);
        assert_eq!(record.payload, vec![b'a' + (n % 26) as u8; *len as usize], "record {n}");
    }
    let whole = contents(engine, "a/s").await;
    assert_eq!(
        found.iter().map(|record| record.payload.clone()).collect::<Vec<_>>().concat(),
        whole.as_bytes()
    );
    // The records of the other stream stand between them in the space.
    let other = all(engine, "a/t").await;
    let mut order: Vec<_> = found.iter().chain(&other).map(|r| r.meta.space_sequence).collect();
    order.sort_unstable();
    order.dedup();
    assert_eq!(order.len(), found.len() + other.len());
}

#[tokio::test]
async fn what_was_appended_is_read_back_with_all_its_rows() {
    let shared = SharedMemory::new();
    let storages: [Arc<dyn Storage>; 2] =
        [Arc::new(MemoryStorage::new()), Arc::new(shared.attach())];
    for storage in storages {
        let (engine, clock) = engine_on(storage, small());
        write(&engine, &clock).await;
        check(&engine).await;
    }
    check(&engine_on(Arc::new(shared.attach()), small()).0).await;
}

#[tokio::test]
async fn rows_outlive_the_process() {
    let directory = TempDir::new().unwrap();
    let open = || {
        let data = directory.path().join("data");
        engine_on(Arc::new(SledStorage::open(data, sled::Options::default()).unwrap()), small())
    };
    let (engine, clock) = open();
    write(&engine, &clock).await;
    check(&engine).await;
    for _ in 0..2 {
        engine.shutdown().await.unwrap();
        let (again, _clock) = open();
        check(&again).await;
        again.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn an_offset_inside_of_a_record_reads_it_whole_or_is_refused() {
    for fleet in fleets(&small()) {
        create(fleet.any(), "text", stream_of("text/plain")).await.unwrap();
        for body in ["abc", "defg"] {
            append(fleet.any(), "text", text(body)).await.unwrap();
        }
        let state = fleet.any().head(&key("text")).await.unwrap();
        for (position, from, records) in [(0, 0, 2), (2, 0, 2), (3, 3, 1), (6, 3, 1), (7, 7, 0)] {
            let page = page(fleet.any(), "text", Start::At(state.ranges.offset(position))).await;
            assert_eq!((page.from, page.to, page.records.len()), (from, 7, records), "{position}");
        }
        create(fleet.any(), "json", stream_of("application/json")).await.unwrap();
        let state = append(fleet.any(), "json", json("[[1,2],3]")).await.unwrap().state;
        let values = all(fleet.any(), "json").await;
        assert_eq!(
            values.iter().map(|v| &v.payload[..]).collect::<Vec<_>>(),
            [&b"[1,2],"[..], b"3,"]
        );
        let inside =
            fleet.any().read_records(&key("json"), Start::At(state.ranges.offset(3))).await;
        let unaligned = Failure::Refused(AccessError::Offset(OffsetError::Unaligned));
        assert_eq!(inside.unwrap_err(), unaligned);
    }
}

#[tokio::test]
async fn a_fork_has_the_records_it_inherited_and_none_that_came_later() {
    for page_bytes in [1, 3, 5, 100] {
        let small = Options { page_bytes, ..options() };
        for fleet in fleets(&small) {
            create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
            let first = append(fleet.any(), "s", records(1, &[4, 0])).await.unwrap().state;
            create(fleet.any(), "at", fork_of("s", None, 0)).await.unwrap();
            append(fleet.any(), "s", records(3, &[0, 0, 6])).await.unwrap();
            let inside = fork_of("s", Some(first.tail_offset()), 2);
            create(fleet.any(), "inside", inside).await.unwrap();
            let rows = |records: Vec<Record>| -> Vec<_> {
                records.iter().map(|r| (r.meta.sequence, r.meta.position, r.meta.len)).collect()
            };
            assert_eq!(rows(all(fleet.any(), "at").await), [(1, 0, 4), (2, 4, 0)]);
            append(fleet.any(), "at", records(3, &[7])).await.unwrap();
            assert_eq!(rows(all(fleet.any(), "at").await), [(1, 0, 4), (2, 4, 0), (3, 4, 7)]);
            fleet.any().delete(&key("s")).await.unwrap();
            assert_eq!(rows(all(fleet.any(), "at").await), [(1, 0, 4), (2, 4, 0), (3, 4, 7)]);
            append(fleet.any(), "inside", records(6, &[1])).await.unwrap();
            let expected = [(1, 0, 4), (2, 4, 0), (3, 4, 0), (4, 4, 0), (5, 4, 2), (6, 6, 1)];
            assert_eq!(rows(all(fleet.any(), "inside").await), expected);
        }
    }
}

#[tokio::test]
async fn a_page_of_records_waits_where_a_page_of_bytes_does() {
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let (engine, _clock) = engine_on(Arc::clone(&faulty) as _, small());
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    append(&engine, "s", records(1, &[80, 40])).await.unwrap();
    faulty.hold(Stage::Unwritten);
    let mut appending = Box::pin(append(&engine, "s", text("held")));
    assert!(parks(&mut appending).await.is_none());
    let short = page(&engine, "s", Start::Beginning).await;
    assert_eq!((short.to, short.up_to_date()), (80, false), "it ends before the durable tail");
    let stream = key("s");
    let mut rest = Box::pin(engine.read_records(&stream, Start::At(short.next_offset())));
    assert!(parks(&mut rest).await.is_none(), "it says that there is no more");
    faulty.release();
    let rest = within(rest).await.unwrap();
    assert_eq!((rest.to, rest.records.len(), rest.up_to_date()), (124, 2, true));
    assert_eq!(rest.records[1].payload, "held");
    within(appending).await.unwrap();
}
