//! Records with what is known about each: a JSON array of envelopes, one per record.
//!
//! ```json
//! [{"sequence":1,"nextOffset":"…","timestamp":"2026-11-21T10:00:00.000Z","metadata":{},"payload":{"a":1}}]
//! ```
//!
//! The payload of a JSON stream is the value as it was appended, that of text is a string, that of everything else is base64 in a
//! string, with `"encoding":"base64"` beside it. So is text that is not UTF-8, which happens where an append ends inside
//! of a character.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use headwater_core::{ContentKind, json};
use headwater_engine::{Record, Records};

use crate::rfc3339;

/// The array, and nothing else.
pub(crate) fn array(page: &Records) -> Bytes {
    let kind = page.state.content_type.kind();
    let mut out =
        Vec::with_capacity(page.records.iter().map(|record| record.payload.len() + 192).sum());
    out.push(b'[');
    for (index, record) in page.records.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push(&mut out, kind, record);
    }
    out.push(b']');
    // It is kept until it has been sent, and what was escaped made it grow in leaps.
    out.shrink_to_fit();
    out.into()
}

fn push(out: &mut Vec<u8>, kind: ContentKind, record: &Record) {
    let Record { meta, next_offset, payload } = record;
    let timestamp = rfc3339::format(meta.at).unwrap_or_default();
    let head = format!(
        "{{\"sequence\":{},\"nextOffset\":\"{next_offset}\",\"timestamp\":\"{timestamp}\",\"metadata\":",
        meta.sequence
    );
    out.extend_from_slice(head.as_bytes());
    match &meta.metadata {
        Some(metadata) => push_json(out, metadata.as_ref()),
        None => out.extend_from_slice(b"{}"),
    }
    out.extend_from_slice(b",\"payload\":");
    match (kind, std::str::from_utf8(payload)) {
        (ContentKind::Json, _) => {
            out.extend_from_slice(payload.strip_suffix(&[json::SEPARATOR]).unwrap_or(payload));
        }
        (ContentKind::Text, Ok(text)) => push_json(out, text),
        (ContentKind::Text, Err(_)) | (ContentKind::Binary, _) => {
            push_json(out, &STANDARD.encode(payload));
            out.extend_from_slice(b",\"encoding\":\"base64\"");
        }
    }
    out.push(b'}');
}

/// Texts, and texts by name: nothing in them can fail to be written to memory.
fn push_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(&mut *out, value);
    debug_assert!(written.is_ok(), "texts are always JSON");
}
