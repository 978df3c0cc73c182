//! The state of a stream.

use std::sync::Arc;

use headwater_core::change::Closed;
use headwater_core::offset::{LineageRange, Ranges};
use headwater_core::state::Origin;
use headwater_core::{
    ContentType, Expiry, Lineage, ProducerId, ProducerNumber, ProducerTuple, Slot, StoreId,
    StreamKey, StreamSeq, StreamState, Tail, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::more::StoredMore;
use super::{Stored, Unacceptable};

/// Inherited ranges that stay in the state row. A range takes up to 27 bytes, and a row must stay small beside its key.
const RANGES_IN_ROW: usize = 48;

/// Inherited ranges per row where they have rows of their own.
const RANGES_PER_ROW: usize = 128;

/// What stands under a key that is not absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StoredSlot {
    Live(StoredState),
    SoftDeleted(StoredState),
    /// As those before, of streams about which there is more to say: added behind them, whose numbers are stored.
    LiveWith(StoredState, StoredMore),
    SoftDeletedWith(StoredState, StoredMore),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredState {
    lineage: u64,
    revision: u64,
    tail: StoredTail,
    floor: StoredTail,
    content_type: String,
    expiry: StoredExpiry,
    created_at: u64,
    used_at: u64,
    stream_seq: Option<Vec<u8>>,
    producers: u64,
    forks: u64,
    closed: Option<StoredClosed>,
    origin: Option<StoredOrigin>,
    inherited: StoredInherited,
}

/// Position and sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredTail(pub(super) u64, pub(super) u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StoredExpiry {
    Never,
    Ttl(u64),
    At(u64),
    AfterClose(u64),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredClosed {
    by: Option<StoredTuple>,
}

/// Id, epoch and sequence of a producer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredTuple(String, u64, u64);

/// Store and canonical path, which is borrowed where there is one for every append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKey<S = String>(u128, S);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredOrigin {
    source: StoredKey,
    source_lineage: u64,
    anchor: u64,
    sub_offset: u64,
    at: u64,
    requested_expiry: StoredExpiry,
}

/// Lineage, first position, position after the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRange(u64, u64, u64);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum StoredInherited {
    /// All of them.
    Here(Vec<StoredRange>),
    /// They are in so many rows of their own.
    InRows(u16),
}

/// Some of the inherited ranges of a lineage. They never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRanges(Vec<StoredRange>);

impl Stored for StoredSlot {
    const VERSION: u8 = 1;
}

impl Stored for StoredRanges {
    const VERSION: u8 = 1;
}

impl StoredSlot {
    /// The stored form; `None` where there is nothing to store.
    pub(crate) fn of(slot: &Slot) -> Option<Self> {
        match slot {
            Slot::Absent => None,
            Slot::Live(state) => Some(match StoredMore::of(state) {
                None => Self::Live(StoredState::of(state)),
                Some(more) => Self::LiveWith(StoredState::of(state), more),
            }),
            Slot::SoftDeleted(state) => Some(match StoredMore::of(state) {
                None => Self::SoftDeleted(StoredState::of(state)),
                Some(more) => Self::SoftDeletedWith(StoredState::of(state), more),
            }),
        }
    }

    fn state(&self) -> &StoredState {
        let (Self::Live(state)
        | Self::SoftDeleted(state)
        | Self::LiveWith(state, _)
        | Self::SoftDeletedWith(state, _)) = self;
        state
    }

    /// How many rows of inherited ranges belong to it.
    pub(crate) fn range_rows(&self) -> u16 {
        match self.state().inherited {
            StoredInherited::Here(_) => 0,
            StoredInherited::InRows(rows) => rows,
        }
    }

    /// The lineage that the stream writes.
    pub(crate) fn lineage(&self) -> Lineage {
        Lineage(self.state().lineage)
    }

    /// The slot, given the content of its rows of inherited ranges in their order.
    pub(crate) fn into_slot(self, rows: Vec<StoredRanges>) -> Result<Slot, Unacceptable> {
        let none = StoredMore::default();
        Ok(match self {
            Self::Live(state) => Slot::Live(state.into_state(rows, none)?),
            Self::SoftDeleted(state) => Slot::SoftDeleted(state.into_state(rows, none)?),
            Self::LiveWith(state, more) => Slot::Live(state.into_state(rows, more)?),
            Self::SoftDeletedWith(state, more) => Slot::SoftDeleted(state.into_state(rows, more)?),
        })
    }
}

impl StoredRanges {
    /// The rows of inherited ranges that belong to a stream; none where they are in its state row.
    pub(crate) fn rows_of(state: &StreamState) -> Vec<Self> {
        let inherited = state.ranges.inherited();
        if inherited.len() <= RANGES_IN_ROW {
            return Vec::new();
        }
        inherited.chunks(RANGES_PER_ROW).map(|part| Self(stored_ranges(part))).collect()
    }
}

impl StoredState {
    fn of(state: &StreamState) -> Self {
        let inherited = match StoredRanges::rows_of(state).len() {
            0 => StoredInherited::Here(stored_ranges(state.ranges.inherited())),
            rows => StoredInherited::InRows(u16::try_from(rows).unwrap_or(u16::MAX)),
        };
        Self {
            lineage: state.ranges.own().0,
            revision: state.revision,
            tail: state.tail.into(),
            floor: state.floor.into(),
            content_type: state.content_type.as_str().to_owned(),
            expiry: state.expiry.into(),
            created_at: state.created_at.0,
            used_at: state.used_at.0,
            stream_seq: state.stream_seq.as_ref().map(|seq| seq.as_bytes().to_vec()),
            producers: state.producers,
            forks: state.forks,
            closed: state.closed.as_deref().map(StoredClosed::of),
            origin: state.origin.as_deref().map(StoredOrigin::of),
            inherited,
        }
    }

