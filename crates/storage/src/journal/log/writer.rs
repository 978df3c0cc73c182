//! The end of the log: groups are written there, one after the other.
//!
//! Costs of a group: one vectored write per 64 pieces (one for a usual group), and a sync, its own or one for several; no
//! allocation; payload below 16 KiB is copied once, when the batch is filled, and the checksum reads every byte once.

use std::io::{self, IoSlice};
use std::iter;
use std::sync::Arc;

use super::durable::{Durability, SyncPolicy, Synced};
use super::frame::{BEGIN, Begin, END, Run};
#[cfg(test)]
use super::planted::{Fault, planted};
use super::prepare::{Spare, Supply};
use super::{Batch, Files, Mark, Place, WriteError, seal};
use crate::disk::{DiskFile, write_all};

/// Pieces that are handed to one write: they are listed on the stack, and a group with more of them has large ones.
const PIECES: usize = 64;

/// The log's end.
#[derive(Debug)]
pub(crate) struct Writer {
    files: Files,
    supply: Arc<Supply>,
    durability: Arc<Durability>,
    sync: SyncPolicy,
    /// What every file that is begun says of this run.
    run: Run,
    /// Whether the log, as long as no file was begun, does not say what it has to.
    pub(super) owes: bool,
    /// The file that is written; none until the first group after an opening.
    current: Option<Spare>,
    end: Mark,
    /// Whether something is durable that shows that there was this run.
    proven: bool,
    /// Whether a write failed.
    poisoned: bool,
}

/// A group that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Where it begins. A file's first frame, which is the log's own, belongs to its first group.
    pub(crate) from: Place,
    /// Where it ends, and its number.
    pub(crate) end: Mark,
}

impl Writer {
    pub(super) fn new(
        files: Files,
        supply: Arc<Supply>,
        end: Mark,
        (sync, run): (SyncPolicy, Run),
    ) -> Self {
        let durability = Arc::new(Durability::new(end.group));
        Self {
            files,
            supply,
            durability,
            sync,
            run,
            owes: false,
            current: None,
            end,
            proven: false,
            poisoned: false,
        }
    }

    /// Where the log ends, with what was written and not yet synced.
    pub(crate) fn end(&self) -> Mark {
        self.end
    }

    /// How far it is durable.
    pub(crate) fn durability(&self) -> &Arc<Durability> {
        &self.durability
    }

    /// Writes a group of at least one frame; its frames' places are [`Batch::places`].
    ///
    /// # Errors
    /// After [`WriteError::Failed`] everything else fails too, and whether the group is durable is unknown. With every other error
    /// nothing of the group was written.
    pub(crate) fn append(&mut self, batch: &mut Batch) -> Result<Written, WriteError> {
        let durable = self.durable()?;
        if self.sync == SyncPolicy::Always && durable < self.end.group {
            return Err(WriteError::Unsynced);
        }
        let shape = WriteError::Shape { frames: batch.frames(), bytes: batch.len() };
        // One frame more and a Begin frame's bytes are room for the group to begin a file.
        let count =
            u16::try_from(batch.frames()).ok().filter(|count| (1..u16::MAX).contains(count));
        let len =
            u32::try_from(batch.len()).ok().filter(|len| len.checked_add(BEGIN as u32).is_some());
        let (Some(count), Some(len)) = (count, len) else {
            return Err(shape);
        };
        let end = self.end.place.offset.checked_add(len);
        let fits = |current: &Spare| end.is_some_and(|end| end <= current.capacity);
        if self.current.as_ref().is_some_and(fits) {
            let from = self.end.place;
            self.write(batch, count, from, from, iter::empty(), len)
        } else {
            self.begin_file(batch, count, len)
        }
    }

