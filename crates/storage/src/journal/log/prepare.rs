//! Spares: the files that the log goes on in, made ready before they are needed.
//!
//! A spare has the generation after that of the file before it, so the generations on the disk are contiguous. It counts when its
//! bytes and its name are durable: then writing to it changes neither its size nor a folder, which makes syncs cheap.
//! A spare is a new file full of zeros, or a file of the log that is not needed any more, with its old content, under its next name.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::Files;
use super::files::MOST;
use crate::disk::{DiskFile, write_all};

/// How much of a new file is written at once. The page cache keeps what is written at once in one piece, and the kernel goes over every block of
/// a piece for each group that is written into it later: of 1 MiB that took as long as the rest of such a write twice over. Much less would only be
/// more calls for a new file.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The files in front of and behind the log's end.
#[derive(Debug)]
pub(crate) struct Supply {
    files: Files,
    capacity: u32,
    /// How many spares are kept ready, and how many old files are kept to become spares.
    bound: usize,
    /// Held while a spare is made, by the preparing thread or by a writer that has none: generations are given out in order.
    making: Mutex<()>,
    /// Held for moments only, never while the disk is asked.
    stock: Mutex<Stock>,
    /// Told when a spare was taken, and when there is nothing more to prepare.
    wanted: Condvar,
}

#[derive(Debug)]
struct Stock {
    /// The generation of the next spare.
    next: u64,
    ready: VecDeque<Spare>,
    /// The log's files, in order; the last one is the one that is written.
    used: VecDeque<u64>,
    /// Files that the log does not need any more, in order.
    old: VecDeque<u64>,
    /// How many look at files that the log may not need any more: until none does, they stay as they are.
    holds: usize,
    stopped: bool,
    /// A sync of the folder failed. What names it was for may turn up after a crash, over those that came later, so no file
    /// is made any more.
    broken: bool,
}

/// A file that is ready to be written.
#[derive(Clone, Debug)]
pub(super) struct Spare {
    pub(super) generation: u64,
    pub(super) file: Arc<dyn DiskFile>,
    /// Bytes that are durably its.
    pub(super) capacity: u32,
}

/// Somebody looks at the files. What became old meanwhile is used again, or removed, after the next round.
#[derive(Debug)]
pub(crate) struct Hold(Arc<Supply>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.stock.lock().holds -= 1;
    }
}

/// Whether there was something to prepare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// A spare was made.
    One,
    /// There are as many as are kept.
    Enough,
}

/// The files that an opening found, in order.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) old: VecDeque<u64>,
    pub(super) used: VecDeque<u64>,
    pub(super) ready: VecDeque<Spare>,
    pub(super) next: u64,
}

impl Supply {
    pub(super) fn new(files: Files, capacity: u32, bound: usize, found: Inventory) -> Self {
        let Inventory { old, used, ready, next } = found;
        let (holds, stopped, broken) = (0, false, false);
        let stock = Mutex::new(Stock { next, ready, used, old, holds, stopped, broken });
        let making = Mutex::new(());
        Self { files, capacity, bound: bound.max(1), making, stock, wanted: Condvar::new() }
    }

    /// Waits until a spare is wanted; false after [`stop`](Self::stop).
    pub(crate) fn wait(&self) -> bool {
        let mut stock = self.stock.lock();
        self.wanted
            .wait_while(&mut stock, |stock| stock.ready.len() >= self.bound && !stock.stopped);
        !stock.stopped
    }

    /// Whether a failure left the names uncertain: then no file is made until the log is opened anew.
    pub(crate) fn is_broken(&self) -> bool {
        self.stock.lock().broken
    }

