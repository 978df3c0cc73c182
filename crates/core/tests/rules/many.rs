//! How many records one append or creation may bring, whoever made the batch, and where that is judged.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::command::{Append, Body, Closing, Expect, Unframed};
use headwater_core::error::Code;
use headwater_core::record::{MAX_RECORDS, RECORD_BYTES};
use headwater_core::{
    AppendError, Batch, BatchRecord, ContentKind, ContentType, CreateError, StreamState,
};

use crate::lone::{Lone, plain};

/// So many values of one byte.
fn text_of(count: usize) -> Bytes {
    format!("[{}1]", "1,".repeat(count - 1)).into()
}

/// So many values, framed as the edge does it.
fn values(count: usize) -> Body {
    Body::frame(ContentKind::Json, text_of(count))
}

/// So many records without bytes, as an embedding program may make them.
fn made(count: usize) -> Body {
    let records = vec![BatchRecord::plain(0); count];
    let batch = Batch::new(Bytes::new(), records.into()).unwrap();
    Body::Records { kind: ContentKind::Binary, batch }
}

fn json() -> ContentType {
    ContentType::parse("application/json").unwrap()
}

#[test]
fn an_append_brings_as_many_records_as_it_may_and_no_more() {
    for content_type in [json(), ContentType::octet_stream()] {
        let body = |count| match content_type.kind() {
            ContentKind::Json => values(count),
            ContentKind::Text | ContentKind::Binary => made(count),
        };
        let stream = Lone::typed(content_type.clone(), 0);
        let taken = stream.take(&plain(body(MAX_RECORDS))).unwrap();
        assert_eq!(taken.tail.sequence, MAX_RECORDS as u64);
        let refused = stream.take(&plain(body(MAX_RECORDS + 1))).unwrap_err();
        assert_eq!((&refused, refused.code()), (&AppendError::TooManyRecords, Code::TooLarge));

        let born = stream.beside(content_type.clone(), body(MAX_RECORDS)).unwrap();
        assert_eq!(born.tail.sequence, MAX_RECORDS as u64);
        let refused = stream.beside(content_type.clone(), body(MAX_RECORDS + 1)).unwrap_err();
        assert_eq!((&refused, refused.code()), (&CreateError::TooManyRecords, Code::TooLarge));
    }
}

#[test]
fn too_many_values_are_counted_and_not_made() {
    assert!(matches!(values(MAX_RECORDS + 1), Body::TooMany));
    // Whether it would have been JSON is not looked at any more.
    let broken = [text_of(MAX_RECORDS + 1), Bytes::from_static(b"]")].concat();
    assert_eq!(Body::frame(ContentKind::Json, broken.into()), Body::TooMany);
    // One value with as many parts is one record.
    let nested = [b"[".as_slice(), &text_of(MAX_RECORDS + 1), b"]"].concat();
    let nested = Body::frame(ContentKind::Json, nested.into());
    assert_eq!(nested.batch().unwrap().records().len(), 1);
    let bytes = Body::frame(ContentKind::Text, text_of(MAX_RECORDS + 1));
    assert_eq!(bytes.batch().unwrap().records().len(), 1);
}

#[test]
fn too_many_records_are_judged_after_the_stream() {
    let stream = Lone::typed(json(), 0);
    let too_many = plain(values(MAX_RECORDS + 1));
    let unexpected = Append { expect: Expect::Position(1), ..too_many.clone() };
    assert_eq!(stream.take(&unexpected).unwrap_err().code(), Code::SequenceConflict);
    let typed = Append { content_type: Some(ContentType::octet_stream()), ..too_many.clone() };
    assert_eq!(stream.take(&typed).unwrap_err().code(), Code::ContentTypeMismatch);
    let close = Append { closing: Closing::Close, ..plain(Body::Empty) };
    let closed = Lone(StreamState::clone(&stream.take(&close).unwrap()));
    assert_eq!(closed.take(&too_many).unwrap_err().code(), Code::StreamClosed);
}

#[test]
fn a_batch_counts_for_its_table_before_and_after_it_is_made() {
    for (kind, bytes, records) in [
        (ContentKind::Json, text_of(1), 1),
        (ContentKind::Json, text_of(1_000), 1_000),
        (ContentKind::Json, text_of(MAX_RECORDS), MAX_RECORDS),
        (ContentKind::Text, text_of(1_000), 1),
    ] {
        let unframed = Unframed::new(kind, bytes);
        let table = unframed.table_bytes();
        let body = unframed.frame();
        let batch = body.batch().unwrap();
        assert_eq!(batch.records().len(), records);
        assert_eq!(batch.weight(), batch.payload().len() + table);
        assert_eq!(table, (records - 1) * RECORD_BYTES);
    }
    let refused = Unframed::new(ContentKind::Json, text_of(MAX_RECORDS + 1));
    assert_eq!(refused.table_bytes(), 0, "nothing is made of it");
}

#[test]
fn metadata_counts_with_its_record() {
    let of = |metadata: &[(&str, &str)]| {
        let map = metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let record = BatchRecord { len: 3, metadata: Some(Arc::new(map)) };
        Batch::new(Bytes::from_static(b"abc"), Arc::new([record])).unwrap().weight()
    };
    let (none, one) = (of(&[]), of(&[("k", "value")]));
    assert_eq!(none, 3);
    assert!(one >= none + "kvalue".len());
    assert_eq!(of(&[("k", "value"), ("l", "other")]) - one, one - none);
}
