//! Control events: where the reader is, and how it goes on.
//!
//! They carry the same id as data events. A browser that heard nothing but where it stands comes back there, and does
//! not begin again at an offset such as `now`, which has moved meanwhile.

use bytes::BytesMut;
use headwater_core::Offset;
use headwater_sse::{Event, EventId, EventType, event_type};

const CONTROL: EventType<'static> = event_type!("control");

/// How a reader stands at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// More is there.
    Behind {
        /// What to echo on reconnection.
        cursor: u64,
    },
    /// It has all there is.
    CaughtUp {
        /// What to echo on reconnection.
        cursor: u64,
    },
    /// It has all there will ever be.
    AtEnd,
}

/// Appends what breaks a silence.
pub(crate) fn keep_alive(out: &mut BytesMut) {
    Event::new().comment("keep-alive").encode(out);
}

/// Appends a control event. Offsets and cursors are digits, so nothing needs escaping.
pub(super) fn encode(out: &mut BytesMut, next: Offset, standing: Standing) {
    let next = next.to_string();
    let cursor = match standing {
        Standing::Behind { cursor } | Standing::CaughtUp { cursor } => cursor.to_string(),
        Standing::AtEnd => String::new(),
    };
    let open = "{\"streamNextOffset\":\"";
    let member = "\",\"streamCursor\":\"";
    let fragments: &[&str] = match standing {
        Standing::Behind { .. } => &[open, &next, member, &cursor, "\"}"],
        Standing::CaughtUp { .. } => &[open, &next, member, &cursor, "\",\"upToDate\":true}"],
        Standing::AtEnd => &[open, &next, "\",\"upToDate\":true,\"streamClosed\":true}"],
    };
    let event = Event::new().event_type(CONTROL).data_fragments(fragments);
    // A token is digits and an underscore, which an id may always be.
    EventId::new(&next).map_or(event, |id| event.id(id)).encode(out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::Lineage;

    #[test]
    fn control_events_are_one_line_of_json_without_a_space_and_an_id() {
        for (standing, expected) in [
            (Standing::Behind { cursor: 5 }, r#","streamCursor":"5"}"#),
            (Standing::CaughtUp { cursor: 5 }, r#","streamCursor":"5","upToDate":true}"#),
            (Standing::AtEnd, r#","upToDate":true,"streamClosed":true}"#),
        ] {
            let mut out = BytesMut::new();
            encode(&mut out, Offset::new(Lineage(3), 7), standing);
            let token = "0000000000000003_0000000000000007";
            let data = format!("data:{{\"streamNextOffset\":\"{token}\"{expected}");
            assert_eq!(out, format!("id: {token}\nevent: control\n{data}\n\n").as_bytes());
        }
    }
}
