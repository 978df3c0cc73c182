//! The list of extensions, RFC 6455 section 9.1.

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_EXTENSIONS;

use super::headers::is_token;

/// An extension and its parameters, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) name: String,
    pub(crate) params: Vec<(String, Option<String>)>,
}

impl Extension {
    /// All that are named, over all lines; `None` if a line is malformed.
    pub(super) fn parse_all(headers: &HeaderMap) -> Option<Vec<Self>> {
        let mut found = Vec::new();
        for value in headers.get_all(SEC_WEBSOCKET_EXTENSIONS) {
            let value = value.to_str().ok()?;
            for element in split_unquoted(value, ',')? {
                if !element.trim().is_empty() {
                    found.push(Self::parse(element)?);
                }
            }
        }
        Some(found)
    }

    fn parse(element: &str) -> Option<Self> {
        let mut parts = split_unquoted(element, ';')?.into_iter().map(str::trim);
        let name = parts.next().filter(|name| is_token(name))?.to_owned();
        let params = parts.map(parse_param).collect::<Option<_>>()?;
        Some(Self { name, params })
    }
}

fn parse_param(text: &str) -> Option<(String, Option<String>)> {
    let (name, value) = match text.split_once('=') {
        None => (text, None),
        Some((name, value)) => (name.trim_end(), Some(unquote(value.trim_start())?)),
    };
    let well = is_token(name) && value.as_deref().is_none_or(is_token);
    well.then(|| (name.to_owned(), value))
}

/// A value without the quotes that it may have. It has to be a token inside, too.
fn unquote(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let inner = inner.strip_suffix('"')?;
    let (mut text, mut escaped) = (String::new(), false);
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            text.push(c);
        }
    }
    (!escaped).then_some(text)
}

/// The parts between separators outside of quotes; `None` if a quote is not closed.
fn split_unquoted(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => {
                parts.push(text.get(start..at)?);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    (!quoted).then_some(parts)
}
