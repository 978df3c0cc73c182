//! Deciding: from what is known and what is asked, to what should become durable or be answered.
//!
//! Decisions are pure. They look at streams through a [`View`]; when something is not there yet they say what they
//! [`Need`], and are asked again. A decision either wants a [`Unit`] committed, or is an answer that changes nothing and
//! relies on what it looked at. Both kinds name versions, so that storage can tell whether they still hold.
//!
//! The rooms: [`create()`] (create, confirm, fork), [`append()`] (append, close, producers), [`look`] (what a
//! reader finds), [`truncate()`] (giving up the beginning), [`retain()`] (the same by policy), [`delete`] and [`expire`] (with the cascade up a chain of
//! forks).

mod append;
mod create;
mod look;
mod producer;
mod remove;
mod retain;
mod truncate;

pub use append::{Appended, Freshness, append};
pub use create::{Created, Existence, create};
pub use look::look;
pub use remove::{delete, expire, mark_used};
pub use retain::retain;
pub use truncate::{Truncated, truncate};

use crate::change::Unit;
use crate::key::StreamKey;
use crate::offset::Lineage;
use crate::producer::{ProducerId, ProducerState};
use crate::state::{Slot, Version};

/// Limits that decisions enforce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most producers that one stream remembers.
    pub producers_per_stream: u64,
}

impl Default for Limits {
    fn default() -> Self {
        // A row is about 60 bytes; more ids than this on one stream are ids that are never reused.
        Self { producers_per_stream: 10_000 }
    }
}

/// What decisions can see. `None` means "not loaded", never "not there".
pub trait View {
    /// What stands under a key.
    fn slot(&self, key: &StreamKey) -> Option<Slot>;
    /// A producer's row of the stream under a key.
    fn producer(&self, key: &StreamKey, id: &ProducerId) -> Option<Option<ProducerState>>;
    /// The answer to a question about immutable bytes.
    fn boundary(&self, question: &BoundaryQuestion) -> Option<BoundaryAnswer>;
}

/// Something a decision has to know first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// What stands under a key.
    Stream(StreamKey),
    /// A producer's row.
    Producer(StreamKey, ProducerId),
    /// Where records divide in a stream that is to be forked or truncated.
    Boundary(BoundaryQuestion),
}

/// Which record holds a position of a stream, and where its neighbours begin?
///
/// Bytes of a lineage never change, so an answer stays true as long as the incarnation exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoundaryQuestion {
    /// The stream.
    pub key: StreamKey,
    /// Its incarnation.
    pub lineage: Lineage,
    /// A position below its tail.
    pub position: u64,
    /// How many records to count off, from the one that holds the position; 0 for none.
    pub records: u64,
}

/// The answer to a [`BoundaryQuestion`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundaryAnswer {
    /// Where the record that holds the position begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// Its sequence.
    pub sequence: u64,
    /// Where the last of the counted records ends; `None` when the stream has not that many.
    pub after: Option<u64>,
}

/// What to do about a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<T, E> {
    /// Ask again when this is known.
    Need(Need),
    /// Commit this, then ask again on top of it: a stream's time was up.
    First(Unit),
    /// Commit this; the outcome holds once it is durable.
    Commit {
        /// What to commit.
        unit: Unit,
        /// What to answer then.
        outcome: T,
    },
    /// Answer this once everything it relies on is durable and still the present.
    Reply {
        /// The answer; a success that changes nothing, or a refusal.
        outcome: Result<T, E>,
        /// What was looked at.
        relies_on: Vec<(StreamKey, Version)>,
    },
}

impl<T, E> Decision<T, E> {
    fn reply(outcome: Result<T, E>, key: &StreamKey, slot: &Slot) -> Self {
        Self::Reply { outcome, relies_on: vec![(key.clone(), slot.version())] }
    }

    fn refuse(error: E, key: &StreamKey, slot: &Slot) -> Self {
        Self::reply(Err(error), key, slot)
    }
}
