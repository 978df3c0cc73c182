//! The chunks of an HTTP/1.1 answer whose length nobody knows.

use std::io::Write as _;

use bytes::{BufMut, Bytes, BytesMut};

/// What ends the answer.
pub(super) const LAST: Bytes = Bytes::from_static(b"0\r\n\r\n");

const LINE_END: &[u8] = b"\r\n";

/// The digits of a length, and the end of their line.
const HEAD_ROOM: usize = 2 * size_of::<usize>() + LINE_END.len();

/// These pieces as one chunk in one piece of memory. Nothing where there are none, because an empty chunk would be the last.
pub(super) fn one(pieces: &[impl AsRef<[u8]>], room: usize) -> BytesMut {
    let length = length(pieces);
    let mut out = BytesMut::with_capacity(HEAD_ROOM + length + LINE_END.len() + room);
    if length > 0 {
        out.extend_from_slice(&head(length));
        pieces.iter().for_each(|piece| out.extend_from_slice(piece.as_ref()));
        out.extend_from_slice(LINE_END);
    }
    out
}

pub(super) fn length(pieces: &[impl AsRef<[u8]>]) -> usize {
    pieces.iter().map(|piece| piece.as_ref().len()).sum()
}

fn head(length: usize) -> BytesMut {
    let mut out = BytesMut::with_capacity(HEAD_ROOM).writer();
    // Memory takes whatever is written to it.
    let _ = write!(out, "{length:x}\r\n");
    out.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_one_chunk_and_nothing_is_none() {
        assert_eq!(one(&["abc", "", "0123456789abc"], 0), b"10\r\nabc0123456789abc\r\n"[..]);
        assert_eq!(one(&[Bytes::new()], 9), b""[..]);
        let long = "x".repeat(0x1_2345);
        let framed = one(&[&long], 0);
        assert!(framed.starts_with(b"12345\r\nxxx") && framed.ends_with(b"xxx\r\n"));
        assert_eq!(framed.len(), long.len() + 9);
    }
}
