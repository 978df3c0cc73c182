//! An event as the record of a JSON stream, and back.
//!
//! Logs that keep their events in such a stream share this form, so that what one wrote another one reads: the engine's, which has the
//! stream in its own process, and the client's, which asks a server for it. A record is `{"type":…,"data":…}`. Any other record,
//! appended through another door, is an event of the default type whose data is the record.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{AppendError, ReadError};
use crate::{Event, EventId, EventType, PreparedEvent};

/// The record of an event. Whatever has other members is none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record<'a> {
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

/// The record of an event: a JSON object, in one line.
///
/// # Errors
/// [`AppendError::NoData`]: there is nothing to replay.
pub fn encode(event: &Event<'_>) -> Result<Bytes, AppendError> {
    if !event.has_data() {
        return Err(AppendError::NoData);
    }
    let data: String = event.data_pieces().collect();
    let event_type = Cow::Borrowed(event.dispatched_type().as_str());
    let record = Record { event_type, data: Cow::Owned(data) };
    let record = serde_json::to_vec(&record).map_err(|error| AppendError::Refused(error.into()))?;
    Ok(record.into())
}

/// Calls with the event of a record, which is JSON.
///
/// # Errors
/// [`ReadError::Damaged`] when it is not even text.
pub fn with_event<T>(
    record: &[u8],
    use_event: impl FnOnce(Event<'_>) -> T,
) -> Result<T, ReadError> {
    if let Ok(record) = serde_json::from_slice::<Record<'_>>(record)
        && let Ok(event_type) = EventType::new(&record.event_type)
    {
        return Ok(use_event(Event::new().event_type(event_type).data(&record.data)));
    }
    let text = std::str::from_utf8(record).map_err(|error| ReadError::Damaged(error.into()))?;
    Ok(use_event(Event::new().data(text)))
}

/// An event with the id that its log gives it, without what only concerns the connection it is sent on.
///
/// An id that cannot be sent is left out; the suite for logs finds it.
pub fn prepare(event: &Event<'_>, id: &str) -> PreparedEvent {
    let pieces: Vec<&str> = event.data_pieces().collect();
    let kept = Event::new().data_fragments(&pieces);
    let kept = match event.dispatched_type() {
        // What goes without saying.
        EventType::MESSAGE => kept,
        event_type => kept.event_type(event_type),
    };
    let id = EventId::new(id).unwrap_or_default();
    PreparedEvent::new(&kept.id(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_type;

    #[test]
    fn the_form_is_pinned() {
        let event = Event::new().event_type(event_type!("tick")).data("a\n\"b\"");
        assert_eq!(encode(&event).unwrap(), r#"{"type":"tick","data":"a\n\"b\""}"#);
        let plain = encode(&Event::new().data("")).unwrap();
        assert_eq!(plain, r#"{"type":"message","data":""}"#);
        assert!(matches!(encode(&Event::new()), Err(AppendError::NoData)));
    }

    #[test]
    fn every_record_is_an_event() {
        for (record, wire) in [
            (r#"{"type":"tick","data":"a\nb"}"#, "id: 7\nevent: tick\ndata:a\ndata:b\n\n"),
            (r#"{ "data" : "a", "type" : "message" }"#, "id: 7\ndata:a\n\n"),
            (r#"{"type":"a\nb","data":""}"#, "id: 7\ndata:{\"type\":\"a\\nb\",\"data\":\"\"}\n\n"),
            (r#"{"type":"a"}"#, "id: 7\ndata:{\"type\":\"a\"}\n\n"),
            ("[1,2]", "id: 7\ndata:[1,2]\n\n"),
        ] {
            let event = with_event(record.as_bytes(), |event| prepare(&event, "7")).unwrap();
            assert_eq!(event.as_bytes(), wire.as_bytes(), "{record}");
        }
        assert!(matches!(with_event(b"\xff", |_| ()), Err(ReadError::Damaged(_))));
    }
}
