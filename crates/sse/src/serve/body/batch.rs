//! Events that leave together.

use crate::PreparedEvents;

/// Events in the order they came; the list is kept from batch to batch.
#[derive(Default)]
pub(super) struct Batch {
    /// Mostly the only ones: then there is no list.
    first: Option<PreparedEvents>,
    others: Vec<PreparedEvents>,
    length: usize,
}

/// A list that grew longer is not kept: a client that once was far behind would hold it for ever.
const MOST_KEPT: usize = 64;

impl Batch {
    pub(super) fn push(&mut self, events: PreparedEvents) {
        self.length += events.as_bytes().len();
        if self.first.is_none() {
            self.first = Some(events);
        } else {
            self.others.push(events);
        }
    }

    /// Bytes.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// All of it in one piece; nothing when there is no event.
    pub(super) fn take(&mut self) -> Option<PreparedEvents> {
        let first = self.first.take()?;
        let length = std::mem::take(&mut self.length);
        if self.others.is_empty() {
            return Some(first);
        }
        let all = [first].into_iter().chain(self.others.drain(..));
        let joined = PreparedEvents::join(length, all);
        self.others.shrink_to(MOST_KEPT);
        joined
    }
}
