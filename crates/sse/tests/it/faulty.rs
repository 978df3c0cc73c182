//! Decoders with a fault that decoders in the field have, made of one that has none.

use crate::reference::interpret;
use crate::support::Observed;

/// (fault, a decoder that has it)
pub(crate) type FaultyDecoder = (&'static str, fn(&[&[u8]]) -> Observed);

pub(crate) const FAULTY_DECODERS: &[FaultyDecoder] = &[
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
