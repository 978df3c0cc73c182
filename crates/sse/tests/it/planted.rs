//! Faults that encoders and decoders have in the field; the checks above must see each of them.

use crate::decoding::first_disagreement;
use crate::faulty::FAULTY_DECODERS;
use crate::injection::{ATTACKS, carries_exactly};
use crate::reference::interpret;

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
