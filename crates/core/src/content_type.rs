//! The media type of a stream, and what follows from it.

use std::fmt;
use std::sync::Arc;

/// Longest content type, in bytes. Real ones stay under 100; the rest is room for parameters.
pub const MAX_CONTENT_TYPE_BYTES: usize = 256;

/// How a stream's bytes divide into records and how live doors write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// `application/json`: every record is one JSON value.
    Json,
    /// `text/*`: bytes that live doors write as text.
    Text,
    /// Everything else: bytes that live doors write as base64.
    Binary,
}

/// A syntactically valid media type, kept as it was written.
///
/// Two content types are the same stream type when type and subtype agree, letter case and parameters aside
/// ([`ContentType::same_type`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    text: Arc<str>,
    essence_len: usize,
}

/// The text is not a media type of at most [`MAX_CONTENT_TYPE_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content type is not `type/subtype` with optional parameters")]
pub struct InvalidContentType;

impl ContentType {
    /// Parses a media type: `type "/" subtype`, then optional parameters after `;`.
    ///
    /// # Errors
    /// [`InvalidContentType`] when type or subtype is missing or holds something other than token characters, or when a
    /// parameter holds control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidContentType> {
        let text = text.trim_matches([' ', '\t']);
        if text.len() > MAX_CONTENT_TYPE_BYTES {
            return Err(InvalidContentType);
        }
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let essence = essence.trim_end_matches([' ', '\t']);
        let (kind, subtype) = essence.split_once('/').ok_or(InvalidContentType)?;
        let token = |part: &str| !part.is_empty() && part.bytes().all(is_token_byte);
        let visible = parameters.bytes().all(|b| b == b'\t' || (b >= 0x20 && b != 0x7F));
        if !token(kind) || !token(subtype) || !visible {
            return Err(InvalidContentType);
        }
        Ok(Self { text: text.into(), essence_len: essence.len() })
    }

    /// The type of a stream that was created without one: `application/octet-stream`.
    #[must_use]
    pub fn octet_stream() -> Self {
        let text = "application/octet-stream";
        Self { text: text.into(), essence_len: text.len() }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Type and subtype without parameters, in the letter case it was written.
    #[must_use]
    pub fn essence(&self) -> &str {
        self.text.get(..self.essence_len).unwrap_or(&self.text)
    }

    /// Whether both name the same type and subtype.
    #[must_use]
    pub fn same_type(&self, other: &Self) -> bool {
        self.essence().eq_ignore_ascii_case(other.essence())
    }

    /// How records of this type are framed.
    #[must_use]
    pub fn kind(&self) -> ContentKind {
        let essence = self.essence();
        if essence.eq_ignore_ascii_case("application/json") {
            ContentKind::Json
        } else if essence.get(..5).is_some_and(|prefix| prefix.eq_ignore_ascii_case("text/")) {
            ContentKind::Text
        } else {
            ContentKind::Binary
        }
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A `tchar` of RFC 9110, section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    // Letters, digits, and the signs that real types have stand first: each request has a type.
    matches!(byte, b'a'..=b'z' | b'-' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'+')
        || b"!#$%&'*^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_compares() {
        let parse = |text| ContentType::parse(text).unwrap();
        assert!(parse("Text/Plain; charset=utf-8").same_type(&parse("text/plain")));
        assert!(!parse("text/plain").same_type(&parse("text/html")));
        for (text, kind) in [
            ("application/json", ContentKind::Json),
            ("Application/JSON;charset=utf-8", ContentKind::Json),
            ("application/jsonl", ContentKind::Binary),
            ("TEXT/event", ContentKind::Text),
            ("image/png", ContentKind::Binary),
        ] {
            assert_eq!(parse(text).kind(), kind, "{text}");
        }
    }

    #[test]
    fn rejects_what_is_no_media_type() {
        for text in
            ["", "text", "text/", "/plain", "te xt/plain", "text/pl\nain", "a/b;\u{1}", "ü/x"]
        {
            assert_eq!(ContentType::parse(text), Err(InvalidContentType), "{text:?}");
        }
        assert!(ContentType::parse(&format!("a/{}", "b".repeat(300))).is_err());
    }
}
