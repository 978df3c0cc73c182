//! Where and how a GET reads.

use headwater_core::{Code, Offset};
use headwater_engine::Start;
use http::HeaderMap;

use super::field::{canonical_number, single_text};
use super::query::Query;
use crate::errors::Problem;
use crate::headers;
use crate::rfc3339;

/// A read, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// What is there now.
    CatchUp(Start, Form),
    /// What is there, or the next that comes.
    LongPoll(LiveRead),
    /// Everything from here on, as events.
    Events(EventsRead),
}

/// What is told of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Their bytes.
    Payload,
    /// An envelope with all that is known, for each.
    Envelopes,
}

impl Form {
    fn parse(records: Option<&str>) -> Result<Self, Problem> {
        match records {
            None | Some("false") => Ok(Self::Payload),
            Some("true") => Ok(Self::Envelopes),
            Some(_) => Err(Problem::invalid("records must be `true` or `false`")),
        }
    }
}

/// What both live modes take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LiveRead {
    pub(crate) start: Start,
    pub(crate) form: Form,
    /// The cursor that the client echoes.
    pub(crate) cursor: Option<String>,
}

/// Whether a reader of events has been here before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    First,
    /// It sent `Last-Event-ID`, as an `EventSource` does by itself.
    Reconnect,
}

/// A read of events.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EventsRead {
    pub(crate) live: LiveRead,
    pub(crate) arrival: Arrival,
}

impl Read {
    pub(crate) fn parse(query: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        let query = Query::parse(query)?;
        let start = query.offset.as_deref().map(start).transpose()?;
        let form = Form::parse(query.records.as_deref())?;
        let Some(mode) = query.live.as_deref() else {
            return Ok(Self::CatchUp(start.unwrap_or(Start::Beginning), form));
        };
        let events = match mode {
            "long-poll" => false,
            "sse" => true,
            _ => return Err(Problem::invalid("live must be `long-poll` or `sse`")),
        };
        let start = start.ok_or_else(|| Problem::invalid("a live read needs an offset"))?;
        let cursor = query.cursor.map(String::from);
        if !events {
            return Ok(Self::LongPoll(LiveRead { start, form, cursor }));
        }
        let last = single_text(headers, &headers::LAST_EVENT_ID)?.map(self::start).transpose()?;
        let arrival = if last.is_some() { Arrival::Reconnect } else { Arrival::First };
        let live = LiveRead { start: last.unwrap_or(start), form, cursor };
        Ok(Self::Events(EventsRead { live, arrival }))
    }
}

/// An offset as the server writes it.
pub(crate) fn token(text: &str) -> Result<Offset, Problem> {
    text.parse().map_err(|error| Problem::new(Code::OffsetInvalid, format!("{error}")))
}

/// An offset as readers write it: `-1` for the start, `now` for the tail, a token they were given, so many records from the end, or a
/// point in time.
fn start(text: &str) -> Result<Start, Problem> {
    match text {
        "-1" => Ok(Start::Beginning),
        "now" => Ok(Start::Now),
        text if let Some(records) = text.strip_prefix("last:") => {
            let records = canonical_number(records).ok_or_else(|| sought("a whole number"))?;
            Ok(Start::Last(records))
        }
        text if let Some(time) = text.strip_prefix("time:") => {
            rfc3339::parse(time).map(Start::Since).ok_or_else(|| sought("an RFC 3339 timestamp"))
        }
        token => token.parse::<Offset>().map(Start::At).map_err(|error| {
            Problem::new(
                Code::OffsetInvalid,
                format!("{error}; or `-1`, `now`, `last:N`, `time:RFC3339`"),
            )
        }),
    }
}

