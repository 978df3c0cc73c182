//! What is committed and not packed yet, in layers: what is being packed is frozen, and what is committed meanwhile lies over it.
//!
//! An adapter that packs piece by piece has one layer. What a newer layer says wins, and where it says nothing the older one
//! does, and behind both the packed rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use headwater_core::producer::ProducerState;
use headwater_core::{Lineage, ProducerId, Slot, StreamKey};

use super::recent::{Recent, RecentRun, RecentStream, SpaceName};

/// The layers.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) active: Recent,
    frozen: Option<Arc<Recent>>,
}

/// Whether memory knows a lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It does not: what there is, is in the packed rows.
    No,
    /// It does, and the packed rows may know more.
    Partly,
    /// It does, and the packed rows know nothing.
    Wholly,
    /// It was removed.
    Removed,
}

impl Memory {
    /// Freezes what is active, so that it can be packed while more is committed. What was frozen before has been forgotten.
    #[cfg(feature = "journal")]
    pub(crate) fn freeze(&mut self) -> Arc<Recent> {
        let frozen = Arc::new(std::mem::take(&mut self.active));
        self.frozen = Some(Arc::clone(&frozen));
        frozen
    }

    /// Gives up what is frozen, all of which is packed.
    #[cfg(feature = "journal")]
    pub(crate) fn forget_frozen(&mut self) -> Option<Arc<Recent>> {
        self.frozen.take()
    }

    /// Newest first.
    fn layers(&self) -> impl DoubleEndedIterator<Item = &Recent> {
        [Some(&self.active), self.frozen.as_deref()].into_iter().flatten()
    }

    /// What is recent about a lineage, newest first.
    fn of(&self, lineage: Lineage) -> impl DoubleEndedIterator<Item = &RecentStream> {
        self.layers().filter_map(move |layer| layer.stream(lineage))
    }

    /// What stands under a key, if that changed recently.
    pub(crate) fn slot(&self, key: &StreamKey) -> Option<&Slot> {
        self.layers().find_map(|layer| layer.slot(key))
    }

    /// The slots that changed recently and are asked for, in the order of their keys.
    pub(crate) fn slots(&self, asked: impl Fn(&StreamKey) -> bool) -> BTreeMap<StreamKey, Slot> {
        let mut slots = BTreeMap::new();
        for layer in self.layers().rev() {
            let changed = layer.slots().iter().filter(|(key, _)| asked(key));
            slots.extend(changed.map(|(key, slot)| (key.clone(), slot.clone())));
        }
        slots
    }

    /// A producer's row in a slot, where memory is enough to tell: the outer option.
    pub(crate) fn producer(&self, slot: &Slot, id: &ProducerId) -> Option<Option<ProducerState>> {
        let Some(state) = slot.state() else { return Some(None) };
        self.of(state.ranges.own()).find_map(|stream| match stream.producers.get(id) {
            Some(row) => Some(Some(*row)),
            // Nothing older knows this stream, so nothing older has a row.
            None if stream.unlisted.is_some() => Some(None),
            None => None,
        })
    }

    /// The last number that was given in a space, if any was recently.
    pub(crate) fn last_of_space(&self, name: &SpaceName) -> Option<u64> {
        let last = |layer: &Recent| Some(layer.space(name)?.runs.last()?.end().space - 1);
        self.layers().find_map(last)
    }

    /// Whether it knows a lineage.
    pub(crate) fn known(&self, lineage: Lineage) -> Known {
        let mut known = Known::No;
        for stream in self.of(lineage) {
            match stream {
                stream if stream.removed => return Known::Removed,
                stream if stream.unlisted.is_some() => known = Known::Wholly,
                _ => known = Known::Partly,
            }
        }
        known
    }

    /// Records of a lineage, oldest first.
    pub(crate) fn runs(&self, lineage: Lineage) -> impl Iterator<Item = &Arc<RecentRun>> {
        // By position, the part of each layer that a reader skips is found without looking at all of it.
        self.of(lineage).rev().flat_map(|stream| &stream.runs)
    }

    /// Records of a lineage from the first one on that ends at a position or behind it, oldest first.
    pub(crate) fn runs_from(
        &self,
        lineage: Lineage,
        position: u64,
    ) -> impl Iterator<Item = &Arc<RecentRun>> {
        self.of(lineage).rev().flat_map(move |stream| {
            let from = stream.runs.partition_point(|run| run.end().position < position);
            stream.runs.iter().skip(from)
        })
    }

    /// Records of a space, oldest first.
    pub(crate) fn order(&self, name: &SpaceName) -> impl Iterator<Item = &Arc<RecentRun>> {
        self.layers().rev().filter_map(move |layer| layer.space(name)).flat_map(|space| &space.runs)
    }

    /// Records of a space from the first one on that ends behind a number, oldest first.
    pub(crate) fn order_from(
        &self,
        name: &SpaceName,
        after: u64,
    ) -> impl Iterator<Item = &Arc<RecentRun>> {
        let spaces = self.layers().rev().filter_map(move |layer| layer.space(name));
        spaces.flat_map(move |space| {
            let next = after.saturating_add(1);
            let from = space.runs.partition_point(|run| run.end().space <= next);
            space.runs.iter().skip(from)
        })
    }

    /// Bytes of memory it takes, about.
    pub(crate) fn weight(&self) -> usize {
        self.layers().map(Recent::weight).sum()
    }
}