    fn into_state(
        self,
        rows: Vec<StoredRanges>,
        more: StoredMore,
    ) -> Result<Arc<StreamState>, Unacceptable> {
        let inherited = match self.inherited {
            StoredInherited::Here(ranges) => ranges,
            StoredInherited::InRows(_) => rows.into_iter().flat_map(|row| row.0).collect(),
        };
        let stream_seq = self.stream_seq.map(|seq| StreamSeq::new(&seq)).transpose();
        Ok(Arc::new(StreamState {
            ranges: Ranges::with_inherited(ranges(&inherited), Lineage(self.lineage))
                .renewed(more.renewals()),
            revision: self.revision,
            content_type: ContentType::parse(&self.content_type).map_err(|_| Unacceptable)?,
            expiry: self.expiry.into(),
            origin: self.origin.map(|origin| origin.into_origin().map(Arc::new)).transpose()?,
            tail: self.tail.into(),
            floor: self.floor.into(),
            retained: more.retained()?.map(Box::new),
            closed: self.closed.map(|closed| closed.into_closed().map(Arc::new)).transpose()?,
            stream_seq: stream_seq.map_err(|_| Unacceptable)?,
            producers: self.producers,
            forks: self.forks,
            created_at: Timestamp(self.created_at),
            used_at: Timestamp(self.used_at),
        }))
    }
}

pub(super) fn stored_ranges(ranges: &[LineageRange]) -> Vec<StoredRange> {
    ranges.iter().map(|range| StoredRange(range.lineage.0, range.from, range.to)).collect()
}

pub(super) fn ranges(stored: &[StoredRange]) -> Arc<[LineageRange]> {
    let range =
        |&StoredRange(lineage, from, to)| LineageRange { lineage: Lineage(lineage), from, to };
    stored.iter().map(range).collect()
}

impl From<Tail> for StoredTail {
    fn from(tail: Tail) -> Self {
        Self(tail.position, tail.sequence)
    }
}

impl From<StoredTail> for Tail {
    fn from(StoredTail(position, sequence): StoredTail) -> Self {
        Self { position, sequence }
    }
}

impl From<Expiry> for StoredExpiry {
    fn from(expiry: Expiry) -> Self {
        match expiry {
            Expiry::Never => Self::Never,
            Expiry::Ttl(seconds) => Self::Ttl(seconds),
            Expiry::At(at) => Self::At(at.0),
            Expiry::AfterClose(seconds) => Self::AfterClose(seconds),
        }
    }
}

impl From<StoredExpiry> for Expiry {
    fn from(expiry: StoredExpiry) -> Self {
        match expiry {
            StoredExpiry::Never => Self::Never,
            StoredExpiry::Ttl(seconds) => Self::Ttl(seconds),
            StoredExpiry::At(at) => Self::At(Timestamp(at)),
            StoredExpiry::AfterClose(seconds) => Self::AfterClose(seconds),
        }
    }
}

impl StoredClosed {
    pub(super) fn of(closed: &Closed) -> Self {
        let tuple = |tuple: &ProducerTuple| {
            StoredTuple(tuple.id.as_str().to_owned(), tuple.epoch.get(), tuple.seq.get())
        };
        Self { by: closed.by.as_ref().map(tuple) }
    }

    pub(super) fn into_closed(self) -> Result<Closed, Unacceptable> {
        let tuple = |StoredTuple(id, epoch, seq)| {
            Ok(ProducerTuple {
                id: ProducerId::parse(&id).map_err(|_| Unacceptable)?,
                epoch: ProducerNumber::new(epoch).map_err(|_| Unacceptable)?,
                seq: ProducerNumber::new(seq).map_err(|_| Unacceptable)?,
            })
        };
        Ok(Closed { by: self.by.map(tuple).transpose()? })
    }
}

impl<'k> StoredKey<&'k str> {
    pub(super) fn borrowed(key: &'k StreamKey) -> Self {
        Self(key.store().0, key.path())
    }
}

impl StoredKey {
    pub(crate) fn of(key: &StreamKey) -> Self {
        Self(key.store().0, key.path().to_owned())
    }

    pub(crate) fn into_key(self) -> Result<StreamKey, Unacceptable> {
        let key = StreamKey::parse(StoreId(self.0), &self.1).map_err(|_| Unacceptable)?;
        // Only canonical paths were stored, and they parse to themselves.
        if key.path() == self.1 { Ok(key) } else { Err(Unacceptable) }
    }
}

impl StoredOrigin {
    pub(super) fn of(origin: &Origin) -> Self {
        Self {
            source: StoredKey::of(&origin.source),
            source_lineage: origin.source_lineage.0,
            anchor: origin.anchor,
            sub_offset: origin.sub_offset,
            at: origin.at,
            requested_expiry: origin.requested_expiry.into(),
        }
    }

    pub(super) fn into_origin(self) -> Result<Origin, Unacceptable> {
        Ok(Origin {
            source: self.source.into_key()?,
            source_lineage: Lineage(self.source_lineage),
            anchor: self.anchor,
            sub_offset: self.sub_offset,
            at: self.at,
            requested_expiry: self.requested_expiry.into(),
        })
    }
}
