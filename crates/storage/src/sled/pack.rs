//! Packing: committed groups become rows that can be read, and what is not needed any more is deleted.
//!
//! It goes in **rounds**. A round takes everything that is recent when it begins and packs it, stream by stream and then space by
//! space, in small batches, so that a group never waits long behind one. Each batch takes the database from one state
//! that can be opened to another: what is packed of a stream or a space is recognised when groups are replayed, and is
//! not applied twice. When all of a round is packed and synced, the checkpoint says so, and its groups are deleted.
//!
//! Batches are not synced one by one, which would cost a good part of the throughput. What that leaves open to a loss of power,
//! because sled moves data meanwhile, `docs/guarantees.md` says.
//!
//! Streams come before spaces, so that the order of a space never tells about a record whose bytes are not packed yet.
//!
//! Between rounds the remains of removed streams and the beginnings of truncated ones are deleted, and orders are rid of their
//! records.

mod graves;
mod order;
mod stream;
mod sweep;
mod trims;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, ProducerId};

use super::tree::Edit;
use super::tree::View;
use crate::local::database::tuning::BATCH_KEYS;
use crate::local::database::{Barrier, Room};
use crate::local::recent::SpaceName;
use crate::local::row::Row;
use crate::local::stored::StoredCheckpoint;
pub(super) use graves::is_grave;
use sweep::Sweep;
#[cfg(test)]
pub(super) use sweep::count_dead;
pub(super) use sweep::is_crowded;
pub(super) use trims::is_trimmed;

/// Who changes packed rows: the committer's thread alone.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) view: Arc<View>,
    pub(super) barrier: Barrier,
    pub(super) room: Room,
    pub(super) checkpoint: StoredCheckpoint,
}

impl Writer {
    /// Changes packed rows. Survives the death of the process when the next flush returns.
    fn apply(&mut self, edit: Edit) -> Result<usize, StorageError> {
        let bytes = edit.bytes();
        self.view.packed.apply(edit, &mut self.checkpoint)?;
        Ok(bytes)
    }

    /// Makes everything durable.
    pub(super) fn sync(&self) -> Result<(), StorageError> {
        self.view.packed.db().flush()?;
        self.barrier.wait()
    }
}

/// A group in the database: its number, and how many parts it has.
pub(super) type GroupRows = (u64, u32);

/// The last numbers that were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) group: u64,
    pub(super) unit: u64,
    pub(super) at: u64,
}

/// What is to be packed and deleted.
#[derive(Debug, Default)]
pub(super) struct Packer {
    /// Groups that are not packed, in order.
    groups: VecDeque<GroupRows>,
    /// Groups that are packed and still there.
    packed: VecDeque<GroupRows>,
    round: Option<Round>,
    /// Whether there may be remains of lineages, or beginnings that were given up.
    graves: bool,
    sweeps: VecDeque<Sweep>,
    /// Steps done so far.
    steps: usize,
}

/// Every so many steps of a round, one deletes: a store that is never idle must not grow by what it removed.
const TIDY_EVERY: usize = 4;

#[derive(Debug)]
struct Round {
    /// What the checkpoint will say.
    through: Counters,
    streams: VecDeque<Lineage>,
    spaces: VecDeque<SpaceName>,
}

/// What a step of work leaves of the thing it worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    More,
    Nothing,
}

impl Packer {
    /// What recovery found to do.
    pub(super) fn new(
        groups: Vec<GroupRows>,
        packed: Vec<GroupRows>,
        crowded: Vec<SpaceName>,
    ) -> Self {
        let sweeps = crowded.into_iter().map(Sweep::new).collect();
        Self {
            groups: groups.into(),
            packed: packed.into(),
            graves: true,
            sweeps,
            ..Self::default()
        }
    }

    /// Notes a group that was committed.
    pub(super) fn committed(&mut self, group: GroupRows) {
        self.groups.push_back(group);
    }

    /// Groups that are not packed.
    pub(super) fn unpacked(&self) -> usize {
        self.groups.len()
    }

    /// Whether there is something to do without beginning a round.
    pub(super) fn is_busy(&self) -> bool {
        self.round.is_some() || !self.packed.is_empty() || self.graves || !self.sweeps.is_empty()
    }

    /// Begins a round over everything up to here, unless one is under way.
    pub(super) fn begin_round(&mut self, view: &View, through: Counters) {
        if self.round.is_none() && !self.groups.is_empty() {
            let recent = &view.recent.read().active;
            let (streams, spaces) = (recent.lineages().into(), recent.spaces().into());
            self.round = Some(Round { through, streams, spaces });
        }
    }

    /// Does a small piece of work, and returns how many bytes it wrote; `None` when there is nothing to do.
    pub(super) fn step(&mut self, writer: &mut Writer) -> Result<Option<usize>, StorageError> {
        self.steps = self.steps.wrapping_add(1);
        if !self.packed.is_empty() {
            return self.delete_groups(writer).map(Some);
        }
        if self.round.is_none() || self.steps.is_multiple_of(TIDY_EVERY) {
            let tidied = self.tidy(writer)?;
            if tidied.is_some() || self.round.is_none() {
                return Ok(tidied);
            }
        }
        let Some(round) = &mut self.round else { return Ok(None) };
        let packed = round.step(writer, &mut self.sweeps)?;
        if packed.is_none() {
            self.finish_round(writer)?;
            self.graves = true;
        }
        Ok(Some(packed.unwrap_or_default()))
    }

