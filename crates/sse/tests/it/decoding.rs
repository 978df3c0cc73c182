//! The decoder against the corpus, at every cut.

use bytes::{Buf, Bytes};
use headwater_sse::{Decoder, EventId};

use crate::corpus::CORPUS;
use crate::reference::interpret;
use crate::support::{Observed, Seen, observe, observe_with};

#[test]
fn the_corpus_reads_as_the_standard_says() {
    for case in CORPUS {
        assert_eq!(observe([case.stream]), case.expected(), "{}", case.name);
    }
}

#[test]
fn the_reference_agrees_with_the_corpus() {
    for case in CORPUS {
        assert_eq!(interpret(case.stream), case.expected(), "{}", case.name);
    }
}

/// The first case and cut at which `decode` observes something else than the standard says.
pub(crate) fn first_disagreement(decode: impl Fn(&[&[u8]]) -> Observed) -> Option<String> {
    for case in CORPUS {
        let expected = case.expected();
        let bytes: Vec<&[u8]> = case.stream.chunks(1).collect();
        if decode(&bytes) != expected {
            return Some(format!("{}, byte by byte", case.name));
        }
        for first in 0..=case.stream.len() {
            let (head, rest) = case.stream.split_at(first);
            for second in 0..=rest.len() {
                let (middle, tail) = rest.split_at(second);
                if decode(&[head, middle, tail]) != expected {
                    return Some(format!("{}, cut at {first} and {}", case.name, first + second));
                }
            }
        }
    }
    None
}

#[test]
fn every_cut_gives_the_same() {
    assert_eq!(first_disagreement(|pieces| observe(pieces.iter().copied())), None);
}

#[test]
fn a_message_comes_with_the_byte_that_completes_it() {
    for complete in [&b"data: a\n\n"[..], b"data: a\r\r", b"data: a\r\n\r", b"data: a\n\r"] {
        let (last, before) = complete.split_last().unwrap();
        let mut decoder = Decoder::new();
        assert_eq!(decoder.decode(&mut &before[..]).unwrap(), None, "{complete:?}");
        let message = decoder.decode(&mut &[*last][..]).unwrap().unwrap();
        assert_eq!(message.data(), "a", "{complete:?}");
    }
}

#[test]
fn a_call_stops_behind_the_message() {
    let mut input = Bytes::from_static(b"data: a\n\ndata: b\n\ndata: c");
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(&mut input).unwrap().unwrap().data(), "a");
    assert_eq!(input, "data: b\n\ndata: c");
    assert_eq!(decoder.decode(&mut input).unwrap().unwrap().data(), "b");
    assert_eq!(decoder.decode(&mut input).unwrap(), None);
    assert!(input.is_empty());
}

#[test]
fn a_buffer_in_several_parts_is_read_through() {
    let mut input = (&b"data: a\r"[..]).chain(&b"\nda"[..]).chain(&b"ta: b\n\n"[..]);
    let message = Decoder::new().decode(&mut input).unwrap().unwrap();
    assert_eq!(message.data(), "a\nb");
    assert!(!input.has_remaining());
}

/// (first connection, second connection, messages of the second, last event id after it)
type Reconnection = (
    &'static [u8],
    &'static [u8],
    &'static [(&'static str, &'static str, &'static str)],
    &'static str,
);

const RECONNECTIONS: &[Reconnection] = &[
    (b"id: 1\n\n", b"data: a\n\n", &[("message", "a", "1")], "1"),
    (b"id: 1\n\nid: 2\n", b"data: a\n\n", &[("message", "a", "1")], "1"),
    (b"id: 1\n\nid: 2", b"\n\n", &[], "1"),
    (b"id: 1\n\n", b"id: 2\ndata: a\n\n", &[("message", "a", "2")], "2"),
    (b"id: 1\n\n", b"id\n\n", &[], ""),
    (b"event: x\ndata: lost\n", b"data: a\n\n", &[("message", "a", "")], ""),
    (b"data: lost", b"\n\n", &[], ""),
    (b"da", b"ta: a\n\n", &[], ""),
    (b"data: lost\r", b"\ndata: a\n\n", &[("message", "a", "")], ""),
    (b"\n", b"\xEF\xBB\xBFdata: a\n\n", &[("message", "a", "")], ""),
    (b"\xEF\xBB", b"\xBFdata: a\n\ndata: b\n\n", &[("message", "b", "")], ""),
    (b":", b"data: a\n\n", &[("message", "a", "")], ""),
];

#[test]
fn a_reconnection_keeps_the_last_id_and_nothing_else() {
    for &(first, second, messages, last_event_id) in RECONNECTIONS {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.decode(&mut &first[..]).unwrap(), None);
        decoder.restart();
        let observed = observe_with(decoder, [second]);
        let expected: Vec<Seen> = messages.iter().copied().map(Seen::new).collect();
        let name = String::from_utf8_lossy(first);
        assert_eq!(observed.messages, expected, "after {name:?}");
        assert_eq!(observed.last_event_id, last_event_id, "after {name:?}");
    }
}

#[test]
fn the_reconnection_time_outlives_the_connection() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.decode(&mut &b"retry: 1500\n"[..]).unwrap(), None);
    decoder.restart();
    assert_eq!(decoder.reconnection_time().unwrap().as_millis(), 1500);
}

#[test]
fn a_kept_id_is_the_last_one_until_the_stream_sets_another() {
    let id = EventId::new("kept").unwrap();
    let decoder = Decoder::new().with_last_event_id(id);
    assert_eq!(decoder.last_event_id(), id);
    let observed = observe_with(decoder, [&b"data: a\n\nid: 1\ndata: b\n\n"[..]]);
    let ids: Vec<&str> = observed.messages.iter().map(|seen| &*seen.last_event_id).collect();
    assert_eq!(ids, ["kept", "1"]);
}
