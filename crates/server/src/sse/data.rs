//! Data events: the payload in the form that the stream's kind asks for.
//!
//! Each carries the offset after it as its id, as control events do, so that a browser that reconnects by itself
//! resumes there.
//! Nothing in an event depends on the reader, so all readers of a commit share one.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use headwater_core::{Offset, json};
use headwater_engine::Records;
use headwater_sse::{Event, EventId, EventType, PreparedEvent, event_type};

use crate::response::envelope;

const DATA: EventType<'static> = event_type!("data");

/// Records of a JSON stream, stored bytes, as one array.
pub(super) fn json(next: Offset, stored: &Bytes) -> Bytes {
    let values = stored.strip_suffix(&[json::SEPARATOR]).unwrap_or(stored);
    // Only what parsed as JSON is stored, and that is UTF-8.
    let values: Cow<'_, str> = String::from_utf8_lossy(values);
    encode(next, &["[", &values, "]"])
}

/// Text, line by line.
pub(super) fn text(next: Offset, text: &str) -> Bytes {
    encode(next, &[text])
}

/// Bytes in base64.
pub(super) fn binary(next: Offset, bytes: &Bytes) -> Bytes {
    encode(next, &[&STANDARD.encode(bytes)])
}

/// Records in envelopes.
pub(super) fn envelopes(next: Offset, page: &Records) -> Bytes {
    encode(next, &[&String::from_utf8_lossy(&envelope::array(page))])
}

fn encode(next: Offset, fragments: &[&str]) -> Bytes {
    let token = next.to_string();
    let event = Event::new().event_type(DATA).data_fragments(fragments);
    // A token is digits and an underscore, which an id may always be.
    let event = EventId::new(&token).map_or(event, |id| event.id(id));
    PreparedEvent::new(&event).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::Lineage;

    #[test]
    fn each_kind_has_its_form() {
        let next = Offset::new(Lineage(1), 9);
        let head = "id: 0000000000000001_0000000000000009\nevent: data\n";
        for (event, body) in [
            (json(next, &Bytes::from("1,{\"a\":\n2},")), "data:[1,{\"a\":\ndata:2}]\n\n"),
            (
                text(next, " a\nevent: control\rb\r\n"),
                "data:  a\ndata:event: control\ndata:b\ndata:\n\n",
            ),
            (binary(next, &Bytes::from_static(&[1, 2, 3, 0xFF])), "data:AQID/w==\n\n"),
        ] {
            assert_eq!(String::from_utf8(event.to_vec()).unwrap(), format!("{head}{body}"));
        }
    }
}
