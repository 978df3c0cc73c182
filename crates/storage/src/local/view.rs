//! What is durable, as everyone may see it: what is recent, and behind it the packed rows.

use headwater_core::producer::ProducerState;
use headwater_core::storage::{Confirmation, Loaded, StorageError};
use headwater_core::{Lineage, ProducerId, Slot, StreamKey, Version};
use parking_lot::RwLock;

use super::decide::Durable;
use super::memory::Memory;
use super::recent::SpaceName;
use super::rows::Rows;

/// The two places where durable data is found.
#[derive(Debug)]
pub(crate) struct View<P> {
    /// Written by the committer when a group is durable, for as long as it takes to enter it; read by everyone, for as long
    /// as it takes to copy references. Never held while packed rows are asked.
    pub(crate) recent: RwLock<Memory>,
    pub(crate) packed: P,
    /// The lineages below which bytes may have been lost in a crash, behind the tails that were found. None where this is 0.
    pub(crate) lost_below: Lineage,
    /// What every space sequence is above that is given from now on.
    pub(crate) orders_above: u64,
}

impl<P> View<P> {
    /// Of something that has lost nothing.
    pub(crate) fn new(packed: P) -> Self {
        let recent = RwLock::new(Memory::default());
        Self { recent, packed, lost_below: Lineage(0), orders_above: 0 }
    }
}

impl<P: Rows> View<P> {
    /// What stands under a key, and a producer's row, if that needs no look at packed rows.
    pub(crate) fn load_recent(
        &self,
        key: &StreamKey,
        producer: Option<&ProducerId>,
    ) -> Option<Loaded> {
        let (slot, producer) = self.recent_parts(key, producer);
        Some(Loaded { slot: slot?.after_loss(self.lost_below), producer: producer? })
    }

    /// What stands under a key, and a producer's row at the same version.
    pub(crate) fn load(
        &self,
        key: &StreamKey,
        producer: Option<&ProducerId>,
    ) -> Result<Loaded, StorageError> {
        loop {
            // Before the look into memory: what leaves it afterwards is an edit, and what was not in it then is in the packed rows.
            let edits = self.packed.edits();
            let (slot, row) = self.recent_parts(key, producer);
            let slot = match slot {
                Some(slot) => slot,
                None => self.packed.slot(key)?,
            };
            let row = match (row, slot.state(), producer) {
                (Some(row), _, _) => row,
                (None, Some(state), Some(id)) => self.packed.producer(state.ranges.own(), id)?,
                (None, _, _) => None,
            };
            // With an edit in between, slot and row may be of different versions.
            if self.packed.edits() == edits {
                return Ok(Loaded { slot: slot.after_loss(self.lost_below), producer: row });
            }
        }
    }

    /// What memory tells of a slot and of a producer's row, as of one moment: a commit that is published between two looks would
    /// make them of different versions. What is `None` is not there, and as it is in the packed rows.
    fn recent_parts(
        &self,
        key: &StreamKey,
        producer: Option<&ProducerId>,
    ) -> (Option<Slot>, Option<Option<ProducerState>>) {
        let recent = self.recent.read();
        let slot = recent.slot(key);
        let row = match (producer, slot) {
            (None, _) => Some(None),
            (Some(id), Some(slot)) => recent.producer(slot, id),
            (Some(_), None) => None,
        };
        (slot.cloned(), row)
    }

    /// What stands under a key.
    pub(crate) fn slot(&self, key: &StreamKey) -> Result<Slot, StorageError> {
        let recent = self.recent.read().slot(key).cloned();
        let slot = match recent {
            Some(slot) => slot,
            None => self.packed.slot(key)?,
        };
        Ok(slot.after_loss(self.lost_below))
    }

    /// The last space sequence that was given.
    pub(crate) fn last_of_space(&self, name: &SpaceName) -> Result<u64, StorageError> {
        let recent = self.recent.read().last_of_space(name);
        let last = match recent {
            Some(last) => last,
            None => self.packed.space(name)?.last,
        };
        Ok(last.max(self.orders_above))
    }

    /// Whether versions are the present ones, if that needs no look at packed rows.
    pub(crate) fn confirm_recent(
        &self,
        relies_on: &[(StreamKey, Version)],
    ) -> Option<Confirmation> {
        let recent = self.recent.read();
        let mut present = true;
        for (key, version) in relies_on {
            present &= recent.slot(key)?.version() == *version;
        }
        Some(if present { Confirmation::Current } else { Confirmation::Stale })
    }

    /// Whether versions are the present ones.
    pub(crate) fn confirm(
        &self,
        relies_on: &[(StreamKey, Version)],
    ) -> Result<Confirmation, StorageError> {
        for (key, version) in relies_on {
            if self.slot(key)?.version() != *version {
                return Ok(Confirmation::Stale);
            }
        }
        Ok(Confirmation::Current)
    }
}

impl<P: Rows> Durable for View<P> {
    fn slot(&self, key: &StreamKey) -> Result<Slot, StorageError> {
        View::slot(self, key)
    }

    fn last_of_space(&self, name: &SpaceName) -> Result<u64, StorageError> {
        View::last_of_space(self, name)
    }
}