    /// Waits before something that failed is tried again; false after [`stop`](Self::stop).
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let mut stock = self.stock.lock();
        self.wanted.wait_while_for(&mut stock, |stock| !stock.stopped, time);
        !stock.stopped
    }

    /// Ends all waiting.
    pub(crate) fn stop(&self) {
        self.stock.lock().stopped = true;
        self.wanted.notify_all();
    }

    /// Makes one spare, if one is wanted.
    ///
    /// # Errors
    /// Those of the disk. Then there is no new spare, and it may be tried again unless the supply [is broken](Self::is_broken).
    pub(crate) fn prepare_one(&self) -> io::Result<Prepared> {
        self.prepare_up_to(self.bound)
    }

    /// Gives back the files below a generation: the log will never again be recovered from a place in one of them.
    /// The file that is written stays.
    ///
    /// # Errors
    /// Those of the disk. Files that were not removed are tried again with the next call.
    pub(crate) fn release(&self, below: u64) -> io::Result<()> {
        self.stock.lock().release(below);
        loop {
            let Some(generation) = self.stock.lock().surplus(self.bound) else {
                return Ok(());
            };
            if let Err(error) = self.files.remove(generation) {
                self.stock.lock().old.push_front(generation);
                return Err(error);
            }
        }
    }

    /// Keeps all files of the log as they are, those included that it will not need any more, for as long as the value lives.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.stock.lock().holds += 1;
        Hold(Arc::clone(self))
    }

    /// The next file of the log: a spare, or one that is made at once.
    pub(super) fn take(&self) -> io::Result<Spare> {
        loop {
            if let Some(spare) = self.stock.lock().take() {
                self.wanted.notify_all();
                return Ok(spare);
            }
            self.prepare_up_to(1)?;
        }
    }

    /// Whether there are as many spares as are kept, or there will be none any more.
    #[cfg(test)]
    pub(in crate::journal) fn is_settled(&self) -> bool {
        let stock = self.stock.lock();
        stock.ready.len() >= self.bound || stock.broken || stock.stopped
    }

    /// How many files there are: old, used and ready ones.
    #[cfg(test)]
    pub(crate) fn count(&self) -> (usize, usize, usize) {
        let stock = self.stock.lock();
        (stock.old.len(), stock.used.len(), stock.ready.len())
    }

    fn prepare_up_to(&self, target: usize) -> io::Result<Prepared> {
        let _making = self.making.lock();
        let (generation, old) = {
            let mut stock = self.stock.lock();
            if stock.broken {
                return Err(io::Error::other("an earlier sync of the journal's folder failed"));
            }
            if stock.ready.len() >= target {
                return Ok(Prepared::Enough);
            }
            if stock.next > MOST {
                return Err(io::Error::other("no more journal files can be numbered"));
            }
            (stock.next, stock.give())
        };
        let file = self.make(generation, old).inspect_err(|_| {
            // The old file may be where it was; where it is not, the next attempt goes without it.
            old.into_iter().for_each(|old| self.stock.lock().old.push_front(old));
        })?;
        let mut stock = self.stock.lock();
        stock.next += 1;
        stock.ready.push_back(Spare { generation, file, capacity: self.capacity });
        Ok(Prepared::One)
    }

    fn make(&self, generation: u64, old: Option<u64>) -> io::Result<Arc<dyn DiskFile>> {
        let recycled = old.map_or(Ok(None), |old| self.recycle(old, generation))?;
        let file = recycled.map_or_else(|| self.fill(generation), Ok)?;
        self.files.sync_names().inspect_err(|_| self.stock.lock().broken = true)?;
        Ok(file)
    }

    /// Gives an old file its next name; one of another size is removed instead.
    fn recycle(&self, old: u64, generation: u64) -> io::Result<Option<Arc<dyn DiskFile>>> {
        let file = match self.files.open(old) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if file.size()? != u64::from(self.capacity) {
            self.files.remove(old)?;
            return Ok(None);
        }
        self.files.rename(old, generation)?;
        Ok(Some(file))
    }

    /// Makes a new file. Its name is given to it when its bytes are durable, and what a full disk leaves is removed.
    fn fill(&self, generation: u64) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.files.create_draft()?;
        let filled = fill(&*file, u64::from(self.capacity)).and_then(|()| file.sync_data());
        if let Err(error) = filled {
            // The room matters more than this answer: a draft that stays is removed before the next one.
            let _ = self.files.remove_draft();
            return Err(error);
        }
        self.files.name_draft(generation)?;
        Ok(file)
    }
}

impl Stock {
    fn take(&mut self) -> Option<Spare> {
        let spare = self.ready.pop_front()?;
        self.used.push_back(spare.generation);
        Some(spare)
    }

    fn release(&mut self, below: u64) {
        while self.used.len() > 1 && self.used.front().is_some_and(|first| *first < below) {
            self.old.extend(self.used.pop_front());
        }
    }

    /// An old file that nobody looks at.
    fn give(&mut self) -> Option<u64> {
        if self.holds == 0 { self.old.pop_front() } else { None }
    }

    /// An old file that is more than are kept.
    fn surplus(&mut self, bound: usize) -> Option<u64> {
        if self.old.len() > bound { self.give() } else { None }
    }
}

fn fill(file: &dyn DiskFile, capacity: u64) -> io::Result<()> {
    let mut offset = 0;
    while offset < capacity {
        let len = (capacity - offset).min(ZEROS.len() as u64);
        let piece = IoSlice::new(ZEROS.get(..len as usize).unwrap_or_default());
        write_all(file, &mut [piece], offset)?;
        offset += len;
    }
    Ok(())
}
