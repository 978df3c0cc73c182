//! The port through which everything durable goes: the contract of [`Storage`].
//!
//! # The line
//!
//! ```text
//!  0 ............ floor ................. durable ............. private
//!                   |  readable by anyone   |  decided, in a group  |
//!                   |                       |  that is not synced   |
//! ```
//!
//! Storage knows the first two marks. What is private is the engine's alone: it has been decided, nobody has been told.
//!
//! # What an implementation promises
//!
//! **Durable when.** A unit is reported [`UnitResult::Committed`] only when it survives what the adapter says it
//! survives (`docs/guarantees.md`, one paragraph per adapter), together with every unit reported before it.
//!
//! **Whole or not at all.** A unit's changes in several streams become visible and durable at once. After a crash a unit
//! that was not reported is wholly there or wholly absent.
//!
//! **Compare and set.** A change commits only when its stream is at exactly the version it names. Otherwise the whole unit
//! is a [`UnitResult::Conflict`] and leaves no trace. This is the only thing that orders writers, so it holds between
//! processes where an adapter allows several. A unit that could be made at no version is a conflict too: one that is not
//! sound ([`Unit::is_sound`]), and one with a change that does not fit what stands there
//! ([`Change::fits`](crate::change::Change::fits)).
//!
//! **Groups.** Units of a group are tried in order, each on what the ones before it left. A later unit may be based on an
//! earlier one, and falls with it: once a unit was not committed, every later unit of its group that changes one of its
//! streams is a conflict too. Comparing alone would not see it, because another writer's commit may have taken the very
//! revision that the fallen unit would have had. For the same reason a caller hands over a unit that is based on one of
//! an earlier group only when that one's result is known.
//!
//! **Numbers.** Storage gives each committed unit a number, counted from 1, larger than all before it in the data
//! directory and never used again, also after a crash. They grow in the order of units and may skip. A created stream's
//! lineage is its unit's number.
//!
//! **Space order.** Each record gets a [`SpaceSequence`], strictly increasing in its space (1, 2, 3 … where there is one
//! writer, with gaps elsewhere), in the order of units and, inside one, of changes and records. The commit timestamp
//! never decreases along it, whatever the clock does, over restarts too: an adapter stamps the later of `now` and the
//! last stamp.
//!
//! **Who may see what.** `load`, `read`, `read_space`, `list` and `expiring` show durable state only. An adapter with
//! several writers may show a state that is behind (late visibility) but never one that is not a prefix;
//! [`Storage::confirm`] tells whether an answer may still be given. A handle sees what was reported to it as committed.
//!
//! **A failed write or sync** makes every unit of the group [`UnitResult::Unknown`], and poisons a local adapter: every
//! later commit is [`Refusal::Poisoned`] until the data directory is opened again, which decides what is there. Reads of
//! what was durable go on. No adapter takes a later sync for the one that failed.
//!
//! **A failed read** while it is decided on a unit refuses that unit ([`Refusal::Unreadable`]), and nothing else: nothing was
//! written, and the others of its group go on.
//!
//! **Unknown.** The unit may or may not take effect, now or later, once. Nothing that was based on it may be answered as if
//! it did or did not; the engine drops what it believed about those streams and loads them again.
//!
//! **Reads never lie.** A page is a contiguous prefix of what was asked for; a fault is an error, never a short end. Bytes
//! that fail a checksum are [`StorageError::Corrupt`] and are not served.
//!
//! **What is given up.** An update that raises a stream's floor gives up what lies before it. A read of that gives the bytes that
//! were there, or [`StorageError::Gone`]; the rows of its records may be missing. Records up to the floor's sequence leave the order of
//! their space at once. Bytes that a fork inherited are kept for it, whatever its source gives up, as long as it exists. When an adapter uses the
//! space again is its own affair (`docs/guarantees.md`).
//!
//! **Nobody waits for strangers.** `load` and reads do not wait for commits of other streams. No method blocks the
//! caller's thread on a disk: an adapter has threads of its own.
//!
//! The exported suite in `headwater-storage` (feature `testkit`) checks each of these promises.

