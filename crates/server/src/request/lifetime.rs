//! `Stream-TTL` and `Stream-Expires-At`, in both directions.

use headwater_core::{Expiry, Timestamp};
use http::HeaderMap;
use http::header::HeaderValue;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::field::{canonical_number, single_text};
use crate::errors::Problem;
use crate::headers;
use crate::response::{number, text};

/// When a new stream is to end.
pub(crate) fn parse(headers: &HeaderMap) -> Result<Expiry, Problem> {
    let ttl = single_text(headers, &headers::TTL)?;
    let at = single_text(headers, &headers::EXPIRES_AT)?;
    match (ttl, at) {
        (None, None) => Ok(Expiry::Never),
        (Some(_), Some(_)) => {
            Err(Problem::invalid("Stream-TTL and Stream-Expires-At exclude each other"))
        }
        (Some(ttl), None) => canonical_number(ttl).map(Expiry::Ttl).ok_or_else(|| {
            Problem::invalid("Stream-TTL must be whole seconds in digits, without leading zeros")
        }),
        (None, Some(at)) => timestamp(at)
            .map(Expiry::At)
            .ok_or_else(|| Problem::invalid("Stream-Expires-At must be an RFC 3339 timestamp")),
    }
}

/// Adds the lifetime of a stream to the answer of a HEAD: the window as it was set, or the point in time.
pub(crate) fn put(headers: &mut HeaderMap, expiry: Expiry) {
    match expiry {
        Expiry::Never => {}
        Expiry::Ttl(seconds) => {
            headers.insert(headers::TTL, number(seconds));
        }
        Expiry::At(at) => {
            if let Some(value) = rfc3339(at) {
                headers.insert(headers::EXPIRES_AT, value);
            }
        }
    }
}

/// A point in time up to the end of the year 9999 UTC; one before 1970 is as past as 1970 itself.
fn timestamp(text: &str) -> Option<Timestamp> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    let milliseconds = moment.unix_timestamp_nanos().div_euclid(1_000_000);
    Some(Timestamp(u64::try_from(milliseconds).unwrap_or(0)))
}

/// `2026-11-21T10:00:00.000Z`. `None` past the year 9999, which no request can ask for.
fn rfc3339(at: Timestamp) -> Option<HeaderValue> {
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).ok()?;
    moment.format(form).ok().map(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

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
            (&[("stream-expires-at", "1970-01-01T00:00:01.5Z")], Some(Expiry::At(Timestamp(1500)))),
            (
                &[("stream-expires-at", "1970-01-01t01:00:01z")],
                Some(Expiry::At(Timestamp(3_601_000))),
            ),
            (
                &[("stream-expires-at", "1970-01-01T01:00:01+01:00")],
                Some(Expiry::At(Timestamp(1000))),
            ),
            (&[("stream-expires-at", "1969-12-31T23:59:59Z")], Some(Expiry::At(Timestamp(0)))),
            (&[("stream-expires-at", "1970-01-01")], None),
            (&[("stream-expires-at", "1970-13-01T00:00:00Z")], None),
            (&[("stream-expires-at", "1970-01-01T00:00:00")], None),
            (&[("stream-expires-at", "1970-01-01T00:00:00Z x")], None),
            (&[("stream-expires-at", "4070908800")], None),
            (&[("stream-expires-at", "9999-12-31T23:59:59-01:00")], None),
            (&[("stream-ttl", "1"), ("stream-expires-at", "1970-01-01T00:00:01Z")], None),
            (&[("stream-ttl", "1"), ("stream-ttl", "1")], None),
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
