//! What a stream is between two commits, and how a commit changes it.
//!
//! [`StreamState`] is all that decisions need and storage must keep, save payload, record tables, and producer rows. Every adapter
//! and the engine change it by the one function [`StreamState::advance`], so they cannot drift apart. A state is cheap
//! to clone: readers hold the durable one while the next is being decided.

use std::sync::Arc;

use crate::change::{Birth, Closed, PinChange, ProducerChange, Update};
use crate::content_type::ContentType;
use crate::key::StreamKey;
use crate::offset::{Lineage, Offset, Ranges};
use crate::producer::StreamSeq;
use crate::retention::Retained;
use crate::time::{Expiry, Timestamp};

/// What a decision was based on: which incarnation of a stream, after how many of its commits.
///
/// The incarnation is part of it, so that a stream that was deleted and created anew never looks unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The stream's own lineage; 0 where there is no stream.
    pub lineage: u64,
    /// Commits since its creation, which is 1; 0 where there is no stream.
    pub revision: u64,
}

impl Version {
    /// The version of a key under which there is no stream.
    pub const ABSENT: Self = Self { lineage: 0, revision: 0 };
}

/// The end of a stream, counted both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Stored bytes from the start of the stream, inherited ones included.
    pub position: u64,
    /// Records, inherited ones included; the last record's sequence.
    pub sequence: u64,
}

/// Where a fork came from, as it was asked for; a repeated request is compared with this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The stream that was forked.
    pub source: StreamKey,
    /// Its incarnation.
    pub source_lineage: Lineage,
    /// Position of the offset asked for, or of the source's tail at that time.
    pub anchor: u64,
    /// Bytes or messages past the anchor; 0 when none were asked for.
    pub sub_offset: u64,
    /// Where the fork diverges: what the source has to keep for it.
    pub at: u64,
    /// The expiry that was asked for; the fork's own may be inherited.
    pub requested_expiry: Expiry,
}

/// The state of one stream after a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// What its positions are made of; the own lineage is its identity in storage.
    pub ranges: Ranges,
    /// Commits so far.
    pub revision: u64,
    /// The media type.
    pub content_type: ContentType,
    /// When it ends by itself.
    pub expiry: Expiry,
    /// Set when it is a fork.
    pub origin: Option<Arc<Origin>>,
    /// Where the next record goes.
    pub tail: Tail,
    /// First position and the sequence before it that are still readable; grows by truncation and retention.
    pub floor: Tail,
    /// Set when it does not keep everything. Boxed, because most streams do.
    pub retained: Option<Box<Retained>>,
    /// Set when nothing can be appended any more.
    pub closed: Option<Arc<Closed>>,
    /// Last accepted `Stream-Seq`.
    pub stream_seq: Option<StreamSeq>,
    /// How many producers it remembers.
    pub producers: u64,
    /// How many forks of it exist, deleted ones that are still needed included.
    pub forks: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last known to be used; a TTL counts from here. Where the end is counted from closing, when it was closed:
    /// later uses are not counted.
    pub used_at: Timestamp,
}

impl StreamState {
    /// The state of a stream just created by the unit that gave it this lineage.
    #[must_use]
    pub fn born(birth: &Birth, lineage: Lineage) -> Self {
        let mut state = Self {
            ranges: Ranges::with_inherited(Arc::clone(&birth.inherited), lineage)
                .renewed(Arc::clone(&birth.renewals)),
            revision: 1,
            content_type: birth.content_type.clone(),
            expiry: birth.expiry,
            origin: birth.origin.clone(),
            tail: birth.base,
            floor: birth.floor,
            retained: birth.policy.map(|policy| {
                // How old the oldest record is that a fork inherits is looked up when it is asked for the first time.
                let oldest = birth.origin.as_ref().map_or(birth.at, |_| Timestamp::default());
                Box::new(Retained { policy, oldest })
            }),
            closed: birth.closed.clone(),
            stream_seq: None,
            producers: 0,
            forks: 0,
            created_at: birth.at,
            used_at: birth.at,
        };
        if let Some(batch) = &birth.batch {
            state.tail.position += batch.payload().len() as u64;
            state.tail.sequence += batch.records().len() as u64;
        }
        state
    }