    /// Deletes something that is not needed any more.
    fn tidy(&mut self, writer: &mut Writer) -> Result<Option<usize>, StorageError> {
        if self.graves {
            let deleted = match graves::step(writer)? {
                None => trims::step(writer)?,
                deleted => deleted,
            };
            self.graves = deleted.is_some();
            if deleted.is_some() {
                return Ok(deleted);
            }
        }
        let Some(sweep) = self.sweeps.front_mut() else { return Ok(None) };
        let (bytes, rest) = sweep.step(writer)?;
        if rest == Rest::Nothing {
            self.sweeps.pop_front();
        }
        Ok(Some(bytes))
    }

    fn finish_round(&mut self, writer: &mut Writer) -> Result<(), StorageError> {
        let Some(Round { through, .. }) = self.round.take() else { return Ok(()) };
        // Before the checkpoint says that groups are not needed, what replaces them is durable.
        writer.sync()?;
        let StoredCheckpoint { rows, streams, digest, .. } = writer.checkpoint;
        let Counters { group, unit, at } = through;
        writer.checkpoint = StoredCheckpoint { packed: group, unit, at, rows, streams, digest };
        writer.apply(Edit::default())?;
        let done = self.groups.partition_point(|(number, _)| *number <= group);
        self.packed.extend(self.groups.drain(..done));
        Ok(())
    }

    fn delete_groups(&mut self, writer: &mut Writer) -> Result<usize, StorageError> {
        let mut edit = Edit::default();
        while let Some((group, parts)) = self.packed.pop_front() {
            let room = u32::try_from(BATCH_KEYS - edit.len()).unwrap_or(parts);
            let now = parts.min(room);
            // From the last part on, so that what a crash leaves of a group are its first parts.
            (parts - now..parts).for_each(|part| edit.delete(Row::Group { group, part }.key()));
            if now < parts {
                self.packed.push_front((group, parts - now));
            }
            if edit.is_full() {
                break;
            }
        }
        writer.apply(edit)
    }
}

/// What is packed together, and what is not recent any more once it is.
#[derive(Debug, Default)]
struct Batch {
    edit: Edit,
    done: Vec<Done>,
    /// Records of removed streams, by space.
    dead: HashMap<SpaceName, u64>,
}

#[derive(Debug)]
enum Done {
    /// The first runs of a lineage.
    Runs(Lineage, usize),
    /// Some producers of a lineage.
    Producers(Lineage, Vec<ProducerId>),
    /// All of a lineage.
    Stream(Lineage),
    /// The first runs of a space.
    Order(SpaceName, usize),
}

impl Round {
    /// Packs a piece; `None` when all is packed.
    fn step(
        &mut self,
        writer: &mut Writer,
        sweeps: &mut VecDeque<Sweep>,
    ) -> Result<Option<usize>, StorageError> {
        if self.streams.is_empty() && self.spaces.is_empty() {
            return Ok(None);
        }
        let mut batch = Batch::default();
        // Never streams and spaces in one batch: what a batch says of a space relies on the streams before it.
        if self.streams.is_empty() {
            self.add_spaces(&writer.view, &mut batch)?;
        } else {
            self.add_streams(&writer.view, &mut batch)?;
        }
        for (name, records) in std::mem::take(&mut batch.dead) {
            if sweep::count_dead(&writer.view, &name, records, &mut batch.edit)? {
                sweep::queue(sweeps, name);
            }
        }
        let bytes = writer.apply(batch.edit)?;
        let recent = &mut writer.view.recent.write().active;
        for done in batch.done {
            match done {
                Done::Runs(lineage, count) => recent.forget_runs(lineage, count),
                Done::Producers(lineage, ids) => recent.forget_producers(lineage, &ids),
                Done::Stream(lineage) => recent.forget_stream(lineage),
                Done::Order(name, count) => recent.forget_order(&name, count),
            }
        }
        Ok(Some(bytes))
    }

    fn add_streams(&mut self, view: &View, batch: &mut Batch) -> Result<(), StorageError> {
        while let Some(lineage) = self.streams.front().copied() {
            if stream::add(view, lineage, batch)? == Rest::More {
                break;
            }
            self.streams.pop_front();
            if batch.edit.is_full() {
                break;
            }
        }
        Ok(())
    }

    fn add_spaces(&mut self, view: &View, batch: &mut Batch) -> Result<(), StorageError> {
        while let Some(name) = self.spaces.front() {
            if order::add(view, name, self.through.group, batch)? == Rest::More {
                break;
            }
            self.spaces.pop_front();
            if batch.edit.is_full() {
                break;
            }
        }
        Ok(())
    }
}
