//! What was appended is there, as it was.

use super::super::check::{Verdict, demand, demand_eq};
use super::harness::{Harness, append, beginning, fill, read_all};
use crate::replay::{AppendError, Effect, ReplayLog};
use crate::testkit::Failure;
use crate::{Decoder, Event, EventType, Message, event_type};

pub(super) fn answered<H: Harness>(h: &H) -> Verdict {
    let log = h.make();
    let start = beginning(h, &log)?;
    demand_eq("a new log", &read_all(h, &log, start)?, &Vec::new())?;
    let mut appended = Vec::new();
    for number in 0..20 {
        appended.push(append(h, &log, &number.to_string())?);
        // Each time, because an answer must not wait for the next append to become true.
        demand_eq("what is read", &read_all(h, &log, start)?, &appended)?;
        demand_eq("another handle", &read_all(h, &h.share(&log), start)?, &appended)?;
    }
    let head = h.run(log.head())??;
    demand_eq("the newest", &Some(head.end()), &appended.last().map(|entry| entry.cursor))
}

/// Data that is lost or changed by logs that keep lines, or trim, or guess.
const AWKWARD: &[&str] = &[
    "",
    " ",
    "\n",
    "\n\n",
    " leading",
    "trailing ",
    "trailing\n",
    "two\nlines",
    "data: posing",
    "id: posing\n\nevent: other",
    ": comment",
    "\u{feff}mark",
    "nul\0",
    "{\"json\":\"\\u0000\"}",
    "日本語 🌊",
];

pub(super) fn unchanged<H: Harness>(h: &H) -> Verdict {
    let log = h.make();
    let start = beginning(h, &log)?;
    let types = [EventType::MESSAGE, event_type!("tick"), event_type!(" odd: type")];
    let mut wanted = Vec::new();
    for event_type in types {
        for data in AWKWARD {
            let pieces = [*data, "|", *data];
            let event = Event::new().event_type(event_type).data_fragments(&pieces);
            let entry = h.run(log.append(event))??;
            wanted.push((event_type.as_str().to_owned(), pieces.concat(), log.id(entry.cursor)));
        }
    }
    let read = read_all(h, &log, start)?;
    let found = read.iter().map(|entry| decode(entry.event.as_bytes()));
    demand_eq("what a client gets", &found.collect::<Result<Vec<_>, _>>()?, &wanted)
}

/// Type, data and id of the only message in `wire`.
pub(super) fn decode(mut wire: &[u8]) -> Result<(String, String, String), Failure> {
    let mut decoder = Decoder::new();
    let mut next = || decoder.decode(&mut wire).map_err(|error| Failure::new(error.to_string()));
    let message: Option<Message> = next()?;
    demand(next()?.is_none(), || "more than one message in an event".to_owned())?;
    let message = message.ok_or_else(|| Failure::new("no message in an event"))?;
    let parts = (message.event_type().to_string(), message.last_event_id().to_string());
    Ok((parts.0, message.into_data(), parts.1))
}

pub(super) fn refused<H: Harness>(h: &H) -> Verdict {
    let log = h.make();
    fill(h, &log, 3)?;
    let before = h.run(log.head())??;
    let refusal = h.run(log.append(Event::new().event_type(event_type!("tick"))))?;
    let Err(error) = refusal else { return Err(Failure::new("an event without data was taken")) };
    demand(matches!(error, AppendError::NoData), || format!("refused with {error:?}"))?;
    demand_eq("its effect", &error.effect(), &Effect::None)?;
    demand_eq("the log", &h.run(log.head())??, &before)
}
