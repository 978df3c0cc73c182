//! JSON mode: how a body becomes records, and how records become a body.
//!
//! One level of array is flattened. A value keeps its original bytes, so that big numbers, `1.0`, duplicate keys and
//! the spelling of strings survive. A record is stored as its bytes plus one comma, which makes any run of records one
//! contiguous stretch that becomes an array by a bracket on each side ([`enclose`]), without work per record.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::value::RawValue;

use crate::record::{Batch, BatchRecord};
use crate::storage::Portion;

/// Stored after every value.
pub const SEPARATOR: u8 = b',';

/// Most levels of nesting, counted with the array in which values are read back.
///
/// Common parsers stop here. One deeper value would keep every program that uses them from reading the stream at all.
pub const MAX_NESTING: usize = 127;

/// The body is not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON at line {line}, column {column}: {reason}")]
pub struct InvalidJson {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    /// What the parser says.
    pub reason: String,
}

impl From<serde_json::Error> for InvalidJson {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or_default().to_owned();
        Self { line: error.line(), column: error.column(), reason }
    }
}

/// What the structure of a body tells before it is parsed. Found in one pass that takes no memory, so that it is known
/// what framing will take before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    /// At least as many records as [`frame`] makes of the body; exactly as many of valid JSON that is no empty array.
    pub(crate) records: usize,
    array: bool,
    /// Where it first nests deeper than [`MAX_NESTING`], if it is valid JSON.
    too_deep: Option<usize>,
}