fn sought(wanted: &str) -> Problem {
    Problem::new(Code::OffsetInvalid, format!("`last:` and `time:` need {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;
    use headwater_core::Timestamp;

    const TOKEN: &str = "0000000000000003_0000000000000007";

    fn at() -> Start {
        Start::At(TOKEN.parse().unwrap())
    }

    fn parse(query: &str, fields: &[(&str, &str)]) -> Result<Read, &'static str> {
        Read::parse(Some(query), &map(fields)).map_err(|problem| problem.code.as_str())
    }

    #[test]
    fn catch_up_starts_where_it_is_told() {
        for (query, start) in [
            ("", Start::Beginning),
            ("offset=-1", Start::Beginning),
            ("offset=now", Start::Now),
            ("offset=0000000000000003_0000000000000007", at()),
            ("cursor=abc", Start::Beginning),
            ("offset=last:0", Start::Last(0)),
            ("offset=last%3A10&records=false", Start::Last(10)),
            ("offset=time:1970-01-01T00:00:01Z", Start::Since(Timestamp(1000))),
        ] {
            assert_eq!(parse(query, &[]), Ok(Read::CatchUp(start, Form::Payload)), "{query}");
        }
    }

    #[test]
    fn what_is_no_read_is_refused() {
        for (query, code) in [
            ("offset=", "offset_invalid"),
            ("offset=NOW", "offset_invalid"),
            ("offset=1_2", "offset_invalid"),
            ("offset=last:", "offset_invalid"),
            ("offset=last:-1", "offset_invalid"),
            ("offset=last:01", "offset_invalid"),
            ("offset=time:", "offset_invalid"),
            ("offset=time:now", "offset_invalid"),
            ("offset=time:1970-01-01T00:00:00+00:00", "offset_invalid"),
            ("records=", "invalid_request"),
            ("records=1", "invalid_request"),
            ("records=true&records=true", "invalid_request"),
            ("offset=%00", "offset_invalid"),
            ("offset=a%2Cb&live=sse", "offset_invalid"),
            ("offset=-1&offset=-1", "invalid_request"),
            ("live=sse", "invalid_request"),
            ("live=long-poll", "invalid_request"),
            ("offset=-1&live=", "invalid_request"),
            ("offset=-1&live=SSE", "invalid_request"),
        ] {
            assert_eq!(parse(query, &[]), Err(code), "{query}");
        }
    }

    #[test]
    fn live_reads() {
        let live = |start, form, cursor: Option<&str>| LiveRead {
            start,
            form,
            cursor: cursor.map(Into::into),
        };
        let poll = parse("live=long-poll&offset=now&cursor=9", &[]);
        assert_eq!(poll, Ok(Read::LongPoll(live(Start::Now, Form::Payload, Some("9")))));
        let events = parse("live=sse&offset=-1&records=true", &[]);
        let expected = EventsRead {
            live: live(Start::Beginning, Form::Envelopes, None),
            arrival: Arrival::First,
        };
        assert_eq!(events, Ok(Read::Events(expected)));
    }

    #[test]
    fn the_last_event_id_wins_and_is_held_to_the_same_rules() {
        let expected = EventsRead {
            live: LiveRead { start: at(), form: Form::Payload, cursor: None },
            arrival: Arrival::Reconnect,
        };
        let events = parse("live=sse&offset=-1", &[("last-event-id", TOKEN)]);
        assert_eq!(events, Ok(Read::Events(expected)));
        for (query, id) in
            [("live=sse&offset=-1", "x"), ("live=sse&offset=x", TOKEN), ("live=sse&offset=-1", "")]
        {
            assert_eq!(
                parse(query, &[("last-event-id", id)]),
                Err("offset_invalid"),
                "{query} {id}"
            );
        }
        let twice = [("last-event-id", TOKEN), ("last-event-id", TOKEN)];
        assert_eq!(parse("live=sse&offset=-1", &twice), Err("invalid_request"));
        assert_eq!(parse("live=sse", &[("last-event-id", TOKEN)]), Err("invalid_request"));
        let ignored = parse("offset=-1", &[("last-event-id", "x")]);
        assert_eq!(ignored, Ok(Read::CatchUp(Start::Beginning, Form::Payload)));
    }
}
