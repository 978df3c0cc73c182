//! Bytes from a fuzzer, made into streams that are mostly fields and line ends.

use crate::reference::interpret;
use crate::support::{Observed, cut};

/// What a fuzzer would take long to guess; each is one byte of its input.
const WORDS: &[&[u8]] = &[
    b"data:",
    b"data: ",
    b"data",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"id:",
    b"id: ",
    b"event:",
    b"retry: ",
    b":",
    b" ",
    b"\0",
    b"\xEF\xBB\xBF",
    b"\xE2\x80\xA6",
    b"\xF0\x9F\x98\x80",
    b"12",
];

/// A stream: each byte is a word, or itself.
pub(crate) fn expand(input: &[u8]) -> Vec<u8> {
    let expand = |byte: &u8| match WORDS.get(usize::from(*byte)) {
        Some(word) => word.to_vec(),
        None => vec![*byte],
    };
    input.iter().flat_map(expand).collect()
}

/// Where a decoder disagrees with the standard on this stream, cut like this.
pub(crate) fn disagreement(
    decode: impl Fn(&[&[u8]]) -> Observed,
    stream: &[u8],
    cuts: &[u8],
) -> Option<(Observed, Observed)> {
    let lengths: Vec<_> = cuts.iter().map(|length| usize::from(length % 12)).collect();
    let (found, wanted) = (decode(&cut(stream, &lengths)), interpret(stream));
    (found != wanted).then_some((found, wanted))
}
