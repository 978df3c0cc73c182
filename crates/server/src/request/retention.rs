//! `Stream-Retention-Bytes` and `Stream-Retention-Seconds`, in both directions.

use std::num::NonZeroU64;

use headwater_core::StreamState;
use headwater_core::retention::{Retention, Wanted};
use http::header::{HeaderMap, HeaderName};

use super::field::{canonical_number, single_text};
use crate::errors::Problem;
use crate::headers;
use crate::response::number;

/// How much a new stream is to keep.
pub(crate) fn parse(headers: &HeaderMap) -> Result<Wanted, Problem> {
    let retention = Retention {
        bytes: limit(headers, &headers::RETENTION_BYTES, "Stream-Retention-Bytes")?,
        seconds: limit(headers, &headers::RETENTION_SECONDS, "Stream-Retention-Seconds")?,
    };
    Ok(if retention.is_limited() { Wanted::Exactly(retention) } else { Wanted::default() })
}

fn limit(
    headers: &HeaderMap,
    header: &HeaderName,
    name: &str,
) -> Result<Option<NonZeroU64>, Problem> {
    let Some(text) = single_text(headers, header)? else { return Ok(None) };
    let limit = canonical_number(text).and_then(NonZeroU64::new);
    limit
        .map(Some)
        .ok_or_else(|| Problem::invalid(format!("{name} must be a number in digits, more than 0")))
}

/// Adds what a stream keeps to the answer of a HEAD.
pub(crate) fn put(headers: &mut HeaderMap, state: &StreamState) {
    let Retention { bytes, seconds } = of(state);
    for (header, limit) in
        [(headers::RETENTION_BYTES, bytes), (headers::RETENTION_SECONDS, seconds)]
    {
        if let Some(limit) = limit {
            headers.insert(header, number(limit.get()));
        }
    }
}

/// What a stream keeps.
pub(crate) fn of(state: &StreamState) -> Retention {
    let retained = state.retained.as_ref();
    retained.map_or_else(Retention::default, |retained| retained.policy.retention)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

    #[test]
    fn limits_are_parsed_or_refused() {
        let wanted = |bytes: u64, seconds: u64| {
            let limit = NonZeroU64::new;
            Some(Wanted::Exactly(Retention { bytes: limit(bytes), seconds: limit(seconds) }))
        };
        let (bytes, seconds) = ("stream-retention-bytes", "stream-retention-seconds");
        for (fields, expected) in [
            (&[][..], Some(Wanted::default())),
            (&[(bytes, "1000")], wanted(1000, 0)),
            (&[(seconds, "60")], wanted(0, 60)),
            (&[(bytes, "18446744073709551615"), (seconds, "1")], wanted(u64::MAX, 1)),
            (&[(bytes, "0")], None),
            (&[(seconds, "0")], None),
            (&[(bytes, "01")], None),
            (&[(bytes, "")], None),
            (&[(seconds, "1h")], None),
            (&[(bytes, "1"), (bytes, "1")], None),
        ] {
            assert_eq!(parse(&map(fields)).ok(), expected, "{fields:?}");
        }
    }
}
