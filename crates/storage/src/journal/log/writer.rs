//! The end of the log: groups are written there, one after the other.
//!
//! Costs of a group: one vectored write per 64 pieces (one for a usual group), one sync; no allocation; payload below 16 KiB is
//! copied once, when the batch is filled, and the checksum reads every byte once.

use std::io::{self, IoSlice};
use std::iter;
use std::sync::Arc;

use super::frame::{BEGIN, Begin, END};
#[cfg(test)]
use super::planted::{Fault, planted};
use super::prepare::{Spare, Supply};
use super::{Batch, Files, Mark, Place, WriteError, seal};
use crate::disk::{DiskFile, write_all};

/// Pieces that are handed to one write: they are listed on the stack, and a group with more of them has large ones.
const PIECES: usize = 64;

/// A group is written when the one before it is durable.
const LAG: u32 = 1;

/// The log's end.
#[derive(Debug)]
pub(crate) struct Writer {
    files: Files,
    supply: Arc<Supply>,
    /// The file that is written; none until the first group after an opening.
    current: Option<Spare>,
    end: Mark,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Everything up to the end is durable.
    Durable,
    /// The last group is not.
    Written,
    /// A write or a sync failed.
    Poisoned,
}

/// A group that was written. It is durable after the next sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Where it begins. A file's first frame, which is the log's own, belongs to its first group.
    pub(crate) from: Place,
    /// Where it ends, and its number.
    pub(crate) end: Mark,
}

impl Writer {
    pub(super) fn new(files: Files, supply: Arc<Supply>, end: Mark) -> Self {
        Self { files, supply, current: None, end, state: State::Durable }
    }

    /// Where the log ends, with what was written and not yet synced.
    pub(crate) fn end(&self) -> Mark {
        self.end
    }

    /// Writes a group of at least one frame; its frames' places are [`Batch::places`].
    ///
    /// # Errors
    /// After [`WriteError::Failed`] everything else fails too, and whether the group is durable is unknown. With every other error
    /// nothing of the group was written.
    pub(crate) fn append(&mut self, batch: &mut Batch) -> Result<Written, WriteError> {
        match self.state {
            State::Durable => {}
            State::Written => return Err(WriteError::Unsynced),
            State::Poisoned => return Err(WriteError::Poisoned),
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

    /// Makes the last group durable.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub(crate) fn sync(&mut self) -> Result<(), WriteError> {
        match (self.state, &self.current) {
            (State::Poisoned, _) => return Err(WriteError::Poisoned),
            (State::Written, Some(current)) => {
                #[cfg(test)]
                let skipped = planted(Fault::SkipsSync);
                #[cfg(not(test))]
                let skipped = false;
                let synced = if skipped { Ok(()) } else { current.file.sync_data() };
                self.check(synced)?;
            }
            (State::Written | State::Durable, _) => {}
        }
        self.state = State::Durable;
        Ok(())
    }

    /// Ends the log in good order: syncs it, and seals it.
    ///
    /// # Errors
    /// As [`append`](Self::append). Then the log is not sealed, and the next opening looks for its end.
    pub(crate) fn close(mut self) -> Result<(), WriteError> {
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
        let spare = match self.supply.take() {
            Err(error) if self.supply.is_broken() => {
                self.state = State::Poisoned;
                return Err(WriteError::Failed(error));
            }
            spare => spare.map_err(WriteError::Spare)?,
        };
        let generation = spare.generation;
        let begin = Begin { after: self.end, capacity: spare.capacity };
        let count = count + 1;
        let begin = begin.encode(self.files.identity(), generation, (count, LAG));
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
        batch.stamp(self.files.identity(), frames, count, (group, LAG));
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
        self.check(written)?;
        self.state = State::Written;
        self.end = Mark { place: end, group };
        Ok(Written { from, end: self.end })
    }

    /// An error of the disk is the last thing that this writer tells.
    fn check(&mut self, result: io::Result<()>) -> Result<(), WriteError> {
        result.map_err(|error| {
            self.state = State::Poisoned;
            WriteError::Failed(error)
        })
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
