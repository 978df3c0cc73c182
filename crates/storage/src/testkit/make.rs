//! Keys, batches and units for tests, in one line each.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::change::{Birth, Change, Effect, PinChange, ProducerChange, Unit, Update};
use headwater_core::producer::ProducerState;
use headwater_core::state::Origin;
use headwater_core::{
    Batch, BatchRecord, ContentType, Expiry, Metadata, ProducerId, ProducerNumber, StoreId,
    StreamKey, StreamState, Tail, Timestamp, Version,
};

use super::check::Failure;

/// A key in the default store.
///
/// # Errors
/// When the path is no name.
pub fn key(path: &str) -> Result<StreamKey, Failure> {
    key_in(StoreId::DEFAULT, path)
}

/// A key in a store.
///
/// # Errors
/// When the path is no name.
pub fn key_in(store: StoreId, path: &str) -> Result<StreamKey, Failure> {
    StreamKey::parse(store, path).map_err(|error| Failure::new(format!("{path:?}: {error}")))
}

/// So many bytes that differ from place to place and from seed to seed.
#[must_use]
pub fn pattern(seed: u64, len: usize) -> Bytes {
    // A multiplicative generator: neighbours differ, and so do equal places of different seeds.
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = |_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(next).collect()
}

/// A batch of records of these lengths, filled with a [`pattern`].
///
/// # Errors
/// None in practice: the lengths add up.
pub fn batch(seed: u64, lens: &[usize]) -> Result<Batch, Failure> {
    let records = lens.iter().map(|len| BatchRecord::plain(*len as u64)).collect();
    let payload = pattern(seed, lens.iter().sum());
    Batch::new(payload, records).map_err(|error| Failure::new(error.to_string()))
}

/// A record of these bytes with one entry of metadata.
///
/// # Errors
/// When the metadata is too large.
pub fn tagged(payload: Bytes, name: &str, value: &str) -> Result<Batch, Failure> {
    let metadata = Metadata::from([(name.to_owned(), value.to_owned())]);
    let record = BatchRecord { len: payload.len() as u64, metadata: Some(Arc::new(metadata)) };
    Batch::new(payload, Arc::new([record])).map_err(|error| Failure::new(error.to_string()))
}

/// A new stream without records that never ends.
#[must_use]
pub fn birth() -> Birth {
    Birth {
        content_type: ContentType::octet_stream(),
        expiry: Expiry::Never,
        origin: None,
        inherited: Arc::default(),
        renewals: Arc::default(),
        base: Tail::default(),
        floor: Tail::default(),
        policy: None,
        batch: None,
        closed: None,
        at: Timestamp(1),
    }
}

/// A new fork of a stream that diverges at a position after so many records.
#[must_use]
pub fn fork_birth(source: &StreamKey, state: &StreamState, at: Tail) -> Birth {
    let origin = Origin {
        source: source.clone(),
        source_lineage: state.ranges.own(),
        anchor: at.position,
        sub_offset: 0,
        at: at.position,
        requested_expiry: Expiry::Never,
    };
    let inherited = state.ranges.cut(at.position);
    let renewals = state.ranges.renewals_before(at.position);
    Birth { origin: Some(Arc::new(origin)), inherited, renewals, base: at, ..birth() }
}

/// The change that creates a stream.
#[must_use]
pub fn creation(key: &StreamKey, birth: Birth) -> Change {
    let effect = Effect::Create(Box::new(birth));
    Change { key: key.clone(), basis: Version::ABSENT, effect }
}

/// A change of a stream that exists.
#[must_use]
pub fn update(key: &StreamKey, basis: Version, update: Update) -> Change {
    Change { key: key.clone(), basis, effect: Effect::Update(Box::new(update)) }
}

/// An append.
#[must_use]
pub fn append(key: &StreamKey, basis: Version, batch: Batch) -> Change {
    update(key, basis, Update { batch: Some(batch), ..Update::default() })
}

/// The start or the end of a fork's need.
#[must_use]
pub fn pin(key: &StreamKey, basis: Version, pin: PinChange) -> Change {
    update(key, basis, Update { pin: Some(pin), ..Update::default() })
}

/// The change that removes a stream.
#[must_use]
pub fn removal(key: &StreamKey, basis: Version) -> Change {
    Change { key: key.clone(), basis, effect: Effect::Remove }
}

/// The change that keeps a stream for its forks alone.
#[must_use]
pub fn soft_deletion(key: &StreamKey, basis: Version) -> Change {
    Change { key: key.clone(), basis, effect: Effect::SoftDelete }
}

/// A producer's id.
///
/// # Errors
/// When it is none.
pub fn producer(id: &str) -> Result<ProducerId, Failure> {
    ProducerId::parse(id).map_err(|error| Failure::new(error.to_string()))
}

/// A producer's row.
///
/// # Errors
/// When a number is too large.
pub fn row(epoch: u64, seq: u64) -> Result<ProducerState, Failure> {
    let number =
        |number| ProducerNumber::new(number).map_err(|error| Failure::new(error.to_string()));
    Ok(ProducerState { epoch: number(epoch)?, seq: number(seq)? })
}

/// An append by a producer, new to the stream or known to it.
#[must_use]
pub fn produced(batch: Batch, producer: ProducerChange) -> Update {
    Update { batch: Some(batch), producer: Some(producer), ..Update::default() }
}

/// The version after the next change of a stream.
#[must_use]
pub fn next(version: Version) -> Version {
    Version { revision: version.revision + 1, ..version }
}

/// One unit of these changes.
#[must_use]
pub fn unit(changes: impl IntoIterator<Item = Change>) -> Unit {
    Unit { changes: changes.into_iter().collect() }
}
