//! The event under construction, and what outlives it: the last id and the reconnection time.
//!
//! Counts what an event costs and refuses bytes beyond the limit before it keeps them. How lines
//! and fields are told apart is the decoder's.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::Message;
use crate::line::LF;

/// The default for [`Decoder::with_event_limit`](super::Decoder::with_event_limit): 32 MiB, which
/// holds a record of 16 MiB in base64.
pub const DEFAULT_EVENT_LIMIT: usize = 32 * 1024 * 1024;

/// Why decoding cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The event at hand is larger than the decoder was told to hold.
    #[error("an event is larger than the limit of {limit} bytes")]
    EventTooLarge {
        /// The limit in force, in bytes.
        limit: usize,
    },
}

/// The fields that mean something; all others are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Data,
    Event,
    Id,
    Retry,
}

impl Field {
    /// The length in bytes of the longest name.
    pub(super) const LONGEST_NAME: usize = "event".len();

    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"data" => Some(Self::Data),
            b"event" => Some(Self::Event),
            b"id" => Some(Self::Id),
            b"retry" => Some(Self::Retry),
            _ => None,
        }
    }
}

/// Bytes are kept as received and decoded as UTF-8 when whole, so no cut can damage a character.
#[derive(Debug)]
pub(super) struct Pending {
    limit: usize,
    /// Value bytes of this event's lines so far, and one for each line break inside its data.
    size: usize,
    /// `None` until the first `data` line.
    data: Option<Vec<u8>>,
    event_type: Vec<u8>,
    /// The value of the `id` or `retry` line at hand, which counts only when the line is whole.
    value: Vec<u8>,
    id: Arc<str>,
    last_event_id: Arc<str>,
    reconnection_time: Option<Duration>,
}

impl Pending {
    pub(super) fn new() -> Self {
        Self {
            limit: DEFAULT_EVENT_LIMIT,
            size: 0,
            data: None,
            event_type: Vec::new(),
            value: Vec::new(),
            id: Arc::default(),
            last_event_id: Arc::default(),
            reconnection_time: None,
        }
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) fn set_last_event_id(&mut self, id: &str) {
        self.id = Arc::from(id);
        self.last_event_id = Arc::clone(&self.id);
    }

    pub(super) fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    pub(super) fn reconnection_time(&self) -> Option<Duration> {
        self.reconnection_time
    }

    /// Starts the value of a line of `field`.
    pub(super) fn begin(&mut self, field: Field) -> Result<(), DecodeError> {
        match field {
            Field::Data if self.data.is_some() => self.append(field, &[LF])?,
            Field::Data => self.data = Some(Vec::new()),
            Field::Event => self.event_type.clear(),
            Field::Id | Field::Retry => self.value.clear(),
        }
        Ok(())
    }

    /// Adds to the value of the line begun last.
    pub(super) fn append(&mut self, field: Field, bytes: &[u8]) -> Result<(), DecodeError> {
        let size = self.size.saturating_add(bytes.len());
        if size > self.limit {
            return Err(DecodeError::EventTooLarge { limit: self.limit });
        }
        self.size = size;
        let target = match field {
            Field::Data => self.data.get_or_insert_default(),
            Field::Event => &mut self.event_type,
            Field::Id | Field::Retry => &mut self.value,
        };
        target.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends the line begun last.
    pub(super) fn end(&mut self, field: Field) {
        match field {
            Field::Data | Field::Event => {}
            Field::Id if self.value.contains(&0) => {}
            Field::Id => self.id = Arc::from(&*String::from_utf8_lossy(&self.value)),
            Field::Retry => {
                if let Some(millis) = parse_millis(&self.value) {
                    self.reconnection_time = Some(Duration::from_millis(millis));
                }
            }
        }
    }

    /// The blank line: ends the event, which is a message only if it had a `data` line.
    pub(super) fn dispatch(&mut self) -> Option<Message> {
        self.last_event_id = Arc::clone(&self.id);
        self.size = 0;
        let event_type = mem::take(&mut self.event_type);
        let data = self.data.take()?;
        Some(Message {
            event_type: (!event_type.is_empty()).then(|| into_text(event_type)),
            data: into_text(data),
            last_event_id: Arc::clone(&self.last_event_id),
        })
    }

    /// Drops the unfinished event; an id it has set was never dispatched and goes with it.
    pub(super) fn discard(&mut self) {
        self.size = 0;
        self.data = None;
        self.event_type = Vec::new();
        self.value = Vec::new();
        self.id = Arc::clone(&self.last_event_id);
    }

    /// Bytes of memory the buffers hold.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.data.as_ref().map_or(0, Vec::capacity)
            + self.event_type.capacity()
            + self.value.capacity()
            + self.id.len()
            + self.last_event_id.len()
    }
}

/// ASCII digits only; a number too large for any clock becomes the largest there is.
fn parse_millis(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        value.iter().fold(0u64, |sum, digit| {
            sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        }),
    )
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
