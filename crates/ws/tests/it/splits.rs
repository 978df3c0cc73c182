//! The same is seen wherever the bytes are cut, and it is what the model says.

use proptest::prelude::*;

use crate::model::interpret;
use crate::support::{Frame, Seen, bytes_of, decode, server};

/// (name, frames); what each comes to is the model's to say.
pub(crate) fn corpus() -> Vec<(&'static str, Vec<Frame>)> {
    let text = "Grüße, 世界 🦀".as_bytes();
    let in_fragments = |at: usize| vec![Frame::more(1, &text[..at]), Frame::new(0, &text[at..])];
    vec![
        ("a text", vec![Frame::new(1, text)]),
        ("bytes", vec![Frame::new(2, vec![0, 255, 128])]),
        ("nothing", vec![Frame::new(1, ""), Frame::new(2, "")]),
        ("two messages", vec![Frame::new(1, "a"), Frame::new(2, "b")]),
        ("two bytes of length", vec![Frame::new(2, vec![7; 126]), Frame::new(1, "end")]),
        ("a character over fragments", in_fragments(3)),
        ("an emoji over fragments", in_fragments(text.len() - 2)),
        (
            "a ping between fragments",
            vec![Frame::more(1, "he"), Frame::new(9, "now?"), Frame::new(0, "llo")],
        ),
        ("empty fragments", vec![Frame::more(2, ""), Frame::more(0, ""), Frame::new(0, "x")]),
        ("the longest ping", vec![Frame::new(9, vec![1; 125])]),
        ("a ping too long", vec![Frame::new(9, vec![1; 126])]),
        ("a ping in fragments", vec![Frame::more(9, "a"), Frame::new(0, "b")]),
        ("a pong nobody asked for", vec![Frame::new(10, "hm"), Frame::new(1, "on")]),
        ("not UTF-8", vec![Frame::new(1, vec![b'a', 0xC3, 0x28])]),
        ("a surrogate", vec![Frame::new(1, vec![0xED, 0xA0, 0x80])]),
        ("a text that ends in a character", vec![Frame::new(1, vec![b'a', 0xC3])]),
        (
            "not UTF-8 in a fragment that is not the last",
            vec![Frame::more(1, vec![0xF4, 0x90]), Frame::new(9, "seen?")],
        ),
        ("a continuation of nothing", vec![Frame::new(0, "x")]),
        ("a message in a message", vec![Frame::more(1, "a"), Frame::new(1, "b")]),
        ("an unknown opcode", vec![Frame::new(3, "x")]),
        ("an unknown control opcode", vec![Frame::new(11, "x")]),
        ("a reserved bit", vec![Frame { reserved: 4, ..Frame::new(1, "x") }]),
        ("no mask", vec![Frame { mask: None, ..Frame::new(1, "x") }]),
        ("a close without a word", vec![Frame::new(8, ""), Frame::new(1, "unread")]),
        ("a close of one byte", vec![Frame::new(8, "x")]),
        ("a close with a text", vec![Frame::new(8, [&[3, 232][..], text].concat())]),
        ("a close that is not UTF-8", vec![Frame::new(8, vec![3, 232, 0xFF])]),
        (
            "a close in a message",
            vec![Frame::more(1, "a"), Frame::new(8, vec![15, 160]), Frame::new(0, "b")],
        ),
    ]
}

/// A decoder under test: what it sees of pieces.
pub(crate) type Subject = fn(&[&[u8]]) -> Vec<Seen>;

/// The first of the corpus at which the subject differs from the model, whole or cut in one or
/// two places.
pub(crate) fn first_disagreement(subject: Subject) -> Option<String> {
    first_difference(subject, |seen| seen)
}

/// The same for a subject that does not show everything, but what `shown` leaves of it.
pub(crate) fn first_difference(
    subject: Subject,
    shown: fn(Vec<Seen>) -> Vec<Seen>,
) -> Option<String> {
    for (name, frames) in corpus() {
        let (bytes, expected) = (bytes_of(&frames), shown(interpret(&frames)));
        for cut in 0..=bytes.len() {
            let (a, rest) = bytes.split_at(cut);
            for other in [0, 1, 5, rest.len() / 2] {
                let (b, c) = rest.split_at(other.min(rest.len()));
                let seen = subject(&[a, b, c]);
                if seen != expected {
                    return Some(format!("{name}, cut at {cut} and {other} on: {seen:?}"));
                }
            }
        }
        let bytewise: Vec<_> = bytes.chunks(1).collect();
        if subject(&bytewise) != expected {
            return Some(format!("{name}, byte by byte"));
        }
    }
    None
}

#[test]
fn every_cut_of_the_corpus() {
    assert_eq!(first_disagreement(|pieces| decode(server(), pieces)), None);
}

#[test]
fn the_corpus_meets_every_kind_of_end() {
    let ends: Vec<_> = corpus().iter().flat_map(|(_, frames)| interpret(frames)).collect();
    assert!(ends.contains(&Seen::Failed(1002)) && ends.contains(&Seen::Failed(1007)));
    assert!(ends.iter().any(|seen| matches!(seen, Seen::Close(Some(_)))));
}

/// Mostly valid: fragmented text and bytes with control frames between; sometimes one is spoilt.
pub(crate) fn frames() -> impl Strategy<Value = Vec<Frame>> {
    let payload = prop_oneof![
        4 => "[a-zäé€😀]{0,12}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..10),
        1 => (100_usize..400).prop_map(|length| vec![b'x'; length]),
    ];
    let data = (1_u8..=2, payload, prop::collection::vec(any::<prop::sample::Index>(), 0..3))
        .prop_map(|(opcode, payload, cuts)| {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
            cuts.extend([0, payload.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| payload[pair[0]..pair[1]].to_vec());
            let mut frames: Vec<_> = pieces.map(|piece| Frame::more(0, piece)).collect();
            frames[0].opcode = opcode;
            frames.last_mut().unwrap().fin = true;
            frames
        });
    let control = (9_u8..=10, prop::collection::vec(any::<u8>(), 0..126))
        .prop_map(|(opcode, payload)| vec![Frame::new(opcode, payload)]);
    let close = (900_u16..5100, "[a-zé]{0,8}").prop_map(|(code, text)| {
        vec![Frame::new(8, [&code.to_be_bytes()[..], text.as_bytes()].concat())]
    });
    let group = prop_oneof![6 => data, 3 => control, 1 => close];
    let spoil = prop::option::weighted(0.3, (any::<prop::sample::Index>(), 0_u8..5, any::<u8>()));
    (prop::collection::vec((group, any::<[u8; 4]>()), 1..8), spoil).prop_map(|(groups, spoil)| {
        let mut frames = Vec::new();
        for (group, mask) in groups {
            for frame in group {
                // Control frames go where they come, also between the fragments of a message.
                let at = if frame.opcode > 8 && frames.len() > 1 {
                    frames.len() - 1
                } else {
                    frames.len()
                };
                frames.insert(at, Frame { mask: Some(mask), ..frame });
            }
        }
        if let Some((which, how, value)) = spoil {
            let at = which.index(frames.len());
            let frame = &mut frames[at];
            match how {
                0 => frame.fin = !frame.fin,
                1 => frame.reserved = value % 8,
                2 => frame.opcode = value % 16,
                3 => frame.mask = None,
                _ => frame.payload.push(value),
            }
        }
        frames
    })
}

proptest! {
    #[test]
    fn any_frames_at_any_cuts(frames in frames(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let bytes = bytes_of(&frames);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(decode(server(), &pieces), interpret(&frames));
    }
}
