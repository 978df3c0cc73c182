//! What is durable, as everyone may see it: what is recent, and behind it the database.

use std::sync::Arc;

use headwater_core::producer::ProducerState;
use headwater_core::storage::{Confirmation, Loaded, StorageError};
use headwater_core::{Lineage, ProducerId, Slot, StreamKey, Version};
use parking_lot::RwLock;

use super::tree::Tree;
use crate::directory::DataDir;
use crate::local::decide::Durable;
use crate::local::recent::{Recent, SpaceName};
use crate::local::row::Row;
use crate::local::stored::{StoredProducer, StoredRanges, StoredSlot, StoredSpace, Unacceptable};

/// The two places where durable data is found.
#[derive(Debug)]
pub(super) struct View {
    pub(super) tree: Tree,
    /// Written by the committer when a group is durable, for as long as it takes to enter it; read by everyone, for as long
    /// as it takes to copy references. Never held while the database is asked.
    pub(super) recent: RwLock<Recent>,
    /// Stays locked for as long as the database is open; so it comes last, and is dropped last.
    pub(super) directory: Arc<DataDir>,
}

impl View {
    /// What stands under a key, and a producer's row, if that needs no look into the database.
    pub(super) fn load_recent(
        &self,
        key: &StreamKey,
        producer: Option<&ProducerId>,
    ) -> Option<Loaded> {
        let (slot, producer) = self.recent_parts(key, producer);
        Some(Loaded { slot: slot?, producer: producer? })
    }

    /// What stands under a key, and a producer's row at the same version.
    pub(super) fn load(
        &self,
        key: &StreamKey,
        producer: Option<&ProducerId>,
    ) -> Result<Loaded, StorageError> {
        loop {
            // Before the look into memory: what leaves it afterwards is an edit, and what was not in it then is in the database.
            let edits = self.tree.edits();
            let (slot, row) = self.recent_parts(key, producer);
            let slot = match slot {
                Some(slot) => slot,
                None => self.packed_slot(key)?,
            };
            let row = match (row, slot.state(), producer) {
                (Some(row), _, _) => row,
                (None, Some(state), Some(id)) => self.packed_producer(state.ranges.own(), id)?,
                (None, _, _) => None,
            };
            // With an edit in between, slot and row may be of different versions.
            if self.tree.edits() == edits {
                return Ok(Loaded { slot, producer: row });
            }
        }
    }

    /// What memory tells of a slot and of a producer's row, as of one moment: a commit that is published between two looks would
    /// make them of different versions. What is `None` is not there, and as it is in the database.
    fn recent_parts(
        &self,
        key: &StreamKey,
        producer: Option<&ProducerId>,
    ) -> (Option<Slot>, Option<Option<ProducerState>>) {
        let recent = self.recent.read();
        let slot = recent.slot(key);
        let row = match (producer, slot) {
            (None, _) => Some(None),
            (Some(id), Some(slot)) => recent_producer(&recent, slot, id),
            (Some(_), None) => None,
        };
        (slot.cloned(), row)
    }

    /// What stands under a key.
    pub(super) fn slot(&self, key: &StreamKey) -> Result<Slot, StorageError> {
        let recent = self.recent.read().slot(key).cloned();
        match recent {
            Some(slot) => Ok(slot),
            None => self.packed_slot(key),
        }
    }

    /// What stands under a key in the database.
    pub(super) fn packed_slot(&self, key: &StreamKey) -> Result<Slot, StorageError> {
        let row = Row::state(key);
        loop {
            let edits = self.tree.edits();
            let Some(stored) = self.tree.read::<StoredSlot>(row)? else { return Ok(Slot::Absent) };
            match self.whole_slot(row, stored) {
                // The rows of a stream that is being removed may go between two looks.
                Err(_) if self.tree.edits() != edits => {}
                outcome => return outcome,
            }
        }
    }

    /// Adds to a state row the inherited ranges that are in rows of their own.
    pub(super) fn whole_slot(
        &self,
        row: Row<'_>,
        stored: StoredSlot,
    ) -> Result<Slot, StorageError> {
        let lineage = stored.lineage();
        let ranges = (0..stored.range_rows()).map(|index| {
            let row = Row::Ranges { lineage, index };
            let missing = || StorageError::Corrupt(format!("{row} is missing"));
            self.tree.read::<StoredRanges>(row)?.ok_or_else(missing)
        });
        let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
        stored.into_slot(ranges).map_err(Unacceptable::at(&row.key()))
    }

    fn packed_producer(
        &self,
        lineage: Lineage,
        id: &ProducerId,
    ) -> Result<Option<ProducerState>, StorageError> {
        let row = Row::Producer { lineage, id: id.as_str() };
        let stored = self.tree.read::<StoredProducer>(row)?;
        stored.map(|stored| stored.into_state().map_err(Unacceptable::at(&row.key()))).transpose()
    }

    /// The last space sequence that was given.
    pub(super) fn last_of_space(&self, name: &SpaceName) -> Result<u64, StorageError> {
        let recent = self.recent.read();
        if let Some(run) = recent.space(name).and_then(|space| space.runs.last()) {
            return Ok(run.end().space - 1);
        }
        drop(recent);
        Ok(self.packed_space(name)?.last)
    }

    /// The counters of a space in the database.
    pub(super) fn packed_space(&self, name: &SpaceName) -> Result<StoredSpace, StorageError> {
        let row = Row::Space { store: name.store, space: &name.space };
        Ok(self.tree.read(row)?.unwrap_or_default())
    }

    /// Whether versions are the present ones, if that needs no look into the database.
    pub(super) fn confirm_recent(
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
    pub(super) fn confirm(
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

impl Durable for View {
    fn slot(&self, key: &StreamKey) -> Result<Slot, StorageError> {
        View::slot(self, key)
    }

    fn last_of_space(&self, name: &SpaceName) -> Result<u64, StorageError> {
        View::last_of_space(self, name)
    }
}

/// A producer's row, where memory is enough to tell: the outer option.
fn recent_producer(recent: &Recent, slot: &Slot, id: &ProducerId) -> Option<Option<ProducerState>> {
    let Some(state) = slot.state() else { return Some(None) };
    let stream = recent.stream(state.ranges.own())?;
    match stream.producers.get(id) {
        Some(row) => Some(Some(*row)),
        // A stream that the database does not know has no rows there.
        None if stream.unlisted.is_some() => Some(None),
        None => None,
    }
}
