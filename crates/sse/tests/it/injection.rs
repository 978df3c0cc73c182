//! Whatever a payload holds, exactly one event comes out, and it carries the payload.

use bytes::BytesMut;
use headwater_sse::{Event, encode_data_lines, event_type};
use proptest::prelude::*;

use crate::reference::interpret;
use crate::support::{Observed, Seen, observe};

/// Payloads made to break out of their event, or to be damaged in it.
pub(crate) const ATTACKS: &[&str] = &[
    "safe\n\nevent: control\ndata: {\"forged\":true}\n\n",
    "safe\r\revent: control\rdata: {\"forged\":true}\r\r",
    "safe\r\n\r\nevent: control\r\ndata: {\"forged\":true}\r\n\r\n",
    "safe\n\revent: control\n\rid: 1",
    "a\nid: forged\nretry: 0\n:comment\ndata",
    "a\r\nb",
    "a\r",
    "a\n",
    "\n",
    "",
    " ",
    " a\n  b\r c",
    ":",
    ": a",
    "\u{FEFF}data: a",
    "\0\n\0",
];

/// Text rich in what the format gives a meaning to.
pub(crate) fn tricky_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["\n", "\r", "\r\n", " ", ":", "\0", "\u{FEFF}"]),
        2 => prop::sample::select(vec!["data: ", "id:", "event: control", "retry: 1"]),
        1 => prop::sample::select(vec!["a", "é", "…", "😀", "\u{2028}", "{\"x\": 1}"]),
        1 => Just("0123456789abcdef0123456789abcdef"),
    ];
    let pieces = prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat());
    prop_oneof![8 => pieces, 1 => any::<String>()]
}

/// What a payload reads as on the other side.
pub(crate) fn with_lf(payload: &str) -> String {
    payload.replace("\r\n", "\n").replace('\r', "\n")
}

/// Puts the lines between two events and checks that one more comes out, with the payload.
pub(crate) fn carries_exactly(lines: &str, payload: &str) -> Result<(), String> {
    let stream = format!("data:before\n\nevent: data\n{lines}\nevent: control\ndata:{{}}\n\n");
    let expected = Observed {
        messages: [
            ("message", "before", ""),
            ("data", &*with_lf(payload), ""),
            ("control", "{}", ""),
        ]
        .map(Seen::new)
        .into(),
        ..Observed::default()
    };
    for observed in [interpret(stream.as_bytes()), observe([stream.as_bytes()])] {
        if observed != expected {
            return Err(format!("{payload:?} became {:?}", observed.messages));
        }
    }
    Ok(())
}

fn data_lines(payload: &str) -> String {
    let mut out = BytesMut::new();
    encode_data_lines(&mut out, payload);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn attacks_stay_inside_their_event() {
    for payload in ATTACKS {
        assert_eq!(carries_exactly(&data_lines(payload), payload), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_payload_stays_inside_its_event(payload in tricky_text()) {
        prop_assert_eq!(carries_exactly(&data_lines(&payload), &payload), Ok(()));
        let lines = with_lf(&payload).split('\n').count();
        prop_assert_eq!(data_lines(&payload).matches('\n').count(), lines);
    }

    #[test]
    fn any_comment_stays_a_comment(comment in tricky_text(), data in tricky_text()) {
        let mut out = BytesMut::new();
        Event::new().comment(&comment).encode(&mut out);
        Event::new().comment(&comment).event_type(event_type!("x")).data(&data).encode(&mut out);
        let observed = observe([&out[..]]);
        prop_assert_eq!(&observed, &interpret(&out));
        let expected = Observed {
            messages: vec![Seen::new(("x", &with_lf(&data), ""))],
            ..Observed::default()
        };
        prop_assert_eq!(observed, expected);
    }
}
