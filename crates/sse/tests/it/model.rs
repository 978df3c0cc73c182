//! Random streams, cut at random, against the standard's algorithm on the whole.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::reference::interpret;
use crate::support::{Observed, cut, observe};

/// Streams that are mostly fields and line ends, with damage strewn in.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line_end = prop::sample::select(vec![&b"\n"[..], b"\r", b"\r\n", b"\n\n", b"\r\r\n"]);
    let name = prop::sample::select(vec![
        &b"data"[..],
        b"data:",
        b"data: ",
        b"id",
        b"id:",
        b"id: ",
        b"event: ",
        b"event",
        b"retry: ",
        b"retry",
        b":",
        b": ",
        b"dat",
        b"datax:",
        b"",
    ]);
    let value = prop::sample::select(vec![
        &b""[..],
        b"a",
        b" b",
        b"12",
        b"c:d",
        b"\0",
        b"\xEF\xBB\xBF",
        b"\xE2\x80\xA6",
        b"\xE2\x80",
        b"\xF0\x9F\x98\x80",
        b"\xFF",
        b"\x80",
        b"0123456789012345678901234567890123456789",
    ]);
    let line = (name, value, line_end)
        .prop_map(|(name, value, line_end)| [name, value, line_end].concat());
    let junk = prop::collection::vec(any::<u8>(), 0..6);
    let piece = prop_oneof![12 => line, 1 => junk];
    let mark = prop::sample::select(vec![&b""[..], b"", b"\xEF\xBB\xBF", b"\xEF\xBB"]);
    (mark, prop::collection::vec(piece, 0..16))
        .prop_map(|(mark, pieces)| [mark, &pieces.concat()].concat())
}

/// The situations this stream brought about.
fn reached(stream: &[u8], observed: &Observed) -> Vec<&'static str> {
    let messages = &observed.messages;
    let situations = [
        ("a message", !messages.is_empty()),
        ("two messages", messages.len() > 1),
        ("no message", messages.is_empty()),
        ("a type", messages.iter().any(|seen| seen.event_type != "message")),
        ("data of several lines", messages.iter().any(|seen| seen.data.contains('\n'))),
        ("empty data", messages.iter().any(|seen| seen.data.is_empty())),
        ("a last event id", !observed.last_event_id.is_empty()),
        ("a reconnection time", observed.retry_millis.is_some()),
        ("replacement", messages.iter().any(|seen| seen.data.contains('\u{FFFD}'))),
        ("a mark", stream.starts_with(b"\xEF\xBB\xBF")),
        ("NUL", stream.contains(&0)),
        ("an unfinished end", !matches!(stream.last(), None | Some(b'\r' | b'\n'))),
    ];
    situations.into_iter().filter_map(|(name, held)| held.then_some(name)).collect()
}

#[test]
fn random_streams_read_as_the_standard_says_at_any_cut() {
    const SITUATIONS: usize = 12;
    let coverage = RefCell::new(BTreeMap::<&str, u32>::new());
    let lengths = prop::collection::vec(0usize..12, 1..12);
    let config = Config { cases: 8192, source_file: Some(file!()), ..Config::default() };
    let outcome = TestRunner::new(config).run(&(stream(), lengths), |(stream, lengths)| {
        let expected = interpret(&stream);
        for situation in reached(&stream, &expected) {
            *coverage.borrow_mut().entry(situation).or_default() += 1;
        }
        prop_assert_eq!(observe(cut(&stream, &lengths)), expected);
        Ok(())
    });
    assert_eq!(outcome.map_err(|error| error.to_string()), Ok(()));
    let coverage = coverage.into_inner();
    assert_eq!(coverage.len(), SITUATIONS, "{coverage:?}");
    assert!(coverage.values().all(|&times| times >= 50), "{coverage:?}");
}