impl Outline {
    /// Looks over a body.
    pub(crate) fn of(body: &[u8]) -> Self {
        let array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        // A value that is no array itself gains one level when it is read back.
        let most = MAX_NESTING - usize::from(!array);
        let mut outline = Self { records: 1, array, too_deep: None };
        let (mut depth, mut rest) = (0usize, body.iter());
        while let Some(byte) = rest.next() {
            match byte {
                b'"' => rest = behind_string(rest.as_slice()).iter(),
                b'[' | b'{' => {
                    depth += 1;
                    if depth > most && outline.too_deep.is_none() {
                        outline.too_deep = Some(body.len() - rest.len() - 1);
                    }
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b',' if depth == 1 && array => outline.records += 1,
                _ => {}
            }
        }
        outline
    }
}

/// What follows a string, given all behind the quote that opens it.
fn behind_string(mut text: &[u8]) -> &[u8] {
    // Strings are most of most bodies, and need no look at each byte.
    while let Some(at) = memchr::memchr2(b'"', b'\\', text) {
        let escapes = usize::from(text.get(at) == Some(&b'\\'));
        text = text.get(at + 1 + escapes..).unwrap_or_default();
        if escapes == 0 {
            return text;
        }
    }
    &[]
}

/// Splits a body into records: the elements of a top-level array, or the one value.
///
/// Returns `None` for an empty array.
///
/// # Errors
/// [`InvalidJson`] when the body is not exactly one JSON value, is not UTF-8, or nests deeper than [`MAX_NESTING`].
pub fn frame(body: &[u8]) -> Result<Option<Batch>, InvalidJson> {
    frame_along(Outline::of(body), body)
}

/// [`frame`] for a body that has been looked over: the outline is its own.
pub(crate) fn frame_along(outline: Outline, body: &[u8]) -> Result<Option<Batch>, InvalidJson> {
    let values: Vec<&RawValue> = if outline.array {
        serde_json::from_slice(body)?
    } else {
        vec![serde_json::from_slice(body)?]
    };
    if values.is_empty() {
        return Ok(None);
    }
    if let Some(index) = outline.too_deep {
        return Err(too_deep(body, index));
    }
    let mut payload = BytesMut::with_capacity(body.len() + 1);
    let records: Arc<[BatchRecord]> = values
        .iter()
        .map(|value| {
            let bytes = value.get().as_bytes();
            payload.put_slice(bytes);
            payload.put_u8(SEPARATOR);
            BatchRecord::plain(bytes.len() as u64 + 1)
        })
        .collect();
    Ok(Batch::new(payload.freeze(), records).ok())
}

fn too_deep(json: &[u8], index: usize) -> InvalidJson {
    let before = json.get(..index).unwrap_or_default();
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    InvalidJson { line, column, reason: format!("nested deeper than {MAX_NESTING} levels") }
}

/// The parts of a JSON body for stored bytes that begin and end on record boundaries: `[`, the values, `]`.
#[must_use]
pub fn enclose(mut stored: Vec<Portion>) -> Vec<Portion> {
    while stored.last().is_some_and(Portion::is_empty) {
        stored.pop();
    }
    if let Some(last) = stored.last_mut() {
        last.truncate(last.len().saturating_sub(1));
    }
    let mut parts = Vec::with_capacity(stored.len() + 2);
    parts.push(Bytes::from_static(b"[").into());
    parts.append(&mut stored);
    parts.push(Bytes::from_static(b"]").into());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(body: &str) -> Option<(String, usize)> {
        let batch = frame(body.as_bytes()).unwrap()?;
        Some((String::from_utf8(batch.payload().to_vec()).unwrap(), batch.records().len()))
    }

    #[test]
    fn values_keep_their_bytes() {
        for (body, expected, count) in [
            ("1", "1,", 1),
            (
                " {\"a\": 1.0 , \"a\":12345678901234567890}\n",
                "{\"a\": 1.0 , \"a\":12345678901234567890},",
                1,
            ),
            ("[1, \"x,]\" ,null]", "1,\"x,]\",null,", 3),
            ("[[1,2],[3,4]]", "[1,2],[3,4],", 2),
            ("[[]]", "[],", 1),
            ("\"\\u00e9\"", "\"\\u00e9\",", 1),
            ("1e999", "1e999,", 1),
        ] {
            assert_eq!(stored(body), Some((expected.to_owned(), count)), "{body}");
        }
        assert_eq!(stored(" [ ] "), None);
    }

    #[test]
    fn values_are_counted_before_they_are_parsed() {
        let count = |body: &str| Outline::of(body.as_bytes()).records;
        for (body, expected) in [
            ("1", 1),
            (" {\"a\":1,\"b\":[1,2]} ", 1),
            ("\",[,\"", 1),
            ("[1]", 1),
            (" [1, \"x,]\\\",\" ,null]", 3),
            ("[[1,2],{\"a\":[3,4],\"b\":5}]", 2),
            ("[\"\\\\\",\"\\\\\\\"\",1]", 3),
            ("[\"\",\",\\\",[\",{\"\\\"\":\"]\"}]", 3),
        ] {
            assert_eq!(count(body), expected, "{body}");
            assert_eq!(stored(body).unwrap().1, expected, "{body}");
        }
        // Never fewer than the values before the place where it stops being JSON.
        for (body, least) in [
            ("", 0),
            ("[]", 0),
            ("[1,2", 2),
            ("[1,2,", 2),
            ("[[1],2}", 2),
            ("[1,2]],", 2),
            ("[1,2,\"a", 3),
            ("[1,\"\\", 2),
        ] {
            assert!(count(body) >= least, "{body}");
        }
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        let deep = "[".repeat(100_000);
        for body in ["", " ", "{", "[1,]", "1 2", "nul", "[1] x", "\"\u{1}\"", "'a'", deep.as_str()]
        {
            assert!(frame(body.as_bytes()).is_err(), "{body:.20?}");
        }
        assert!(frame(b"\"\xff\"").is_err());
    }

    #[test]
    fn enclosing_gives_an_array() {
        let text = |stored: &[&'static str]| {
            let stored = stored.iter().map(|part| Bytes::from(*part).into());
            let parts = enclose(stored.collect());
            let parts = parts.iter().map(|part| part.memory().unwrap().clone());
            String::from_utf8(parts.collect::<Vec<_>>().concat()).unwrap()
        };
        assert_eq!(text(&[]), "[]");
        assert_eq!(text(&["1,2,", "3,"]), "[1,2,3]");
        assert_eq!(text(&["1,", ""]), "[1]");
    }
}
