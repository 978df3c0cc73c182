//! Times as the protocol writes them.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The time that a text in RFC 3339 stands for.
#[track_caller]
pub(crate) fn parse(text: &str) -> OffsetDateTime {
    OffsetDateTime::parse(text, &Rfc3339).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// The time so many seconds from now, without a fraction, and as text.
pub(crate) fn in_seconds(seconds: u64) -> (OffsetDateTime, String) {
    let time = OffsetDateTime::now_utc() + Duration::from_secs(seconds);
    let time = time.replace_nanosecond(0).expect("a time without a fraction");
    (time, time.format(&Rfc3339).expect("a time of this century"))
}
