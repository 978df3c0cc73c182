//! What decisions see: the private state, with uses that are only in memory.

use std::collections::HashMap;
use std::sync::Arc;

use headwater_core::decide::{BoundaryAnswer, BoundaryQuestion, View};
use headwater_core::producer::{ProducerId, ProducerState};
use headwater_core::{Expiry, Slot, StreamKey, StreamState, Timestamp};

use super::Inner;
use super::cache::Private;

/// Answers that one command has gathered.
pub(super) type Boundaries = HashMap<BoundaryQuestion, BoundaryAnswer>;

pub(crate) struct Seen<'a> {
    pub(super) inner: &'a Inner,
    pub(super) boundaries: &'a Boundaries,
    pub(super) now: Timestamp,
}

impl View for Seen<'_> {
    fn slot(&self, key: &StreamKey) -> Option<Slot> {
        match &self.inner.cache.get(key)?.private {
            Private::Unnumbered => None,
            Private::Known(Slot::Live(state)) if self.is_watched(key, state) => {
                let used_at = state.used_at.max(self.now);
                Some(Slot::Live(Arc::new(StreamState { used_at, ..StreamState::clone(state) })))
            }
            Private::Known(slot) => Some(slot.clone()),
        }
    }

    fn producer(&self, key: &StreamKey, id: &ProducerId) -> Option<Option<ProducerState>> {
        self.inner.cache.get(key)?.producers.get(id).copied()
    }

    fn boundary(&self, question: &BoundaryQuestion) -> Option<BoundaryAnswer> {
        self.boundaries.get(question).copied()
    }
}

impl Seen<'_> {
    /// A stream with a live reader is in use at every moment.
    fn is_watched(&self, key: &StreamKey, state: &StreamState) -> bool {
        matches!(state.expiry, Expiry::Ttl(_)) && self.inner.lives.has_readers(key)
    }
}