    /// Applies one committed or privately decided update, which is a part of the unit with this number; 0 where storage has not told
    /// it yet.
    pub fn advance(&mut self, update: &Update, unit: Lineage) {
        self.revision += 1;
        let counts = self.closed.is_none() || !matches!(self.expiry, Expiry::AfterClose(_));
        if let Some(batch) = &update.batch {
            if !batch.payload().is_empty() {
                self.ranges.extend(self.tail.position, unit);
            }
            self.tail.position += batch.payload().len() as u64;
            self.tail.sequence += batch.records().len() as u64;
        }
        if let Some(ProducerChange::Introduce(..)) = &update.producer {
            self.producers += 1;
        }
        if let Some(seq) = &update.stream_seq {
            self.stream_seq = Some(seq.clone());
        }
        if let Some(closed) = &update.closed {
            self.closed = Some(Arc::clone(closed));
        }
        if let Some(at) = update.used_at.filter(|_| counts) {
            self.used_at = self.used_at.max(at);
        }
        match update.pin {
            Some(PinChange::Add(_)) => self.forks += 1,
            Some(PinChange::Drop(_)) => self.forks = self.forks.saturating_sub(1),
            None => {}
        }
        if let Some(floor) = update.floor {
            self.raise(floor);
        }
        if let (Some(retained), Some(oldest)) = (&mut self.retained, update.oldest) {
            retained.oldest = retained.oldest.max(oldest);
        }
    }

    /// Gives up what lies before a place. Never goes back, and never past what is there: nothing that was given up
    /// becomes readable again, whatever a unit says.
    fn raise(&mut self, floor: Tail) {
        let forward =
            floor.position >= self.floor.position && floor.sequence >= self.floor.sequence;
        let there = floor.position <= self.tail.position && floor.sequence <= self.tail.sequence;
        if forward && there {
            self.floor = floor;
        }
    }

    /// The state when storage has told the number of the unit that it waits for, if it does.
    #[must_use]
    pub fn numbered(self: Arc<Self>, unit: Lineage) -> Arc<Self> {
        if self.ranges.is_unnumbered() {
            let ranges = self.ranges.clone().numbered(unit);
            return Arc::new(Self { ranges, ..Self::clone(&self) });
        }
        self
    }

    /// The token of the first position that is still readable.
    #[must_use]
    pub fn floor_offset(&self) -> Offset {
        self.ranges.offset(self.floor.position)
    }

    /// The version of this state.
    #[must_use]
    pub fn version(&self) -> Version {
        Version { lineage: self.ranges.own().0, revision: self.revision }
    }

    /// The token of the tail.
    #[must_use]
    pub fn tail_offset(&self) -> Offset {
        self.ranges.offset(self.tail.position)
    }

    /// When it ends, if nobody uses it again.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        // Closing was the last use that counted, where it matters.
        self.expiry.deadline(self.used_at, self.closed.is_some().then_some(self.used_at))
    }

    /// Whether its time is up.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Slot {
    /// Nothing: a stream can be created.
    #[default]
    Absent,
    /// A stream.
    Live(Arc<StreamState>),
    /// A stream that was deleted or expired while forks need its bytes: it is gone for everyone else, and its key is
    /// taken until the last fork goes.
    SoftDeleted(Arc<StreamState>),
}

impl Slot {
    /// The version of what stands here.
    #[must_use]
    pub fn version(&self) -> Version {
        self.state().map_or(Version::ABSENT, |state| state.version())
    }

    /// The slot when storage has told the number of the unit that its stream waits for, if it does.
    #[must_use]
    pub fn numbered(self, unit: Lineage) -> Self {
        match self {
            Self::Absent => Self::Absent,
            Self::Live(state) => Self::Live(state.numbered(unit)),
            Self::SoftDeleted(state) => Self::SoftDeleted(state.numbered(unit)),
        }
    }

    /// The same, where bytes of every lineage below a number may have been lost that nobody appended to since.
    #[must_use]
    pub fn after_loss(self, below: Lineage) -> Self {
        let suspect = |state: Arc<StreamState>| {
            if state.ranges.newest() >= below || state.ranges.is_suspect() {
                return state;
            }
            let ranges = state.ranges.clone().suspected();
            Arc::new(StreamState { ranges, ..StreamState::clone(&state) })
        };
        match self {
            Self::Absent => Self::Absent,
            Self::Live(state) => Self::Live(suspect(state)),
            Self::SoftDeleted(state) => Self::SoftDeleted(suspect(state)),
        }
    }

    /// The state, deleted or not.
    #[must_use]
    pub fn state(&self) -> Option<&Arc<StreamState>> {
        match self {
            Self::Absent => None,
            Self::Live(state) | Self::SoftDeleted(state) => Some(state),
        }
    }
}