mod portion;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::change::Unit;
use crate::key::{StoreId, StreamKey};
use crate::offset::Lineage;
use crate::producer::{ProducerId, ProducerState};
use crate::record::{Entry, RecordMeta};
use crate::state::{Slot, StreamState, Version};
use crate::time::Timestamp;

pub use portion::{FileRange, OpenFile, Portion};

/// A future that may be sent between threads, as the methods of an object-safe trait return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A record's place in the total order of its space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceSequence(pub u64);

/// The number of a committed unit, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitNumber(pub u64);

/// Who else may commit to the same data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// This handle alone: what it has seen committed is the present, and [`Storage::confirm`] needs no asking.
    Sole,
    /// Other handles too, perhaps in other processes.
    Several,
}

/// What storage adds to a unit it commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The unit's number; the lineage of a stream it created.
    pub unit: UnitNumber,
    /// The commit timestamp of all its records.
    pub at: Timestamp,
    /// The space sequence of the first record of each change that has records, in the order of the changes. The
    /// records of one change are numbered consecutively from there.
    pub first: Vec<SpaceSequence>,
}

/// What became of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnitResult {
    /// Durable.
    Committed(Stamp),
    /// A stream was not at the version named, or the unit can be made at no version. Nothing happened.
    Conflict,
    /// It may or may not have happened.
    Unknown,
    /// It was not tried. Nothing happened.
    Refused(Refusal),
}

/// Why a unit was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No room. Trying again after space was made can help.
    #[error("the storage is full")]
    Full,
    /// An earlier write or sync failed; only opening the data directory again helps.
    #[error("an earlier write failed; the data directory must be reopened")]
    Poisoned,
    /// What stands where it would be written could not be read. It concerns the streams and spaces of this unit alone.
    #[error("what is stored there could not be read")]
    Unreadable,
    /// The handle was closed.
    #[error("the storage is closed")]
    Closed,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// Stored bytes do not agree with their checksum or with each other. The text names the place.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
    /// The medium failed. Trying again may help.
    #[error("the storage failed: {0}")]
    Unavailable(String),
    /// The bytes are not there any more: the stream was removed, or the range trimmed.
    #[error("the data is no longer stored")]
    Gone,
    /// The handle was closed.
    #[error("the storage is closed")]
    Closed,
}

/// Takes the results of a group, one per unit, in order. Called exactly once, on a thread of the adapter's.
pub type CommitDone = Box<dyn FnOnce(Vec<UnitResult>) + Send>;

/// What stands under a key, and one producer's row if it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The durable slot.
    pub slot: Slot,
    /// The row of the producer named in the request, at the same version.
    pub producer: Option<ProducerState>,
}

/// Whether an answer may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// All versions named are still the present ones.
    Current,
    /// At least one is not: decide again.
    Stale,
}

/// Whether a read wants the record table beside the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Bytes alone: no work per record.
    Bytes,
    /// Also the rows of all records that the page touches.
    Records,
}

/// A stretch of one lineage's positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRange {
    /// Whose bytes.
    pub lineage: Lineage,
    /// First position.
    pub from: u64,
    /// Position after the last one wanted; at most the durable tail the caller knows.
    pub to: u64,
    /// Most bytes to return, at least 1. A page may be shorter, but not empty while `from < to`.
    pub budget: usize,
}

/// Contiguous bytes from the position asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The bytes, in pieces as they are stored; none is empty.
    pub chunks: Vec<Bytes>,
    /// With [`Detail::Records`], in order, the rows of all records that have a byte in the page, and of the empty ones
    /// from its first position to its end, both included: an empty record between two pages is in both, and one at the
    /// tail is not lost. The first may begin before the page, the last may end after it.
    pub records: Vec<RecordMeta>,
}

