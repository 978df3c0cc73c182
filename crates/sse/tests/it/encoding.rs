//! The encoder byte by byte.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use headwater_sse::{
    Event, EventId, EventType, InvalidEventId, InvalidEventType, PreparedEvent,
    encode_data_fragments, encode_data_lines, event_type,
};

/// (payload, its `data` lines)
const PAYLOADS: &[(&str, &str)] = &[
    ("", "data:\n"),
    ("a", "data:a\n"),
    ("a\nb", "data:a\ndata:b\n"),
    ("a\rb", "data:a\ndata:b\n"),
    ("a\r\nb", "data:a\ndata:b\n"),
    ("a\n\rb", "data:a\ndata:\ndata:b\n"),
    ("a\r\r\nb", "data:a\ndata:\ndata:b\n"),
    ("a\r\n\nb", "data:a\ndata:\ndata:b\n"),
    ("a\n", "data:a\ndata:\n"),
    ("\n", "data:\ndata:\n"),
    ("\r\n", "data:\ndata:\n"),
    ("\n\n", "data:\ndata:\ndata:\n"),
    (" ", "data:  \n"),
    (" a", "data:  a\n"),
    ("  a ", "data:   a \n"),
    ("\ta", "data:\ta\n"),
    ("a\n b\r  c", "data:a\ndata:  b\ndata:   c\n"),
    (":a", "data::a\n"),
    ("data: a", "data:data: a\n"),
    ("\u{FEFF}\0\u{2028}", "data:\u{FEFF}\0\u{2028}\n"),
    ("{\"a\": 1}", "data:{\"a\": 1}\n"),
    ("é…😀", "data:é…😀\n"),
];

#[test]
fn payloads_become_data_lines() {
    for &(payload, lines) in PAYLOADS {
        let mut out = BytesMut::from("before\n");
        encode_data_lines(&mut out, payload);
        assert_eq!(out, format!("before\n{lines}"), "{payload:?}");
    }
}

#[test]
fn fragments_give_the_lines_of_the_whole_wherever_they_are_cut() {
    for &(payload, lines) in PAYLOADS {
        let mut characters = BytesMut::new();
        let mut buffer = [0; 4];
        let pieces: Vec<String> =
            payload.chars().map(|c| c.encode_utf8(&mut buffer).to_owned()).collect();
        encode_data_fragments(&mut characters, pieces.iter().map(String::as_str));
        assert_eq!(characters, lines, "{payload:?} by character");
        for at in (0..=payload.len()).filter(|&at| payload.is_char_boundary(at)) {
            let (head, tail) = payload.split_at(at);
            let mut out = BytesMut::new();
            encode_data_fragments(&mut out, [head, "", tail]);
            assert_eq!(out, lines, "{payload:?} at {at}");
        }
    }
    let mut out = BytesMut::new();
    encode_data_fragments(&mut out, []);
    assert_eq!(out, "data:\n");
}

#[test]
fn events_become_bytes() {
    let typed = event_type!("control");
    let id = |text| EventId::new(text).unwrap();
    let cases: &[(Event<'_>, &str)] = &[
        (Event::new(), "\n"),
        (Event::new().data(""), "data:\n\n"),
        (Event::new().data("a"), "data:a\n\n"),
        (Event::new().event_type(typed).data("{}"), "event: control\ndata:{}\n\n"),
        (Event::new().event_type(typed), "event: control\n\n"),
        (Event::new().id(id("1")), "id: 1\n\n"),
        (Event::new().id(id("")), "id: \n\n"),
        (Event::new().id(id(" 1")), "id:  1\n\n"),
        (Event::new().retry(Duration::from_micros(1_999_999)), "retry: 1999\n\n"),
        (Event::new().retry(Duration::ZERO), "retry: 0\n\n"),
        (Event::new().comment(""), ":\n\n"),
        (Event::new().comment("keep-alive"), ": keep-alive\n\n"),
        (Event::new().comment("a\nb\r\ndata: c\r"), ": a\n: b\n:\n: data: c\n:\n\n"),
        (Event::new().data_fragments(&["[", "1\r", "\n2", "]"]), "data:[1\ndata:2]\n\n"),
        (Event::new().data("a").data_fragments(&[]), "data:\n\n"),
        (
            Event::new()
                .data("x\ny")
                .event_type(typed)
                .id(id("9"))
                .retry(Duration::from_secs(3))
                .comment("all"),
            ": all\nretry: 3000\nid: 9\nevent: control\ndata:x\ndata:y\n\n",
        ),
    ];
    for (event, bytes) in cases {
        let mut out = BytesMut::new();
        event.encode(&mut out);
        assert_eq!(out, bytes, "{event:?}");
        assert_eq!(event.encoded_len(), bytes.len(), "{event:?}");
        assert_eq!(PreparedEvent::new(event).as_bytes(), bytes, "{event:?}");
    }
}

#[test]
fn a_prepared_event_is_shared_and_has_no_slack() {
    let prepared = PreparedEvent::new(&Event::new().data(&"line\n".repeat(100)));
    let clone = prepared.clone();
    assert_eq!(clone.as_bytes().as_ptr(), prepared.as_bytes().as_ptr());
    drop(clone);
    let length = prepared.as_bytes().len();
    let sole_owner = Bytes::from(prepared).try_into_mut().expect("nobody else holds it");
    assert_eq!(sole_owner.capacity(), length);
}

#[test]
fn ids_and_types_are_checked() {
    let line_break = |at| Err(InvalidEventId::LineBreak { at });
    let ids = [
        ("", Ok(())),
        ("7:é 😀", Ok(())),
        ("\u{FEFF}\u{2028}", Ok(())),
        ("\n", line_break(0)),
        ("é\r", line_break(2)),
        ("1\r\n2\0", line_break(1)),
        ("12\x003\n", Err(InvalidEventId::Nul { at: 2 })),
    ];
    for (text, outcome) in ids {
        assert_eq!(EventId::new(text).map(|id| assert_eq!(id.as_str(), text)), outcome, "{text:?}");
        assert_eq!(EventId::try_from(text), EventId::new(text));
    }
    let line_break = |at| Err(InvalidEventType::LineBreak { at });
    let types = [
        ("", Err(InvalidEventType::Empty)),
        (" ", Ok(())),
        ("a:b\0", Ok(())),
        ("\r", line_break(0)),
        ("tick\ndata: forged", line_break(4)),
    ];
    for (text, outcome) in types {
        let parsed = EventType::new(text);
        assert_eq!(parsed.map(|t| assert_eq!(t.as_str(), text)), outcome, "{text:?}");
        assert_eq!(EventType::try_from(text), parsed);
    }
}
