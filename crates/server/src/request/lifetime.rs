//! `Stream-TTL`, `Stream-TTL-After-Close` and `Stream-Expires-At`, in both directions.

use headwater_core::Expiry;
use http::HeaderMap;

use super::field::{canonical_number, single_text};
use crate::errors::Problem;
use crate::headers;
use crate::response::{number, text};
use crate::rfc3339;

/// When a new stream is to end.
pub(crate) fn parse(headers: &HeaderMap) -> Result<Expiry, Problem> {
    let ttl = single_text(headers, &headers::TTL)?;
    let after_close = single_text(headers, &headers::TTL_AFTER_CLOSE)?;
    let at = single_text(headers, &headers::EXPIRES_AT)?;
    match (ttl, after_close, at) {
        (None, None, None) => Ok(Expiry::Never),
        (Some(ttl), None, None) => seconds(ttl, "Stream-TTL").map(Expiry::Ttl),
        (None, Some(ttl), None) => seconds(ttl, "Stream-TTL-After-Close").map(Expiry::AfterClose),
        (None, None, Some(at)) => rfc3339::parse(at)
            .map(Expiry::At)
            .ok_or_else(|| Problem::invalid("Stream-Expires-At must be an RFC 3339 timestamp")),
        _ => Err(Problem::invalid(
            "Stream-TTL, Stream-TTL-After-Close and Stream-Expires-At exclude each other",
        )),
    }
}

fn seconds(text: &str, name: &str) -> Result<u64, Problem> {
    canonical_number(text).ok_or_else(|| {
        Problem::invalid(format!("{name} must be whole seconds in digits, without leading zeros"))
    })
}

/// Adds the lifetime of a stream to the answer of a HEAD: the window as it was set, or the point in time.
pub(crate) fn put(headers: &mut HeaderMap, expiry: Expiry) {
    match expiry {
        Expiry::Never => {}
        Expiry::Ttl(seconds) => {
            headers.insert(headers::TTL, number(seconds));
        }
        Expiry::AfterClose(seconds) => {
            headers.insert(headers::TTL_AFTER_CLOSE, number(seconds));
        }
        Expiry::At(at) => {
            if let Some(at) = rfc3339::format(at) {
                headers.insert(headers::EXPIRES_AT, text(at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;
    use headwater_core::Timestamp;

    #[test]
    fn lifetimes_are_parsed_or_refused() {
        for (fields, expected) in [
            (&[][..], Some(Expiry::Never)),
            (&[("stream-ttl", "3600")], Some(Expiry::Ttl(3600))),
            (&[("stream-ttl", "0")], Some(Expiry::Ttl(0))),
            (&[("stream-ttl", "01")], None),
            (&[("stream-ttl", "+1")], None),
            (&[("stream-ttl", "")], None),
            (&[("stream-ttl", "99999999999999999999999999")], None),
            (&[("stream-expires-at", "1970-01-01T00:00:01Z")], Some(Expiry::At(Timestamp(1000)))),
            (&[("stream-expires-at", "1970-01-01")], None),
            (&[("stream-ttl", "1"), ("stream-expires-at", "1970-01-01T00:00:01Z")], None),
            (&[("stream-ttl", "1"), ("stream-ttl", "1")], None),
            (&[("stream-ttl-after-close", "60")], Some(Expiry::AfterClose(60))),
            (&[("stream-ttl-after-close", "060")], None),
            (&[("stream-ttl", "1"), ("stream-ttl-after-close", "1")], None),
            (
                &[("stream-ttl-after-close", "1"), ("stream-expires-at", "1970-01-01T00:00:01Z")],
                None,
            ),
        ] {
            assert_eq!(parse(&map(fields)).ok(), expected, "{fields:?}");
        }
    }

    #[test]
    fn head_tells_the_lifetime() {
        let told = |expiry| {
            let mut headers = HeaderMap::new();
            put(&mut headers, expiry);
            let value = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            (value(headers::TTL), value(headers::EXPIRES_AT))
        };
        assert_eq!(told(Expiry::Never), (None, None));
        assert_eq!(told(Expiry::Ttl(60)), (Some("60".into()), None));
        let at = Expiry::At(Timestamp(1_795_255_200_007));
        assert_eq!(told(at), (None, Some("2026-11-21T10:00:00.007Z".into())));
        assert_eq!(told(Expiry::At(Timestamp::MAX)), (None, None));
    }
}