impl Page {
    /// Bytes in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    /// Whether it holds no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

/// Where a reader of a space continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceRead {
    /// The tenant.
    pub store: StoreId,
    /// Canonical name of the space; empty for the root space.
    pub space: String,
    /// Exclusive: entries after this one.
    pub after: SpaceSequence,
    /// Most payload bytes to return; at least one entry is returned if there is one.
    pub budget: usize,
}

/// Entries of a space in its order. Records of streams that are not live any more, removed or soft-deleted, are left
/// out, and so are those that their stream has given up; inherited records belong to the stream that they were appended to and appear there alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpacePage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Continue after this one; may lie past the last entry where records were left out.
    pub next: SpaceSequence,
    /// Whether nothing durable follows `next`.
    pub end: bool,
}

/// A page of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// The tenant.
    pub store: StoreId,
    /// Canonical paths that begin with these bytes.
    pub prefix: String,
    /// Exclusive: paths after this one, by bytes.
    pub after: Option<String>,
    /// Most streams to return.
    pub limit: usize,
}

/// A live stream, as listed. Soft-deleted streams are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub key: StreamKey,
    /// Its durable state.
    pub state: Arc<StreamState>,
}

/// Is told that durable state changed by another writer.
pub trait Watcher: Send + Sync {
    /// The stream under this key may have changed since it was last loaded. Called at least once after each foreign
    /// commit becomes visible here, from any thread; must not block. A unit of this handle's own that was reported as
    /// [`UnitResult::Unknown`] counts as foreign: if it takes effect, it is told of here, after that report.
    fn changed(&self, key: &StreamKey);
}

/// A store of streams. See the [module](self) for the contract.
pub trait Storage: Send + Sync + fmt::Debug + 'static {
    /// Whether others write the same data.
    fn writers(&self) -> Writers;

    /// The durable slot under a key, and one producer's row.
    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>>;

    /// Commits a group: tries its units in order, makes them durable together, and reports on each.
    ///
    /// Returns at once. The caller has at most one group in flight per handle; a second one is queued behind it. `now`
    /// is the wall clock, which storage only ever moves forward.
    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone);

    /// Whether these versions are the present ones, as the authority over all writers sees it.
    ///
    /// With [`Writers::Sole`] the durable versions this handle has reported are always current.
    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>>;

    /// Bytes of one lineage, and the record table on request.
    ///
    /// [`StorageError::Gone`] where the first byte asked for is not kept any more; a page ends before bytes that are not.
    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>>;

    /// The same bytes for who only sends them on: an adapter may leave them in files, at places that do not change as long as the
    /// file is open. What is told of [`read`](Self::read) holds: what is left in a file has been compared with its checksum since the adapter was opened.
    ///
    /// The budget is for those that are in memory; what is left in a file does not count.
    fn read_to_send(&self, range: ReadRange) -> BoxFuture<'_, Result<Vec<Portion>, StorageError>> {
        let page = self.read(range, Detail::Bytes);
        Box::pin(async move { Ok(page.await?.chunks.into_iter().map(Portion::from).collect()) })
    }

    /// Entries of a space in its order, without a merge over its streams.
    fn read_space(&self, read: SpaceRead) -> BoxFuture<'_, Result<SpacePage, StorageError>>;

    /// Live streams in the order of the bytes of their paths.
    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Vec<Listed>, StorageError>>;

    /// Live streams of which something is to go by itself at or before a time ([`StreamState::due`]), earliest first, at most
    /// `limit`.
    ///
    /// The durable deadline of a TTL is a lower bound: uses since may not have been saved.
    fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>>;

    /// Registers the one watcher of this handle. Does nothing where the writer is sole.
    fn watch(&self, watcher: Arc<dyn Watcher>);

    /// Waits for the group in flight, leaves the data as a clean stop does, and releases it. Later calls are answered
    /// [`Refusal::Closed`] and [`StorageError::Closed`]. Closing twice is the same as once.
    ///
    /// # Errors
    /// When the data could not be left as a clean stop does, a poisoned storage's among them. It is released all the same.
    fn close(&self) -> BoxFuture<'_, Result<(), StorageError>>;
}
