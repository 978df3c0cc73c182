//! Changes, as they stand in a committed group. Their payload stands apart, behind all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use headwater_core::change::{Birth, Change, Effect, PinChange, ProducerChange, Update};
use headwater_core::producer::ProducerState;
use headwater_core::{
    Batch, ContentType, ProducerId, ProducerNumber, StreamSeq, Timestamp, Version,
};
use serde::{Deserialize, Serialize};

use super::Unacceptable;
use super::more::StoredBirthMore;
use super::state::{
    StoredClosed, StoredExpiry, StoredKey, StoredOrigin, StoredRange, StoredTail, ranges,
    stored_ranges,
};
use super::table::StoredLens;
use super::unit::{PayloadLeft, Place};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredChange<S = String> {
    key: StoredKey<S>,
    /// Lineage and revision of the version it was decided on.
    basis: (u64, u64),
    /// The place of its first record, if it has any: space sequence, position, sequence.
    pub(super) first: Option<(u64, u64, u64)>,
    effect: StoredEffect,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum StoredEffect {
    Create(Box<StoredBirth>),
    Update(StoredUpdate),
    SoftDelete,
    Remove,
    /// An update that also raises the floor: added behind the others, whose numbers are stored.
    Raise(StoredUpdate, StoredTail),
    /// A creation about which there is more to say.
    CreateWith(Box<StoredBirth>, StoredBirthMore),
    /// An update by retention: the floor, if it rises, and since when there are records.
    Retain(StoredUpdate, Option<StoredTail>, u64),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredBirth {
    content_type: String,
    expiry: StoredExpiry,
    origin: Option<StoredOrigin>,
    inherited: Vec<StoredRange>,
    base: StoredTail,
    floor: StoredTail,
    batch: Option<StoredBatch>,
    closed: Option<StoredClosed>,
    at: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredUpdate {
    batch: Option<StoredBatch>,
    producer: Option<StoredProducerChange>,
    stream_seq: Option<Vec<u8>>,
    closed: Option<StoredClosed>,
    used_at: Option<u64>,
    pin: Option<StoredPinChange>,
}

/// The records of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredBatch {
    lens: StoredLens,
    metadata: Vec<(u32, BTreeMap<String, String>)>,
}

/// Id, epoch and sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum StoredProducerChange {
    Introduce(String, u64, u64),
    Advance(String, u64, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum StoredPinChange {
    Add(u64),
    Drop(u64),
}

impl<'c> StoredChange<&'c str> {
    pub(super) fn of(change: &'c Change, first: Option<Place>) -> Self {
        let first = first.map(|place| (place.space, place.position, place.sequence));
        let effect = match &change.effect {
            Effect::Create(birth) => StoredEffect::of_birth(birth),
            Effect::Update(update) => StoredEffect::of_update(update),
            Effect::SoftDelete => StoredEffect::SoftDelete,
            Effect::Remove => StoredEffect::Remove,
        };
        let basis = (change.basis.lineage, change.basis.revision);
        Self { key: StoredKey::borrowed(&change.key), basis, first, effect }
    }
}

impl StoredChange {
    pub(super) fn into_change(self, payload: &mut PayloadLeft) -> Result<Change, Unacceptable> {
        let effect = match self.effect {
            StoredEffect::Create(birth) => Effect::Create(Box::new(birth.into_birth(payload)?)),
            StoredEffect::CreateWith(birth, more) => {
                let (renewals, policy) = more.into_parts()?;
                let birth = Birth { renewals, policy, ..birth.into_birth(payload)? };
                Effect::Create(Box::new(birth))
            }
            StoredEffect::Update(update) => Effect::Update(Box::new(update.into_update(payload)?)),
            StoredEffect::Raise(update, floor) => {
                let floor = Some(floor.into());
                Effect::Update(Box::new(Update { floor, ..update.into_update(payload)? }))
            }
            StoredEffect::Retain(update, floor, oldest) => {
                let (floor, oldest) = (floor.map(Into::into), Some(Timestamp(oldest)));
                let update = Update { floor, oldest, ..update.into_update(payload)? };
                Effect::Update(Box::new(update))
            }
            StoredEffect::SoftDelete => Effect::SoftDelete,
            StoredEffect::Remove => Effect::Remove,
        };
        let (lineage, revision) = self.basis;
        Ok(Change { key: self.key.into_key()?, basis: Version { lineage, revision }, effect })
    }
}

impl StoredEffect {
    fn of_birth(birth: &Birth) -> Self {
        let stored = Box::new(StoredBirth::of(birth));
        match StoredBirthMore::of(birth) {
            None => Self::Create(stored),
            Some(more) => Self::CreateWith(stored, more),
        }
    }

    fn of_update(update: &Update) -> Self {
        let stored = StoredUpdate::of(update);
        match (update.floor, update.oldest) {
            (None, None) => Self::Update(stored),
            (Some(floor), None) => Self::Raise(stored, floor.into()),
            (floor, Some(oldest)) => Self::Retain(stored, floor.map(Into::into), oldest.0),
        }
    }
}

impl StoredBirth {
    fn of(birth: &Birth) -> Self {
        Self {
            content_type: birth.content_type.as_str().to_owned(),
            expiry: birth.expiry.into(),
            origin: birth.origin.as_deref().map(StoredOrigin::of),
            inherited: stored_ranges(&birth.inherited),
            base: birth.base.into(),
            floor: birth.floor.into(),
            batch: birth.batch.as_ref().map(StoredBatch::of),
            closed: birth.closed.as_deref().map(StoredClosed::of),
            at: birth.at.0,
        }
    }

    fn into_birth(self, payload: &mut PayloadLeft) -> Result<Birth, Unacceptable> {
        Ok(Birth {
            content_type: ContentType::parse(&self.content_type).map_err(|_| Unacceptable)?,
            expiry: self.expiry.into(),
            origin: self.origin.map(|origin| origin.into_origin().map(Arc::new)).transpose()?,
            inherited: ranges(&self.inherited),
            renewals: Arc::default(),
            base: self.base.into(),
            floor: self.floor.into(),
            policy: None,
            batch: self.batch.map(|batch| batch.into_batch(payload)).transpose()?,
            closed: self.closed.map(|closed| closed.into_closed().map(Arc::new)).transpose()?,
            at: Timestamp(self.at),
        })
    }
}

impl StoredUpdate {
    fn of(update: &Update) -> Self {
        Self {
            batch: update.batch.as_ref().map(StoredBatch::of),
            producer: update.producer.as_ref().map(StoredProducerChange::of),
            stream_seq: update.stream_seq.as_ref().map(|seq| seq.as_bytes().to_vec()),
            closed: update.closed.as_deref().map(StoredClosed::of),
            used_at: update.used_at.map(|at| at.0),
            pin: update.pin.map(|pin| match pin {
                PinChange::Add(at) => StoredPinChange::Add(at),
                PinChange::Drop(at) => StoredPinChange::Drop(at),
            }),
        }
    }

    fn into_update(self, payload: &mut PayloadLeft) -> Result<Update, Unacceptable> {
        let stream_seq = self.stream_seq.map(|seq| StreamSeq::new(&seq)).transpose();
        Ok(Update {
            batch: self.batch.map(|batch| batch.into_batch(payload)).transpose()?,
            producer: self.producer.map(StoredProducerChange::into_change).transpose()?,
            stream_seq: stream_seq.map_err(|_| Unacceptable)?,
            closed: self.closed.map(|closed| closed.into_closed().map(Arc::new)).transpose()?,
            used_at: self.used_at.map(Timestamp),
            pin: self.pin.map(|pin| match pin {
                StoredPinChange::Add(at) => PinChange::Add(at),
                StoredPinChange::Drop(at) => PinChange::Drop(at),
            }),
            floor: None,
            oldest: None,
        })
    }
}

impl StoredBatch {
    fn of(batch: &Batch) -> Self {
        let records = batch.records();
        let metadata = (0u32..).zip(records).filter_map(|(index, record)| {
            record.metadata.as_ref().map(|map| (index, BTreeMap::clone(map)))
        });
        Self { lens: StoredLens::of(records), metadata: metadata.collect() }
    }

    fn into_batch(self, payload: &mut PayloadLeft) -> Result<Batch, Unacceptable> {
        let records = self.lens.into_records(self.metadata)?;
        let payload = payload.take(super::super::run::bytes(&records))?;
        Batch::new(payload, records.into()).map_err(|_| Unacceptable)
    }
}

impl StoredProducerChange {
    fn of(change: &ProducerChange) -> Self {
        let (id, state) = change.row();
        let (id, epoch, seq) = (id.as_str().to_owned(), state.epoch.get(), state.seq.get());
        match change {
            ProducerChange::Introduce(..) => Self::Introduce(id, epoch, seq),
            ProducerChange::Advance(..) => Self::Advance(id, epoch, seq),
        }
    }

    fn into_change(self) -> Result<ProducerChange, Unacceptable> {
        let row = |id: &str, epoch, seq| {
            let number = |number| ProducerNumber::new(number).map_err(|_| Unacceptable);
            let id = ProducerId::parse(id).map_err(|_| Unacceptable)?;
            Ok((id, ProducerState { epoch: number(epoch)?, seq: number(seq)? }))
        };
        match self {
            Self::Introduce(id, epoch, seq) => {
                row(&id, epoch, seq).map(|(id, state)| ProducerChange::Introduce(id, state))
            }
            Self::Advance(id, epoch, seq) => {
                row(&id, epoch, seq).map(|(id, state)| ProducerChange::Advance(id, state))
            }
        }
    }
}
