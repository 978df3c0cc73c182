//! An event as the record of a JSON stream, and back.

use std::borrow::Cow;

use bytes::Bytes;
use headwater_sse::replay::{AppendError, ReadError};
use headwater_sse::{Event, EventId, EventType, PreparedEvent};
use serde::{Deserialize, Serialize};

/// The record of an event. Whatever has other members is none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

/// The record of an event, without the array around it.
pub(super) fn record(event: &Event<'_>) -> Result<Bytes, AppendError> {
    if !event.has_data() {
        return Err(AppendError::NoData);
    }
    let data: String = event.data_pieces().collect();
    let event_type = Cow::Borrowed(event.dispatched_type().as_str());
    let form = Form { event_type, data: Cow::Owned(data) };
    let record = serde_json::to_vec(&form).map_err(|error| AppendError::Refused(error.into()))?;
    Ok(record.into())
}

/// Calls with the event of a stored record, which has its separator behind it.
pub(super) fn with_event<T>(
    stored: &[u8],
    use_event: impl FnOnce(Event<'_>) -> T,
) -> Result<T, ReadError> {
    let record = stored.strip_suffix(b",").unwrap_or(stored);
    if let Ok(form) = serde_json::from_slice::<Form<'_>>(record)
        && let Ok(event_type) = EventType::new(&form.event_type)
    {
        return Ok(use_event(Event::new().event_type(event_type).data(&form.data)));
    }
    let text = std::str::from_utf8(record).map_err(|error| ReadError::Damaged(error.into()))?;
    Ok(use_event(Event::new().data(text)))
}

/// An event with an id, without what only concerns the connection it is sent on.
pub(super) fn prepared(event: &Event<'_>, id: &str) -> PreparedEvent {
    let pieces: Vec<&str> = event.data_pieces().collect();
    let kept = Event::new().data_fragments(&pieces);
    let kept = match event.dispatched_type() {
        // What goes without saying.
        EventType::MESSAGE => kept,
        event_type => kept.event_type(event_type),
    };
    // An offset is digits, which every id may be.
    let id = EventId::new(id).unwrap_or_default();
    PreparedEvent::new(&kept.id(id))
}
