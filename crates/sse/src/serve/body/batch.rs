//! Events that leave together.

use bytes::{Bytes, BytesMut};

use crate::PreparedEvent;

/// Events in the order they came; the list is kept from batch to batch.
#[derive(Default)]
pub(super) struct Batch {
    events: Vec<PreparedEvent>,
    length: usize,
}

/// A list that grew longer is not kept: a client that once was far behind would hold it for ever.
const MOST_KEPT: usize = 64;

impl Batch {
    pub(super) fn push(&mut self, event: PreparedEvent) {
        self.length += event.as_bytes().len();
        self.events.push(event);
    }

    /// Bytes.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// All of it in one piece; nothing when there is no event.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let bytes = match self.events.as_slice() {
            [] => return None,
            [event] => event.as_bytes().clone(),
            events => {
                let mut joined = BytesMut::with_capacity(self.length);
                events.iter().for_each(|event| joined.extend_from_slice(event.as_bytes()));
                joined.freeze()
            }
        };
        self.events.clear();
        self.events.shrink_to(MOST_KEPT);
        self.length = 0;
        Some(bytes)
    }
}