    /// Does what has to be done before the last group is acknowledged: makes it durable, unless that may come later.
    ///
    /// The first group of a run never may. Without it nothing would show, after a crash, that what this run wrote was not always
    /// durable.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn settle(&mut self) -> Result<Option<Synced>, WriteError> {
        #[cfg(test)]
        let proven = self.proven || planted(Fault::SkipsFirstSync);
        #[cfg(not(test))]
        let proven = self.proven;
        if self.sync == SyncPolicy::Always || !proven {
            self.durable()?;
            let synced = self.durability.reach(self.end.group)?;
            self.proven = true;
            return Ok(synced);
        }
        Ok(None)
    }

    /// Makes the last group durable.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn sync(&mut self) -> Result<(), WriteError> {
        self.durable()?;
        self.durability.reach(self.end.group).map(drop)
    }

    /// Ends the log in good order: syncs it, and seals it.
    ///
    /// # Errors
    /// As [`append`](Self::append). Then the log is not sealed, and the next opening looks for its end.
    pub(crate) fn close(mut self) -> Result<(), WriteError> {
        if self.current.is_none() && self.owes {
            // A seal would hide that there was a crash before this run.
            self.begin_file(&mut Batch::default(), 0, 0)?;
        }
        self.sync()?;
        self.supply.stop();
        if self.supply.is_broken() {
            // The next opening must not rely on spares whose names are uncertain.
            return Err(WriteError::Poisoned);
        }
        seal::write(&self.files, self.end).map_err(WriteError::Failed)
    }

    /// Writes the group as the first one of the next file. One that is larger than the file makes it grow.
    fn begin_file(
        &mut self,
        batch: &mut Batch,
        count: u16,
        len: u32,
    ) -> Result<Written, WriteError> {
        self.sync_before_switch()?;
        let spare = match self.supply.take() {
            Err(error) if self.supply.is_broken() => {
                self.poisoned = true;
                return Err(WriteError::Failed(error));
            }
            spare => spare.map_err(WriteError::Spare)?,
        };
        let generation = spare.generation;
        let begin = Begin { after: self.end, capacity: spare.capacity, run: self.run };
        let count = count + 1;
        let begin = begin.encode(self.files.identity(), generation, (count, self.lag()?));
        self.current = Some(spare);
        let from = Place { generation, offset: 0 };
        let frames = Place { generation, offset: BEGIN as u32 };
        self.write(batch, count, from, frames, iter::once(begin.as_slice()), BEGIN as u32 + len)
    }

    fn write<'p>(
        &mut self,
        batch: &'p mut Batch,
        count: u16,
        from: Place,
        frames: Place,
        first: impl Iterator<Item = &'p [u8]>,
        len: u32,
    ) -> Result<Written, WriteError> {
        let group = self.end.group + 1;
        let lag = self.lag()?;
        batch.stamp(self.files.identity(), frames, count, (group, lag));
        let end = Place { offset: from.offset + len, ..from };
        let written = match &self.current {
            Some(current) => {
                let room = current.capacity.checked_sub(end.offset);
                let mark = room.filter(|room| *room as usize >= END.len()).map(|_| END.as_slice());
                let pieces = first.chain(batch.pieces()).chain(mark);
                write_pieces(&*current.file, pieces, u64::from(from.offset))
            }
            None => Err(io::ErrorKind::NotFound.into()),
        };
        if let Err(error) = written {
            self.poisoned = true;
            return Err(WriteError::Failed(error));
        }
        if let Some(current) = &self.current {
            self.durability.wrote(group, len.into(), &current.file);
        }
        self.end = Mark { place: end, group };
        Ok(Written { from, end: self.end })
    }

    /// The last group that is durable, while anything may be written.
    fn durable(&self) -> Result<u64, WriteError> {
        if self.poisoned { Err(WriteError::Poisoned) } else { self.durability.group() }
    }

    /// How many groups back from the next one the last durable one is.
    fn lag(&self) -> Result<u32, WriteError> {
        let lag = self.end.group + 1 - self.durable()?;
        #[cfg(test)]
        let lag = if planted(Fault::ClaimsDurability) { 1 } else { lag };
        // To say that less is durable than is, is always true.
        Ok(u32::try_from(lag).unwrap_or(u32::MAX))
    }

    /// A file is begun when all before it is durable: what a crash may take is in one file.
    fn sync_before_switch(&mut self) -> Result<(), WriteError> {
        #[cfg(test)]
        if planted(Fault::SkipsSyncAtSwitch) {
            return Ok(());
        }
        self.sync()
    }
}

fn write_pieces<'p>(
    file: &dyn DiskFile,
    mut pieces: impl Iterator<Item = &'p [u8]>,
    mut offset: u64,
) -> io::Result<()> {
    loop {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let (mut filled, mut bytes) = (0, 0);
        // The slots come first: a piece is taken only when there is a slot for it.
        for (slot, piece) in slices.iter_mut().zip(pieces.by_ref()) {
            *slot = IoSlice::new(piece);
            filled += 1;
            bytes += piece.len() as u64;
        }
        match slices.get_mut(..filled) {
            Some(slices) if filled > 0 => write_all(file, slices, offset)?,
            _ => return Ok(()),
        }
        offset += bytes;
    }
}
