//! Fields that are lists, or have to be there exactly once.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Whether a byte may be part of a token (RFC 9110, 5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether this is a token.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// The field's only value.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { None } else { first }
}

/// The elements of a list, in all of its lines; `None` if one cannot be read as text.
pub(super) fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<&'a str>> {
    let mut elements = Vec::new();
    for value in headers.get_all(name) {
        let value = value.to_str().ok()?;
        elements.extend(value.split(',').map(str::trim).filter(|element| !element.is_empty()));
    }
    Some(elements)
}

/// Whether a list has this token, in any case of letters.
pub(super) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let elements = elements(headers, name).unwrap_or_default();
    elements.iter().any(|element| element.eq_ignore_ascii_case(token))
}
