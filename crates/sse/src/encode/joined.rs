//! Events that leave together.

use bytes::Bytes;
#[cfg(any(feature = "broker", feature = "hyper"))]
use bytes::BytesMut;

use crate::PreparedEvent;

/// Whole events, encoded one behind the other in one piece of memory, and shared by reference.
///
/// What a broker gives to a subscriber: all that waits for it, joined once for all who get the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PreparedEvents(Bytes);

impl PreparedEvents {
    /// The bytes for the wire; clone them to share.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Copies events of about so many bytes in all into one piece; nothing of none, and what is alone is not copied.
    #[cfg(any(feature = "broker", feature = "hyper"))]
    pub(crate) fn join<E>(length: usize, events: impl IntoIterator<Item = E>) -> Option<Self>
    where
        E: AsRef<[u8]> + Into<Self>,
    {
        let mut events = events.into_iter();
        let first = events.next()?;
        let Some(second) = events.next() else { return Some(first.into()) };
        let mut joined = BytesMut::with_capacity(length);
        joined.extend_from_slice(first.as_ref());
        joined.extend_from_slice(second.as_ref());
        events.for_each(|event| joined.extend_from_slice(event.as_ref()));
        Some(Self(joined.freeze()))
    }
}

impl From<PreparedEvent> for PreparedEvents {
    fn from(event: PreparedEvent) -> Self {
        Self(event.into())
    }
}

impl From<PreparedEvents> for Bytes {
    fn from(events: PreparedEvents) -> Self {
        events.0
    }
}

impl AsRef<[u8]> for PreparedEvents {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
