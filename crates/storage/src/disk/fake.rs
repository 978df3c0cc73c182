//! [`FakeDisk`]: a directory in memory that is what a file system and a disk are at their worst.
//!
//! While the system runs it behaves as [`RealDisk`](super::RealDisk) does. What it remembers besides is what a real disk
//! forgets when the power goes: every operation that changes something is kept in order, and [`crashes`] walks over them
//! and makes, after each, directories that a real disk may hold then. What is promised of them, and nothing more:
//!
//! - What was written when [`sync_data`] was called, and the size of the file with it, is there once that has returned.
//! - Of what one write put into one sector of [`SECTOR`] bytes, all is there or nothing, whatever became of other sectors
//!   and of other writes. The file's size may have grown or not; where it has and the bytes are lost, there are zeros.
//! - Names are durable when [`sync_folder`] of their folder has returned, each change of names is there or not whatever
//!   became of others, a file has one name or none, and where a rename put one file in the place of another, either stands there.
//!   To sync a file says nothing about its name.
//! - What a sync that failed was for stays uncertain for good, though later syncs succeed.
//!
//! On command it does what disks do at the worst of times:
//!
//! | what happens | methods |
//! |---|---|
//! | a call fails, a sync also loses | [`fail_after`] |
//! | a call takes long | [`hold`], [`held`], [`release`] |
//! | writes are short | [`shorten_writes`] |
//! | the disk is full | [`leave_free`] |
//! | the medium cannot be read | [`fail_reads`], [`heal_reads`] |
//! | a byte alters where it lies | [`flip`] |
//!
//! [`crashes`]: FakeDisk::crashes
//! [`sync_data`]: super::DiskFile::sync_data
//! [`sync_folder`]: super::Disk::sync_folder
//! [`fail_after`]: FakeDisk::fail_after
//! [`hold`]: FakeDisk::hold
//! [`held`]: FakeDisk::held
//! [`release`]: FakeDisk::release
//! [`shorten_writes`]: FakeDisk::shorten_writes
//! [`leave_free`]: FakeDisk::leave_free
//! [`fail_reads`]: FakeDisk::fail_reads
//! [`heal_reads`]: FakeDisk::heal_reads
//! [`flip`]: FakeDisk::flip

mod choice;
mod content;
mod copy;
mod crash;
mod file;
mod names;
mod op;
mod pending;
mod plan;
mod port;
mod shared;
mod state;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use op::Op;
use shared::Shared;
use state::State;

pub use crash::{Crashes, Image, Moment};
pub use file::SECTOR;
pub use plan::Call;

/// A directory in memory, with a history. Clones are the same directory.
#[derive(Clone, Debug, Default)]
pub struct FakeDisk {
    shared: Arc<Shared>,
}

impl FakeDisk {
    /// An empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn holding(state: State) -> Self {
        Self { shared: Arc::new(Shared::new(state, 0)) }
    }

    /// A directory of its own that holds the same, all of it durable, with no history and no faults: what is found after
    /// the process was killed and the system went on.
    #[must_use]
    pub fn at_rest(&self) -> Self {
        Self::holding(self.shared.lock().state.at_rest())
    }

    /// Puts a mark into the history. What the number means is the caller's.
    pub fn mark(&self, mark: u64) {
        self.shared.lock().record(Op::Mark(mark));
    }

    /// How many calls of a kind there were, failed ones too.
    #[must_use]
    pub fn calls(&self, call: Call) -> u64 {
        self.shared.lock().plan.counted(call)
    }

    /// Lets a call of a kind fail with an I/O error, after so many that pass. Several can be planned.
    ///
    /// A write that fails has written half of it. Of others that fail nothing happens, but what a sync was for stays uncertain.
    pub fn fail_after(&self, call: Call, passing: u64) {
        self.shared.lock().plan.fail_after(None, call, passing);
    }

    /// The same for the calls of threads of one name. What one thread does has an order, and what several do has none: so
    /// that is the way to have each of their calls fail once.
    pub fn fail_after_on(&self, thread: &str, call: Call, passing: u64) {
        self.shared.lock().plan.fail_after(Some(thread), call, passing);
    }

    /// How many calls failed because that was planned.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.shared.lock().plan.failed()
    }

    /// Holds calls of one kind, before they do anything, until [`release`](Self::release), or until another kind is held.
    ///
    /// A sync is for what was done before it was called, however long it is held.
    pub fn hold(&self, call: Call) {
        self.shared.hold(Some(call));
    }

    /// Waits until at least so many calls are held. Returns whether they were within that time.
    #[must_use]
    pub fn held(&self, calls: usize, within: Duration) -> bool {
        self.shared.wait_for(calls, Instant::now() + within)
    }

    /// Lets all calls go on.
    pub fn release(&self) {
        self.shared.hold(None);
    }

    /// Lets each write take at most so many bytes, which are not zero.
    pub fn shorten_writes(&self, longest: usize) {
        self.shared.lock().plan.longest_write = longest.max(1);
    }

    /// Leaves room for so many bytes; files take it in pages of 4 KiB, and removed files give it back.
    ///
    /// A write that fits in part is short, and one that does not fit at all fails with [`io::ErrorKind::StorageFull`].
    pub fn leave_free(&self, bytes: u64) {
        let mut inner = self.shared.lock();
        inner.plan.room = inner.state.used().saturating_add(bytes);
    }

    /// Lets every read fail that touches this range of a file, also when the file gets another name.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]
    pub fn fail_reads(&self, path: &Path, range: Range<u64>) -> io::Result<()> {
        let mut inner = self.shared.lock();
        let file = inner.state.find(path)?;
        inner.plan.break_range(file, range);
        Ok(())
    }

    /// Lets everything be read again.
    pub fn heal_reads(&self) {
        self.shared.lock().plan.heal();
    }

    /// Alters a byte where it lies: flips the bits of the mask.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], and [`io::ErrorKind::UnexpectedEof`] beyond the end.
    pub fn flip(&self, path: &Path, offset: u64, mask: u8) -> io::Result<()> {
        let mut inner = self.shared.lock();
        let file = inner.state.find(path)?;
        if offset >= inner.state.file(file)?.live().size() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        inner.record(Op::Flip { file, offset, mask });
        Ok(())
    }

    /// All bytes of a file.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]
    pub fn read_all(&self, path: &Path) -> io::Result<Bytes> {
        let inner = self.shared.lock();
        let content = inner.state.file(inner.state.find(path)?)?.live();
        let bytes = content.read(0..content.size()).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(bytes.into())
    }

    /// Paths and sizes of all files, in order.
    #[must_use]
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        let inner = self.shared.lock();
        inner.state.contents().map(|(path, content)| (path, content.size())).collect()
    }

    /// A number for what the directory holds: the same for the same names, sizes and bytes, and hardly ever for others.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.shared.lock().state.hash()
    }
}
