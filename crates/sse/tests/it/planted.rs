//! Faults that encoders and decoders have in the field; the checks above must see each of them.

use crate::decoding::first_disagreement;
use crate::injection::{ATTACKS, carries_exactly};
use crate::reference::interpret;
use crate::support::Observed;

/// (fault, an encoder of `data` lines that has it)
type FaultyEncoder = (&'static str, fn(&str) -> String);

const FAULTY_ENCODERS: &[FaultyEncoder] = &[
    ("the payload as it is", |payload| format!("data:{payload}\n")),
    ("only LF ends a line", |payload| lines(payload.split('\n'))),
    ("only LF and CRLF end a line", |payload| lines(payload.replace("\r\n", "\n").split('\n'))),
    ("CRLF ends two lines", |payload| lines(payload.split(['\r', '\n']))),
    ("a last empty line is lost", |payload| lines(payload.replace('\r', "\n").lines())),
    ("a leading space is lost", |payload| {
        let payload = payload.replace("\r\n", "\n").replace('\r', "\n");
        payload.split('\n').map(|line| format!("data:{line}\n")).collect()
    }),
];

/// Writes every line with the space that clients remove.
fn lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    lines.into_iter().map(|line| format!("data: {line}\n")).collect()
}

/// (fault, a decoder that has it)
type FaultyDecoder = (&'static str, fn(&[&[u8]]) -> Observed);

const FAULTY_DECODERS: &[FaultyDecoder] = &[
    ("UTF-8 piece by piece", |pieces| {
        let text: String = pieces.iter().map(|piece| String::from_utf8_lossy(piece)).collect();
        interpret(text.as_bytes())
    }),
    ("line ends piece by piece", |pieces| {
        let unify = |piece: &&[u8]| {
            let mut piece = piece.to_vec();
            while let Some(at) = piece.windows(2).position(|pair| pair == b"\r\n") {
                piece.remove(at);
            }
            piece.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
            piece
        };
        interpret(&pieces.iter().map(unify).collect::<Vec<_>>().concat())
    }),
    ("a mark in every piece", |pieces| {
        let stripped =
            pieces.iter().map(|piece| piece.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(piece));
        interpret(&stripped.collect::<Vec<_>>().concat())
    }),
    ("the end of the stream dispatches", |pieces| {
        interpret(&[&pieces.concat()[..], b"\n\n"].concat())
    }),
    ("an id lives for one event", |pieces| {
        let mut observed = interpret(&pieces.concat());
        let mut before = String::new();
        for seen in &mut observed.messages {
            if seen.last_event_id == before {
                seen.last_event_id.clear();
            } else {
                before.clone_from(&seen.last_event_id);
            }
        }
        observed
    }),
    ("empty data is no message", |pieces| {
        let mut observed = interpret(&pieces.concat());
        observed.messages.retain(|seen| !seen.data.is_empty());
        observed
    }),
];

#[test]
fn the_injection_check_sees_every_faulty_encoder() {
    for (fault, encode) in FAULTY_ENCODERS {
        let seen =
            ATTACKS.iter().any(|payload| carries_exactly(&encode(payload), payload).is_err());
        assert!(seen, "not seen: {fault}");
    }
}

#[test]
fn the_corpus_sees_every_faulty_decoder() {
    for (fault, decode) in FAULTY_DECODERS {
        assert!(first_disagreement(decode).is_some(), "not seen: {fault}");
    }
    assert_eq!(first_disagreement(|pieces| interpret(&pieces.concat())), None);
}
