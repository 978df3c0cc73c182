//! The look at every row when a directory is opened.
//!
//! Every value is verified against its checksum and decoded; the packed rows are added up and compared with the
//! checkpoint; groups are collected. So a start takes time that grows with the store, which is this adapter's limit.

use std::collections::BTreeMap;

use headwater_core::StreamKey;
use headwater_core::storage::StorageError;
use sled::IVec;

use super::super::chunk::Chunk;
use super::super::group::open_part;
use super::super::pack::{GroupRows, is_crowded};
use super::super::read::stretches::open as open_stretch;
use super::super::safeguards::{Comparison, Safeguards};
use super::super::tree::View;
use super::super::tree::{Sum, is_packed};
use super::chains::Chains;
use crate::local::frame::{Damage, Verify};
use crate::local::recent::SpaceName;
use crate::local::row::Row;
use crate::local::rows::Rows;
use crate::local::stored::{
    StoredCheckpoint, StoredDeadline, StoredGrave, StoredLineage, StoredPin, StoredProducer,
    StoredRanges, StoredSlot, StoredSpace, StoredTrim, Unacceptable, decode,
};

/// A group's number and its parts.
pub(super) type FoundGroup = (u64, Vec<(u32, IVec)>);

/// What was found.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) checkpoint: StoredCheckpoint,
    /// Groups that are packed and still to be deleted.
    pub(super) packed: Vec<GroupRows>,
    /// Spaces whose order is worth a sweep.
    pub(super) crowded: Vec<SpaceName>,
    pub(super) chains: Chains,
    groups: BTreeMap<u64, Vec<(u32, IVec)>>,
    sum: Sum,
}

/// Looks at every row.
pub(super) fn survey(view: &View, safeguards: &dyn Safeguards) -> Result<Survey, StorageError> {
    let missing = || StorageError::Corrupt(format!("{} is missing", Row::Checkpoint));
    let checkpoint = view.packed.read(Row::Checkpoint)?.ok_or_else(missing)?;
    let mut survey = Survey {
        checkpoint,
        packed: Vec::new(),
        crowded: Vec::new(),
        chains: Chains::default(),
        groups: BTreeMap::new(),
        sum: Sum::default(),
    };
    for entry in view.packed.db().scan(&[]) {
        let (key, value) = entry?;
        let row =
            Row::parse(&key).ok_or_else(|| StorageError::Corrupt(Damage::Content.at(&key)))?;
        if is_packed(&key) {
            survey.sum.add(&key, &value);
        }
        survey.visit(view, row, &key, &value, safeguards)?;
    }
    if safeguards.compares(Comparison::Chains) {
        survey.chains.finish()?;
    }
    if safeguards.compares(Comparison::Digest) {
        survey.compare_sum()?;
    }
    Ok(survey)
}

impl Survey {
    /// Verifies a row, and takes from it what is needed.
    fn visit(
        &mut self,
        view: &View,
        row: Row<'_>,
        key: &[u8],
        value: &IVec,
        safeguards: &dyn Safeguards,
    ) -> Result<(), StorageError> {
        match row {
            Row::Group { group, part } => {
                self.visit_part(group, part, value, view.packed.verify())?
            }
            Row::Space { store, space } => {
                let stored: StoredSpace = decode(key, value, view.packed.verify())?;
                if is_crowded(&stored) {
                    self.crowded.push(SpaceName { store, space: space.into() });
                }
            }
            Row::Chunk { .. } => {
                let chunk = Chunk::open(&view.packed, key, value.clone())?;
                chunk.verify()?;
                if safeguards.compares(Comparison::Chains) {
                    self.chains.visit_chunk(view, &chunk)?;
                }
            }
            other => verify(view, other, key, value)?,
        }
        if safeguards.compares(Comparison::Chains) {
            self.chains.visit(view, row, key, value)?;
        }
        Ok(())
    }

    fn visit_part(
        &mut self,
        group: u64,
        part: u32,
        value: &IVec,
        verify: Verify,
    ) -> Result<(), StorageError> {
        open_part(group, part, value, verify)?;
        if group > self.checkpoint.packed {
            self.groups.entry(group).or_default().push((part, value.clone()));
            return Ok(());
        }
        match self.packed.last_mut() {
            Some((last, parts)) if *last == group => *parts = part + 1,
            _ => self.packed.push((group, part + 1)),
        }
        Ok(())
    }

    fn compare_sum(&self) -> Result<(), StorageError> {
        let (found, noted) = (self.sum, Sum::of(&self.checkpoint));
        if found == noted {
            return Ok(());
        }
        Err(StorageError::Corrupt(format!(
            "its database has {} rows about {} streams where {} rows about {} streams were written, or some of them are \
             not the last ones written",
            found.rows, found.streams, noted.rows, noted.streams
        )))
    }

    /// The groups that are not packed, without a gap behind the last one that is.
    pub(super) fn contiguous_groups(&self) -> Result<Vec<FoundGroup>, StorageError> {
        let mut expected = self.checkpoint.packed;
        for group in self.groups.keys() {
            expected += 1;
            if *group != expected {
                return Err(StorageError::Corrupt(format!("group {expected} is missing")));
            }
        }
        Ok(self.groups.iter().map(|(number, parts)| (*number, parts.clone())).collect())
    }
}

/// Reads a row in full, to see that it can be.
fn verify(view: &View, row: Row<'_>, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
    let verify = view.packed.verify();
    let unacceptable = Unacceptable::at(key);
    match row {
        Row::Order { .. } => open_stretch(&view.packed, key, value).map(drop),
        Row::State { store, path } => {
            StreamKey::parse(store, path)
                .map_err(|_| StorageError::Corrupt(Damage::Content.at(key)))?;
            let stored: StoredSlot = decode(key, value, verify)?;
            view.packed.whole_slot(row, stored).map(drop)
        }
        Row::Lineage(_) => {
            decode::<StoredLineage>(key, value, verify)?.into_key().map(drop).map_err(unacceptable)
        }
        Row::Producer { .. } => decode::<StoredProducer>(key, value, verify)?
            .into_state()
            .map(drop)
            .map_err(unacceptable),
        Row::Deadline { .. } => {
            decode::<StoredDeadline>(key, value, verify)?.into_key().map(drop).map_err(unacceptable)
        }
        Row::Ranges { .. } => decode::<StoredRanges>(key, value, verify).map(drop),
        Row::Pin { .. } => decode::<StoredPin>(key, value, verify).map(drop),
        Row::Grave(_) => decode::<StoredGrave>(key, value, verify).map(drop),
        Row::Trim(_) => decode::<StoredTrim>(key, value, verify).map(drop),
        Row::Checkpoint | Row::Group { .. } | Row::Space { .. } | Row::Chunk { .. } => Ok(()),
    }
}
