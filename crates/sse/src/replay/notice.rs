//! What a client is told about its place: the one place of this wire format.
//!
//! ```text
//! : replay: resumed
//! id: 00000000000000a1:17
//!
//! ```
//!
//! and, where something is missing,
//!
//! ```text
//! : replay: gap
//! id: 00000000000000a1:90
//! event: lost
//! data:{"reason":"gap","from":"00000000000000a1:17","to":"00000000000000a1:90","events":null}
//!
//! ```

use std::fmt::Write;

use super::Verdict;
use crate::{Event, EventId, EventType, PreparedEvent, event_type};

/// The type of the event that tells a client that it does not get everything.
pub const LOST: EventType<'static> = event_type!("lost");

/// Why events do not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// They were no longer kept when the client came back.
    Gap,
    /// The client's id is beyond the newest event.
    Ahead,
    /// The client's id is from another life of the log.
    OtherEpoch,
    /// The client's id is none of the log's.
    Invalid,
    /// The client was too slow, and a policy gave them up.
    Dropped,
}

impl Reason {
    /// The word for it on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Ahead => "ahead",
            Self::OtherEpoch => "other_epoch",
            Self::Invalid => "invalid",
            Self::Dropped => "dropped",
        }
    }
}

/// Tells a client that events are missing: those after `from`, up to and including `to`.
///
/// On the wire it is an event of the type [`LOST`] whose data is a JSON object with the members
/// `reason`, `from`, `to` and `events`, null where something is not known, and whose id is `to`, so that a client
/// that comes back is not told twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost<'a> {
    /// Why.
    pub reason: Reason,
    /// The id of the last event that arrived.
    pub from: Option<&'a str>,
    /// The id of the last event that is missing.
    pub to: Option<&'a str>,
    /// How many are missing.
    pub events: Option<u64>,
}

impl Lost<'_> {
    /// The event for the wire.
    pub fn prepare(&self) -> PreparedEvent {
        let data = self.data();
        PreparedEvent::new(&self.event(&data))
    }

    fn event<'a>(&'a self, data: &'a str) -> Event<'a> {
        with_id(Event::new().event_type(LOST).data(data), self.to)
    }

    fn data(&self) -> String {
        let mut json = String::new();
        json.push_str("{\"reason\":\"");
        json.push_str(self.reason.as_str());
        json.push('"');
        for (name, id) in [("from", self.from), ("to", self.to)] {
            // Writing to a string does not fail.
            let _ = write!(json, ",\"{name}\":");
            match id {
                Some(id) => push_json(&mut json, id),
                None => json.push_str("null"),
            }
        }
        let _ = match self.events {
            Some(events) => write!(json, ",\"events\":{events}"),
            None => write!(json, ",\"events\":null"),
        };
        json.push('}');
        json
    }
}

/// The first lines of a stream: the verdict, and where it begins.
pub(super) fn opening(verdict: Verdict, start: &str, lost: Option<&Lost<'_>>) -> PreparedEvent {
    let comment = format!("replay: {}", verdict.as_str());
    match lost {
        Some(lost) => {
            let data = lost.data();
            PreparedEvent::new(&lost.event(&data).comment(&comment))
        }
        None => PreparedEvent::new(&with_id(Event::new(), Some(start)).comment(&comment)),
    }
}

/// A log whose ids cannot be sent gets no id here; the suite for logs finds it out.
fn with_id<'a>(event: Event<'a>, id: Option<&'a str>) -> Event<'a> {
    id.and_then(|id| EventId::new(id).ok()).map_or(event, |id| event.id(id))
}

fn push_json(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
