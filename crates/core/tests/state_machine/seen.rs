//! What can be seen of streams, in one shape for the system under test and the model.

use std::collections::BTreeMap;
use std::sync::Arc;

use headwater_core::retention::ChosenBy;
use headwater_core::{Expiry, Metadata, ProducerTuple, Slot, StreamKey, StreamState, Timestamp};

use crate::model::{Kept, Model, Stream, due, upkeep};
use crate::namespace::contents::{Contents, Record};

/// The invariant that looking at the streams shows: every byte that a reader may ask for is there.
pub(crate) const WHAT_IS_NEEDED_IS_KEPT: &str = "what_is_needed_is_kept";

/// A stream from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: u64,
    pub(crate) deleted: bool,
    pub(crate) content_type: String,
    pub(crate) lifetime: Expiry,
    pub(crate) due: Option<Timestamp>,
    /// What it keeps, and since when there are records.
    pub(crate) kept: Option<Kept>,
    /// When it ends or something of it goes.
    pub(crate) upkeep: Option<Timestamp>,
    pub(crate) created: Timestamp,
    pub(crate) used: Timestamp,
    pub(crate) closed: Option<Option<ProducerTuple>>,
    pub(crate) stream_seq: Option<Vec<u8>>,
    pub(crate) producers: BTreeMap<String, (u64, u64)>,
    pub(crate) forks: usize,
    pub(crate) position: u64,
    pub(crate) sequence: u64,
    /// Position and sequence before which nothing can be read any more.
    pub(crate) floor: (u64, u64),
    /// Nobody reads a deleted stream; what forks read of it shows in them.
    pub(crate) content: Option<Content>,
}

/// What a reader gets, and what readers got before it was given up: a fork may still need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    /// Sequence, first position, position after the last, metadata.
    pub(crate) records: Vec<(u64, u64, u64, Option<Arc<Metadata>>)>,
}

/// All streams at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) slots: BTreeMap<StreamKey, Slot>,
    pub(crate) seen: BTreeMap<StreamKey, Seen>,
}

impl Snapshot {
    /// Looks at the system under test. This is where it shows that every byte that is needed is kept: an error tells
    /// which are gone.
    pub(crate) fn of(contents: &Contents) -> Result<Self, String> {
        let mut seen = BTreeMap::new();
        for (key, slot) in &contents.slots {
            if let Some(state) = slot.state() {
                let deleted = matches!(slot, Slot::SoftDeleted(_));
                let one = stored(contents, state, deleted);
                let one = one.map_err(|what| format!("{WHAT_IS_NEEDED_IS_KEPT}: {key}: {what}"))?;
                seen.insert(key.clone(), one);
            }
        }
        Ok(Self { slots: contents.slots.clone(), seen })
    }

    /// The keys under which something stands in one of both that is not the same in the other.
    pub(crate) fn changed<'a>(&'a self, after: &'a Self) -> Vec<&'a StreamKey> {
        let differs = |key: &&StreamKey| self.slots.get(*key) != after.slots.get(*key);
        let gone = self.slots.keys().filter(|key| !after.slots.contains_key(*key));
        after.slots.keys().filter(differs).chain(gone).collect()
    }

    /// The streams that can be read, with their states.
    pub(crate) fn live(&self) -> impl Iterator<Item = (&StreamKey, &Arc<StreamState>, &Content)> {
        self.slots.iter().filter_map(|(key, slot)| {
            let content = self.seen.get(key)?.content.as_ref()?;
            Some((key, slot.state()?, content))
        })
    }
}

fn stored(contents: &Contents, state: &StreamState, deleted: bool) -> Result<Seen, String> {
    let log = contents.logs.get(&state.ranges.own()).ok_or("the stream has no log")?;
    let numbers = |(id, row): (&headwater_core::ProducerId, _)| {
        let row: &headwater_core::producer::ProducerState = row;
        (id.as_str().to_owned(), (row.epoch.get(), row.seq.get()))
    };
    let producers: BTreeMap<_, _> = log.producers.iter().map(numbers).collect();
    if state.producers != producers.len() as u64 {
        return Err(format!("{} producers counted, {} kept", state.producers, producers.len()));
    }
    let row = |record: Record| (record.sequence, record.from, record.to, record.metadata);
    let content = if deleted {
        None
    } else {
        let records = contents.records(state)?.into_iter().map(row).collect();
        Some(Content { bytes: contents.bytes(state)?, records })
    };
    Ok(Seen {
        id: state.ranges.own().0,
        deleted,
        content_type: state.content_type.as_str().to_owned(),
        lifetime: state.expiry,
        due: state.deadline(),
        kept: state.retained.as_deref().map(|retained| Kept {
            retention: retained.policy.retention,
            asked: retained.policy.by == ChosenBy::Request,
            oldest: retained.oldest,
        }),
        upkeep: state.due(),
        created: state.created_at,
        used: state.used_at,
        closed: state.closed.as_ref().map(|closed| closed.by.clone()),
        stream_seq: state.stream_seq.as_ref().map(|seq| seq.as_bytes().to_vec()),
        producers,
        forks: state.forks as usize,
        position: state.tail.position,
        sequence: state.tail.sequence,
        floor: (state.floor.position, state.floor.sequence),
        content,
    })
}

/// What the model expects to be seen.
pub(crate) fn expected(model: &Model) -> BTreeMap<StreamKey, Seen> {
    let one = |(key, stream): (&StreamKey, &Stream)| {
        let rows = stream.spans().into_iter().zip(&stream.records).zip(1..);
        let row = |(((from, to), record), n): (((u64, u64), &crate::model::Record), u64)| {
            (n, from, to, record.metadata.clone())
        };
        let content = Content { bytes: stream.bytes(), records: rows.map(row).collect() };
        let seen = Seen {
            id: stream.id,
            deleted: stream.deleted,
            content_type: stream.content_type.clone(),
            lifetime: stream.lifetime,
            due: due(stream),
            kept: stream.kept,
            upkeep: upkeep(stream),
            created: stream.created,
            used: stream.used,
            closed: stream.closed.clone(),
            stream_seq: stream.stream_seq.clone(),
            producers: stream.producers.clone(),
            forks: model.forks(key, stream.id),
            position: stream.len(),
            sequence: stream.records.len() as u64,
            floor: stream.floor,
            content: (!stream.deleted).then_some(content),
        };
        (key.clone(), seen)
    };
    model.streams.iter().map(one).collect()
}
