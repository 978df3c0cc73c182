//! Bytes that are sent on, in memory and in files.
#![allow(clippy::unwrap_used, reason = "tests report by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::{FileRange, OpenFile, Portion};

fn file() -> Arc<dyn OpenFile> {
    Arc::new(tempfile::tempfile().unwrap())
}

#[test]
fn portions_are_cut_alike_wherever_they_are() {
    let file = file();
    let make = |in_file: bool| match in_file {
        true => Portion::File(FileRange::new(Arc::clone(&file), 100, 10)),
        false => Portion::Memory(Bytes::from_static(b"0123456789")),
    };
    for in_file in [false, true] {
        let mut portion = make(in_file);
        portion.truncate(20);
        assert_eq!((portion.len(), portion.in_memory() == 10), (10, !in_file));
        portion.truncate(8);
        portion.advance(3);
        match &portion {
            Portion::Memory(bytes) => assert_eq!(&bytes[..], b"34567"),
            Portion::File(range) => assert_eq!((range.offset(), portion.len()), (103, 5)),
        }
        portion.advance(20);
        assert!(portion.is_empty());
    }
}

#[test]
fn ranges_are_joined_where_they_lie_side_by_side_in_one_file() {
    let (one, other) = (file(), file());
    let range = |file: &Arc<dyn OpenFile>, offset| FileRange::new(Arc::clone(file), offset, 10);
    let joined = range(&one, 5).join(&range(&one, 15)).unwrap();
    assert_eq!((joined.offset(), Portion::File(joined).len()), (5, 20));
    assert!(range(&one, 5).join(&range(&one, 16)).is_none());
    assert!(range(&one, 5).join(&range(&other, 15)).is_none());
    assert!(range(&one, u64::MAX).join(&range(&one, 9)).is_none());
}
