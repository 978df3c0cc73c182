//! What pages of records take: as many rows as a page has, and room for what they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::command::{Append, Body};
use headwater_core::{Batch, BatchRecord, ContentKind, Offset};
use headwater_engine::{Engine, Options, Records, Start};
use headwater_storage::memory::MemoryStorage;
use headwater_storage::sled::{self, SledStorage};
use tempfile::TempDir;

use crate::counting::counting;
use crate::support::{append, create, engine_on, json, key, options, stream_of, text, within};

async fn page(engine: &Engine, start: Start) -> Records {
    within(engine.read_records(&key("s"), start)).await.unwrap()
}

/// All pages of the stream, each let go of before the next.
async fn pages(engine: &Engine, mut see: impl FnMut(&Records)) {
    let mut start = Start::At(Offset::START);
    loop {
        let page = page(engine, start).await;
        assert!(page.up_to_date() || page.to > page.from, "a page makes progress: {page:?}");
        see(&page);
        if page.up_to_date() {
            return;
        }
        start = Start::At(page.next_offset());
    }
}

/// Small records, with large ones between them.
#[tokio::test]
async fn no_more_rows_are_read_than_a_page_may_have() {
    const SMALL: usize = 20_000;
    let directory = TempDir::new().unwrap();
    let sled = SledStorage::open(directory.path().join("data"), sled::Options::default()).unwrap();
    let storages: [Arc<dyn headwater_core::Storage>; 2] =
        [Arc::new(MemoryStorage::new()), Arc::new(sled)];
    for storage in storages {
        let (storage, counts) = counting(storage);
        let (engine, _clock) = engine_on(storage, Options { page_records: 100, ..options() });
        create(&engine, "s", stream_of("application/json")).await.unwrap();
        let mut records = 0;
        for _ in 0..2 {
            append(&engine, "s", json(&format!("[{}1]", "1,".repeat(SMALL)))).await.unwrap();
            append(&engine, "s", json(&format!("\"{}\"", "x".repeat(30_000)))).await.unwrap();
            records += SMALL as u64 + 2;
        }
        let mut last = 0;
        pages(&engine, |page| {
            assert!(page.records.len() <= 100, "{}", page.records.len());
            for record in &page.records {
                last += 1;
                assert_eq!(record.meta.sequence, last);
                assert_eq!(record.payload.last(), Some(&b','));
            }
        })
        .await;
        assert_eq!(last, records);
        assert!(counts.most_rows() <= 500, "{} rows at once", counts.most_rows());
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn room_is_taken_for_what_there_is() {
    for (kind, written) in [("application/json", 1002), ("text/plain", 6000), ("a/b", 1336)] {
        let (engine, _clock) = engine_on(Arc::new(MemoryStorage::new()), options());
        create(&engine, "s", stream_of(kind)).await.unwrap();
        for _ in 0..10 {
            let record = match kind {
                "application/json" => json(&format!("\"{}\"", "x".repeat(999))),
                "text/plain" => text(&"x".repeat(1000)),
                _ => {
                    let body = Body::frame(ContentKind::Binary, Bytes::from(vec![0xFF; 1000]));
                    Append { content_type: None, body, ..text("") }
                }
            };
            append(&engine, "s", record).await.unwrap();
        }
        let page = page(&engine, Start::Beginning).await;
        assert_eq!(page.records.len(), 10);
        let held = engine.bytes_read();
        assert!((10 * written..10 * (written + 300)).contains(&held), "{kind}: {held}");
        drop(page);
        assert_eq!(engine.bytes_read(), 0);
    }
}

/// What is told beside a record is counted, however large it is beside the record.
#[tokio::test]
async fn metadata_is_counted_and_pages_get_shorter_where_it_is_large() {
    const RECORDS: u64 = 100;
    let small = Options { reading_bytes: 1 << 20, ..options() };
    let (engine, _clock) = engine_on(Arc::new(MemoryStorage::new()), small);
    create(&engine, "s", stream_of("text/plain")).await.unwrap();
    let metadata = Arc::new(BTreeMap::from([("k".to_owned(), "v".repeat(8_000))]));
    let record = BatchRecord { len: 1, metadata: Some(metadata) };
    let batch = Batch::new(Bytes::from(vec![b'x'; 100]), vec![record; 100].into()).unwrap();
    let body = Body::Records { kind: ContentKind::Text, batch };
    append(&engine, "s", Append { body, ..text("") }).await.unwrap();
    let mut seen = 0;
    pages(&engine, |page| {
        seen += page.records.len() as u64;
        let held = engine.bytes_read();
        assert!(held >= page.records.len() as u64 * 8_000, "{held}");
        assert!(held <= 1 << 20, "{held}");
    })
    .await;
    assert_eq!(seen, RECORDS);
}

/// However few records a page may have and however little room there is, every record comes once, and empty ones with what they stand
/// behind.
#[tokio::test]
async fn every_record_comes_whatever_pages_may_be() {
    let lens: Vec<u64> = (0..200).map(|n| [0, 1, 0, 0, 40, 3000, 2, 0][n * 5 % 8]).collect();
    for page_records in [1, 2, 7, 4096] {
        for page_bytes in [1, 50, 1 << 20] {
            for reading_bytes in [16 << 10, 1 << 28] {
                let options = Options {
                    page_records,
                    records_page_bytes: page_bytes,
                    reading_bytes,
                    ..options()
                };
                let (engine, _clock) = engine_on(Arc::new(MemoryStorage::new()), options);
                create(&engine, "s", stream_of("text/plain")).await.unwrap();
                for lens in lens.chunks(33) {
                    let payload = vec![b'x'; usize::try_from(lens.iter().sum::<u64>()).unwrap()];
                    let rows: Vec<_> = lens.iter().copied().map(BatchRecord::plain).collect();
                    let batch = Batch::new(payload.into(), rows.into()).unwrap();
                    let body = Body::Records { kind: ContentKind::Text, batch };
                    append(&engine, "s", Append { body, ..text("") }).await.unwrap();
                }
                let mut found = Vec::new();
                pages(&engine, |page| {
                    found.extend(page.records.iter().map(|record| record.payload.len() as u64));
                })
                .await;
                assert_eq!(found, lens, "{page_records} records, {page_bytes}, {reading_bytes}");
            }
        }
    }
}
