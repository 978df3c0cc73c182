//! Header fields that may stand at most once.
//!
//! A request that says the same thing twice may mean two different things to two programs on its way; it is
//! refused.

use headwater_core::ContentType;
use headwater_core::command::Closing;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::errors::Problem;
use crate::headers;

/// Most headers that are looked through one by one for a name: as long as there are no more, to make its hash takes longer.
const FEW: usize = 8;

/// Whether a header stands there.
pub(crate) fn has(headers: &HeaderMap, name: &HeaderName) -> bool {
    match headers.keys_len() {
        ..=FEW => headers.keys().any(|key| key == name),
        _ => headers.contains_key(name),
    }
}

/// The value of a header, if it stands there. Most that are asked for do not.
pub(crate) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Problem> {
    if !has(headers, name) {
        return Ok(None);
    }
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        _ => Err(Problem::invalid(format!("the header {name} may stand only once"))),
    }
}

/// The value of a header as text.
pub(crate) fn single_text<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Problem> {
    let Some(value) = single(headers, name)? else { return Ok(None) };
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Problem::invalid(format!("the header {name} is not UTF-8"))),
    }
}

/// `Content-Type`.
pub(crate) fn content_type(headers: &HeaderMap) -> Result<Option<ContentType>, Problem> {
    let text = single_text(headers, &CONTENT_TYPE)?;
    let parse =
        |text| ContentType::parse(text).map_err(|error| Problem::invalid(error.to_string()));
    text.map(parse).transpose()
}

/// `Stream-Closed`: `true` in any letter case closes; every other value is as if it were absent.
pub(crate) fn closing(headers: &HeaderMap) -> Result<Closing, Problem> {
    let value = single(headers, &headers::CLOSED)?;
    let closes = value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    Ok(if closes { Closing::Close } else { Closing::KeepOpen })
}

/// A number of digits alone, without leading zeros, that fits 64 bits.
pub(crate) fn canonical_number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[test]
    fn a_header_stands_once_or_not_at_all() {
        let name = headers::STREAM_SEQ;
        assert!(single(&map(&[]), &name).unwrap().is_none());
        assert_eq!(single(&map(&[("stream-seq", "a")]), &name).unwrap().unwrap(), "a");
        for second in ["a", "b", ""] {
            let twice = map(&[("stream-seq", "a"), ("Stream-Seq", second)]);
            assert_eq!(single(&twice, &name).unwrap_err().code.as_str(), "invalid_request");
        }
    }

    #[test]
    fn only_true_closes() {
        for (value, expected) in [
            ("true", Closing::Close),
            ("TRUE", Closing::Close),
            ("tRuE", Closing::Close),
            ("false", Closing::KeepOpen),
            ("yes", Closing::KeepOpen),
            ("1", Closing::KeepOpen),
            ("", Closing::KeepOpen),
            ("truex", Closing::KeepOpen),
        ] {
            assert_eq!(closing(&map(&[("stream-closed", value)])).unwrap(), expected, "{value:?}");
        }
        assert_eq!(closing(&map(&[])).unwrap(), Closing::KeepOpen);
    }

    #[test]
    fn canonical_numbers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("10", Some(10)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("", None),
            ("00", None),
            ("01", None),
            ("+1", None),
            ("-1", None),
            ("1.0", None),
            ("1e3", None),
            (" 1", None),
            ("१", None),
        ] {
            assert_eq!(canonical_number(text), expected, "{text:?}");
        }
    }
}
