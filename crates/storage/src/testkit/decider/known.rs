//! What has been loaded so far, and what was privately decided on top of it.

use std::collections::HashMap;

use headwater_core::change::{Effect, Unit};
use headwater_core::decide::{BoundaryAnswer, BoundaryQuestion, View};
use headwater_core::producer::ProducerState;
use headwater_core::{Lineage, ProducerId, Slot, StreamKey};

/// A view of streams. What is not in it has not been loaded.
#[derive(Clone, Debug, Default)]
pub struct Known {
    slots: HashMap<StreamKey, Slot>,
    producers: HashMap<(StreamKey, ProducerId), Option<ProducerState>>,
    boundaries: HashMap<BoundaryQuestion, BoundaryAnswer>,
}

impl Known {
    /// Sets what stands under a key.
    pub fn set_slot(&mut self, key: StreamKey, slot: Slot) {
        self.slots.insert(key, slot);
    }

    /// Sets a producer's row.
    pub fn set_producer(&mut self, key: StreamKey, id: ProducerId, row: Option<ProducerState>) {
        self.producers.insert((key, id), row);
    }

    /// Sets the answer to a question.
    pub fn set_boundary(&mut self, question: BoundaryQuestion, answer: BoundaryAnswer) {
        self.boundaries.insert(question, answer);
    }

    /// Takes a unit for committed, so that the next decision of its group is made on top of it.
    ///
    /// A unit that creates a stream is left out: its lineage is not known before storage has numbered it, so nothing
    /// can be based on it in the same group.
    pub fn apply(&mut self, unit: &Unit) {
        if unit.changes.iter().any(|change| matches!(change.effect, Effect::Create(_))) {
            return;
        }
        for change in &unit.changes {
            if let Some(slot) = self.slots.get_mut(&change.key) {
                *slot = change.apply(slot, Lineage(0));
            }
            if let Effect::Update(update) = &change.effect
                && let Some((id, row)) = update.producer.as_ref().map(|producer| producer.row())
            {
                self.producers.insert((change.key.clone(), id.clone()), Some(row));
            }
        }
    }
}

impl View for Known {
    fn slot(&self, key: &StreamKey) -> Option<Slot> {
        self.slots.get(key).cloned()
    }

    fn producer(&self, key: &StreamKey, id: &ProducerId) -> Option<Option<ProducerState>> {
        self.producers.get(&(key.clone(), id.clone())).copied()
    }

    fn boundary(&self, question: &BoundaryQuestion) -> Option<BoundaryAnswer> {
        self.boundaries.get(question).copied()
    }
}
