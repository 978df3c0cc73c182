//! Where a line ends: at CR, LF or CRLF, in both directions.
//!
//! Promises one pass over the bytes. That LF after CR belongs to the same line end is left to the
//! callers, because the two bytes may come in different pieces.

pub(crate) const CR: u8 = b'\r';
pub(crate) const LF: u8 = b'\n';

/// A block of one vector register on common machines.
const BLOCK: usize = 32;

/// The text of the first line, the byte that ended it if one did, and what follows that byte.
pub(crate) fn split_line(bytes: &[u8]) -> (&[u8], Option<u8>, &[u8]) {
    let (line, rest) = bytes.split_at_checked(find_end(bytes)).unwrap_or((bytes, &[]));
    match rest.split_first() {
        Some((&end, rest)) => (line, Some(end), rest),
        None => (line, None, rest),
    }
}

/// The position of the first CR or LF, or the length when there is none.
fn find_end(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    // Looking at a whole block without an early exit lets the compiler use vector compares.
    let clean = blocks.iter().take_while(|block| {
        !block.iter().fold(false, |found, &byte| found | (byte == CR) | (byte == LF))
    });
    let start = clean.count() * BLOCK;
    let tail = bytes.iter().skip(start);
    start + tail.take_while(|&&byte| byte != CR && byte != LF).count()
}
