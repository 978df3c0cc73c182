//! The policy for `data` lines, in one place.
//!
//! A payload becomes one `data` line per line of its own, where CRLF, CR and LF all end a line.
//! No space follows the colon, except that a line which itself begins with a space gets one more:
//! clients remove exactly one, so the text arrives whole. Line ends arrive as LF. Nothing in a
//! payload can reach the start of a line of the stream, so it can neither end the event nor add a
//! field to it.

use bytes::BytesMut;

use super::sink::Sink;
use crate::line::{CR, LF, split_line};

/// Appends `payload` as the `data` lines of one event.
///
/// There is always at least one line; the empty payload is the line `data:`. The event is left
/// open: a blank line (LF) dispatches it.
///
/// ```
/// # use bytes::BytesMut;
/// let mut out = BytesMut::new();
/// headwater_sse::encode_data_lines(&mut out, "one\r\n two\r");
/// assert_eq!(out, "data:one\ndata:  two\ndata:\n");
/// ```
pub fn encode_data_lines(out: &mut BytesMut, payload: &str) {
    put_data(out, [payload]);
}

/// Appends the concatenation of `fragments` as the `data` lines of one event.
///
/// The bytes are those of [`encode_data_lines`] for the joined text, wherever the text is cut; a
/// caller that wraps a large payload need not copy it first.
///
/// ```
/// # use bytes::BytesMut;
/// let mut out = BytesMut::new();
/// headwater_sse::encode_data_fragments(&mut out, ["[", "1,2", "]"]);
/// assert_eq!(out, "data:[1,2]\n");
/// ```
pub fn encode_data_fragments<'a>(out: &mut BytesMut, fragments: impl IntoIterator<Item = &'a str>) {
    put_data(out, fragments);
}

/// What came before the next byte of the payload.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    LineStart,
    /// A line start too, but an LF that follows belongs to the line end already written.
    LineStartAfterCr,
    Text,
}

pub(super) fn put_data<'a>(sink: &mut impl Sink, fragments: impl IntoIterator<Item = &'a str>) {
    sink.put(b"data:");
    let mut before = Before::LineStart;
    for fragment in fragments {
        let mut rest = fragment.as_bytes();
        while !rest.is_empty() {
            let (line, end, tail) = split_line(rest);
            rest = tail;
            if !line.is_empty() {
                if before != Before::Text && line.starts_with(b" ") {
                    sink.put(b" ");
                }
                sink.put(line);
                before = Before::Text;
            }
            before = match end {
                None => before,
                Some(LF) if before == Before::LineStartAfterCr => Before::LineStart,
                Some(end) => {
                    sink.put(b"\ndata:");
                    if end == CR { Before::LineStartAfterCr } else { Before::LineStart }
                }
            };
        }
    }
    sink.put(b"\n");
}
