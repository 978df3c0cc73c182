//! A message as a client receives it.

use std::sync::Arc;

use crate::{EventId, EventType};

/// A dispatched event.
///
/// Invalid UTF-8 in any of its texts has become U+FFFD, as the standard's decoder does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Never empty and from a single line.
    pub(super) event_type: Option<String>,
    pub(super) data: String,
    /// From a single line and without NUL.
    pub(super) last_event_id: Arc<str>,
}

impl Message {
    /// The type the event named, or [`EventType::MESSAGE`].
    pub fn event_type(&self) -> EventType<'_> {
        self.event_type.as_deref().map_or(EventType::MESSAGE, EventType::from_decoded)
    }

    /// The values of the `data` lines, with LF between them.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The values of the `data` lines, with LF between them, without a copy.
    pub fn into_data(self) -> String {
        self.data
    }

    /// The last id the stream has set, in this event or in an earlier one; empty if none.
    pub fn last_event_id(&self) -> EventId<'_> {
        EventId::from_decoded(&self.last_event_id)
    }
}
