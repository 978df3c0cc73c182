//! What stands in for a file is given to HTTP/1.1 alone, whose connection knows it again.

use std::io::Write;
use std::sync::Arc;

use headwater_core::storage::{FileRange, Portion};
use http_body_util::BodyExt;

use super::*;
use crate::server::activity::Activity;

/// An answer of which the middle is in a file.
fn answer() -> ResponseBody {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"middle").unwrap();
    let middle = Portion::File(FileRange::new(Arc::new(file), 0, 6));
    ResponseBody::chunks(vec![
        Bytes::from_static(b"[").into(),
        middle,
        Bytes::from_static(b"]").into(),
    ])
}

fn sending(version: Version) -> Sending {
    let place = Place { _seat: Seat::Free, busy: Activity::new(metrics::Counter::noop()).begin() };
    Sending::new(answer(), version, place)
}

#[tokio::test]
async fn over_http2_an_answer_breaks_off_before_a_file() {
    let mut answer = sending(Version::HTTP_2);
    let mut given = Vec::new();
    let end = loop {
        match answer.frame().await {
            Some(Ok(frame)) => given.push(frame.into_data().unwrap()),
            Some(Err(torn)) => break Some(torn),
            None => break None,
        }
    };
    assert!(end.is_some(), "it looks whole");
    assert_eq!(given.concat(), b"[", "nothing of what stands in for a file");
}

#[tokio::test]
async fn over_http11_what_stands_in_for_a_file_is_as_long_as_the_file() {
    let mut answer = sending(Version::HTTP_11);
    let mut lengths = Vec::new();
    while let Some(frame) = answer.frame().await {
        let bytes = frame.unwrap().into_data().unwrap();
        lengths.push((bytes.len(), stands_in(&bytes)));
    }
    assert_eq!(lengths, [(1, false), (6, true), (1, false)]);
}
