//! Changes: what a decision wants to become durable, as data.
//!
//! A [`Unit`] is everything one decision changes, perhaps in several streams. It commits whole or not at all: payload, producer
//! row, `Stream-Seq`, closing, fork pins, and the end of ancestors that nobody needs any more are never apart.

use std::collections::HashSet;
use std::sync::Arc;

use crate::content_type::ContentType;
use crate::key::StreamKey;
use crate::offset::{Lineage, LineageRange, Renewal};
use crate::producer::{ProducerId, ProducerState, ProducerTuple, StreamSeq};
use crate::record::Batch;
use crate::retention::Policy;
use crate::state::{Origin, Slot, StreamState, Tail, Version};
use crate::time::{Expiry, Timestamp};

/// How a stream was closed. A request that repeats the closing one is a duplicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The producer's tuple of the closing request, if it had one.
    pub by: Option<ProducerTuple>,
}

/// A new stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    /// Its media type.
    pub content_type: ContentType,
    /// When it ends by itself.
    pub expiry: Expiry,
    /// Where it was forked from.
    pub origin: Option<Arc<Origin>>,
    /// The ranges it inherits.
    pub inherited: Arc<[LineageRange]>,
    /// Their renewals.
    pub renewals: Arc<[Renewal]>,
    /// Its tail before its first own record: the fork point.
    pub base: Tail,
    /// The part of what it inherits that is not readable any more.
    pub floor: Tail,
    /// How much of it is kept, if that is not all.
    pub policy: Option<Policy>,
    /// First own records.
    pub batch: Option<Batch>,
    /// Set when it is created closed.
    pub closed: Option<Arc<Closed>>,
    /// When it was decided.
    pub at: Timestamp,
}

/// A producer's row after a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProducerChange {
    /// The stream's first row for this id.
    Introduce(ProducerId, ProducerState),
    /// The row's next state.
    Advance(ProducerId, ProducerState),
}

impl ProducerChange {
    /// The row.
    #[must_use]
    pub fn row(&self) -> (&ProducerId, ProducerState) {
        match self {
            Self::Introduce(id, state) | Self::Advance(id, state) => (id, *state),
        }
    }
}

/// A fork begins or ends to need a stream's bytes up to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinChange {
    /// A fork diverges here.
    Add(u64),
    /// A fork that diverged here is gone.
    Drop(u64),
}

/// A change of a stream that exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Records to append.
    pub batch: Option<Batch>,
    /// The producer that appends or closes.
    pub producer: Option<ProducerChange>,
    /// The application's writer sequence.
    pub stream_seq: Option<StreamSeq>,
    /// Set when it closes.
    pub closed: Option<Arc<Closed>>,
    /// A use that restarts its TTL.
    pub used_at: Option<Timestamp>,
    /// A fork of it, or the end of one.
    pub pin: Option<PinChange>,
    /// Where it begins from now on, between two records: what lies before is given up.
    pub floor: Option<Tail>,
    /// No record that is kept was committed before, as retention has found.
    pub oldest: Option<Timestamp>,
}

/// What happens to one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It comes into being. Its lineage is the number that storage gives to the unit.
    Create(Box<Birth>),
    /// It changes.
    Update(Box<Update>),
    /// It is gone for all but its forks. What lies past its last fork point may be reclaimed.
    SoftDelete,
    /// It is gone, and its bytes, rows and tables may be reclaimed.
    Remove,
}

/// One stream's part of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which stream.
    pub key: StreamKey,
    /// What the decision was based on; a commit finds exactly this version or is a conflict.
    pub basis: Version,
    /// What happens.
    pub effect: Effect,
}

impl Change {
    /// What stands under the key after this change.
    ///
    /// `lineage` is the number of the unit, or 0 where it is not known; a creation uses it, and an append that
    /// begins a renewal. It is for a change that [`fits`](Self::fits) the slot; one
    /// that changes what is not there leaves it so.
    #[must_use]
    pub fn apply(&self, slot: &Slot, lineage: Lineage) -> Slot {
        match (&self.effect, slot) {
            (Effect::Create(birth), _) => Slot::Live(Arc::new(StreamState::born(birth, lineage))),
            (Effect::Update(update), Slot::Live(state)) => {
                Slot::Live(advanced(state, update, lineage))
            }
            (Effect::Update(update), Slot::SoftDeleted(state)) => {
                Slot::SoftDeleted(advanced(state, update, lineage))
            }
            (Effect::SoftDelete, Slot::Live(state)) => {
                Slot::SoftDeleted(advanced(state, &Update::default(), lineage))
            }
            (Effect::Remove, _) => Slot::Absent,
            (Effect::Update(_) | Effect::SoftDelete, other) => other.clone(),
        }
    }

    /// Whether it can be made to what stands there at all, whatever the versions.
    #[must_use]
    pub fn fits(&self, slot: &Slot) -> bool {
        match &self.effect {
            Effect::Create(_) => matches!(slot, Slot::Absent),
            Effect::Update(_) | Effect::Remove => slot.state().is_some(),
            Effect::SoftDelete => matches!(slot, Slot::Live(_)),
        }
    }

    /// The records this change appends.
    #[must_use]
    pub fn batch(&self) -> Option<&Batch> {
        match &self.effect {
            Effect::Create(birth) => birth.batch.as_ref(),
            Effect::Update(update) => update.batch.as_ref(),
            Effect::SoftDelete | Effect::Remove => None,
        }
    }
}

fn advanced(state: &Arc<StreamState>, update: &Update, unit: Lineage) -> Arc<StreamState> {
    let mut state = StreamState::clone(state);
    state.advance(update, unit);
    Arc::new(state)
}

/// Everything one decision changes. At most one change creates a stream, because the unit's number becomes its
/// lineage; no key occurs twice. See [`is_sound`](Self::is_sound).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The changes, one per stream.
    pub changes: Vec<Change>,
}

impl Unit {
    /// A unit of one change.
    #[must_use]
    pub fn of(change: Change) -> Self {
        Self { changes: vec![change] }
    }

    /// Whether it creates at most one stream and changes no key twice. Two created streams would share a lineage, by which bytes
    /// and rows are found; storage answers a unit that is not sound with a conflict.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        if let [_] = &*self.changes {
            return true;
        }
        let creates = |change: &&Change| matches!(change.effect, Effect::Create(_));
        let mut keys = HashSet::new();
        self.changes.iter().filter(creates).count() <= 1
            && self.changes.iter().all(|change| keys.insert(&change.key))
    }

    /// Bytes of payload it carries.
    #[must_use]
    pub fn payload_len(&self) -> u64 {
        self.changes.iter().filter_map(Change::batch).map(|b| b.payload().len() as u64).sum()
    }
}
