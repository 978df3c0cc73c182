//! Faults that decoders have in the field; the check of all cuts must see each of them.

use crate::model::interpret;
use crate::splits::{Subject, first_disagreement};
use crate::support::{Frame, Seen, decode, server};

/// (fault, a decoder that has it)
const FAULTY: &[(&str, Subject)] = &[
    ("what is cut off is forgotten", |pieces| {
        pieces.iter().flat_map(|piece| decode(server(), &[piece])).collect()
    }),
    ("text is checked piece by piece", |pieces| {
        through_frames(pieces, |frames| {
            let broken = |frame: &Frame| {
                frame.opcode == 1 && !frame.fin && str::from_utf8(&frame.payload).is_err()
            };
            if frames.iter().any(broken) { vec![Seen::Failed(1007)] } else { interpret(frames) }
        })
    }),
    ("text is checked at its end only", |pieces| {
        through_frames(pieces, |frames| {
            let whole = frames.iter().any(|frame| frame.fin && frame.opcode < 3);
            let mut seen = interpret(frames);
            if !whole {
                seen.retain(|seen| *seen != Seen::Failed(1007));
            }
            seen
        })
    }),
    ("a ping ends the message it is in", |pieces| {
        through_frames(pieces, |frames| {
            let mut seen = Vec::new();
            for part in frames.split_inclusive(|frame| frame.opcode == 9) {
                seen.extend(interpret(part));
            }
            seen
        })
    }),
    ("a pong is not expected", |pieces| {
        let mut seen = decode(server(), pieces);
        seen.retain(|seen| !matches!(seen, Seen::Pong(_)));
        seen
    }),
    ("what follows a close is read", |pieces| {
        through_frames(pieces, |frames| {
            let parts = frames.split_inclusive(|frame| frame.opcode == 8);
            parts.flat_map(interpret).collect()
        })
    }),
    ("a mask is optional", |pieces| {
        through_frames(pieces, |frames| {
            let masked = |frame: &Frame| Frame { mask: Some([0; 4]), ..frame.clone() };
            interpret(&frames.iter().map(masked).collect::<Vec<_>>())
        })
    }),
    ("reserved bits do not matter", |pieces| {
        through_frames(pieces, |frames| {
            let plain = |frame: &Frame| Frame { reserved: 0, ..frame.clone() };
            interpret(&frames.iter().map(plain).collect::<Vec<_>>())
        })
    }),
];

/// Lets a fault work on frames, where it is easily said.
fn through_frames(pieces: &[&[u8]], fault: fn(&[Frame]) -> Vec<Seen>) -> Vec<Seen> {
    let bytes = pieces.concat();
    let frames = crate::splits::corpus().into_iter().map(|(_, frames)| frames);
    let mut same = frames.filter(|frames| crate::support::bytes_of(frames) == bytes);
    fault(&same.next().expect("the bytes are of the corpus"))
}

#[test]
fn a_subject_without_a_fault_passes() {
    assert_eq!(first_disagreement(|pieces| through_frames(pieces, interpret)), None);
}

#[test]
fn every_planted_fault_is_seen() {
    for (fault, subject) in FAULTY {
        assert!(first_disagreement(*subject).is_some(), "not seen: {fault}");
    }
}
