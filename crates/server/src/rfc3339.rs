//! Points in time, as texts.

use headwater_core::Timestamp;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// A point in time up to the end of the year 9999 UTC; one before 1970 is as past as 1970 itself.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    let milliseconds = moment.unix_timestamp_nanos().div_euclid(1_000_000);
    Some(Timestamp(u64::try_from(milliseconds).unwrap_or(0)))
}

/// `2026-11-21T10:00:00.000Z`. `None` past the year 9999, which no request can ask for.
pub(crate) fn format(at: Timestamp) -> Option<String> {
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).ok()?;
    moment.format(form).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_formatted_is_parsed_as_the_same() {
        for milliseconds in [0, 1, 1_795_255_200_007, 253_402_300_799_999] {
            let text = format(Timestamp(milliseconds)).unwrap();
            assert_eq!(parse(&text), Some(Timestamp(milliseconds)), "{text}");
        }
        assert_eq!(format(Timestamp(253_402_300_800_000)), None);
        assert_eq!(format(Timestamp::MAX), None);
    }

    #[test]
    fn only_whole_timestamps_are_parsed() {
        for (text, expected) in [
            ("1970-01-01T00:00:01Z", Some(1000)),
            ("1970-01-01T00:00:01.5Z", Some(1500)),
            ("1970-01-01t01:00:01z", Some(3_601_000)),
            ("1970-01-01T01:00:01+01:00", Some(1000)),
            ("1969-12-31T23:59:59Z", Some(0)),
            ("1970-01-01", None),
            ("1970-13-01T00:00:00Z", None),
            ("1970-01-01T00:00:00", None),
            ("1970-01-01T00:00:00Z x", None),
            ("4070908800", None),
            ("9999-12-31T23:59:59-01:00", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected.map(Timestamp), "{text}");
        }
    }
}
