//! An event encoded once and shared by reference.

use bytes::{Bytes, BytesMut};

use super::Event;

/// The encoded bytes of one event; clones share them and cost no allocation.
///
/// One that is made by [`new`](Self::new) has an allocation of exactly its size. One from a
/// [`MemoryReplay`](crate::replay::MemoryReplay), or published by a broker, shares a larger one with its neighbours.
///
/// ```
/// use headwater_sse::{Event, PreparedEvent};
///
/// let beat = PreparedEvent::new(&Event::new().comment("keep-alive"));
/// assert_eq!(beat.as_bytes(), ": keep-alive\n\n");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PreparedEvent(Bytes);

impl PreparedEvent {
    /// Encodes `event`.
    pub fn new(event: &Event<'_>) -> Self {
        let mut out = BytesMut::with_capacity(event.encoded_len());
        event.encode(&mut out);
        Self(out.freeze())
    }

    /// Encodes `event` behind others into `block`, of which it then holds a part.
    pub(crate) fn new_in(block: &mut BytesMut, event: &Event<'_>) -> Self {
        event.encode(block);
        Self(block.split().freeze())
    }

    /// The bytes for the wire, the dispatching blank line included; clone them to share.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

/// Memory that a broker encodes events into, one behind the other, so that most of them cost no allocation. It is held as long as one
/// of its events is.
#[cfg(feature = "broker")]
#[derive(Debug, Default)]
pub(crate) struct Block(BytesMut);

#[cfg(feature = "broker")]
impl Block {
    /// Some dozens of small events: whoever holds on to one holds no more than a page.
    const SIZE: usize = 4096;

    /// One that would take much of a block has memory of its own.
    pub(crate) fn encode(&mut self, event: &Event<'_>) -> PreparedEvent {
        let size = event.encoded_len();
        if size > Self::SIZE / 4 {
            return PreparedEvent::new(event);
        }
        if self.0.capacity() < size {
            self.0 = BytesMut::with_capacity(Self::SIZE);
        }
        PreparedEvent::new_in(&mut self.0, event)
    }
}

impl From<&Event<'_>> for PreparedEvent {
    fn from(event: &Event<'_>) -> Self {
        Self::new(event)
    }
}

impl From<PreparedEvent> for Bytes {
    fn from(event: PreparedEvent) -> Self {
        event.0
    }
}

impl AsRef<[u8]> for PreparedEvent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
