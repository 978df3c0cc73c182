//! The model: what the protocol text says, written in the simplest way and without the crate's rules.
//!
//! A fork copies its parent's records. Producers are a map. How many forks need a stream is counted by looking at all
//! streams. An offset is followed by walking from child to parent. Nothing here is fast, shared, or clever.

mod append;
mod create;
mod lifetime;
mod offsets;
mod retain;
mod truncate;

use std::collections::BTreeMap;
use std::sync::Arc;

use headwater_core::retention::Retention;
use headwater_core::{Expiry, Metadata, ProducerTuple, StreamKey, Timestamp};

use self::retain::Excess;
use crate::answer::Answer;
use crate::coverage::Row;
use crate::request::{Request, What};

pub(crate) use create::kind;
pub(crate) use lifetime::due;
pub(crate) use offsets::{Lost, Token};
pub(crate) use retain::{Kept, upkeep};

/// All streams, the deleted ones that forks still need among them.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) streams: BTreeMap<StreamKey, Stream>,
    pub(crate) producers_per_stream: usize,
    /// Rows of the tables that the last command met.
    pub(crate) rows: Vec<Row>,
    /// When records are committed: as late as any command so far.
    pub(crate) latest: Timestamp,
    /// What was looked up under each key, to be given up later.
    looks: BTreeMap<StreamKey, Excess>,
}

#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// What storage named this incarnation.
    pub(crate) id: u64,
    pub(crate) content_type: String,
    pub(crate) lifetime: Expiry,
    pub(crate) created: Timestamp,
    pub(crate) used: Timestamp,
    pub(crate) records: Vec<Record>,
    /// Bytes and records at the beginning that were given up. The model keeps them all the same.
    pub(crate) floor: (u64, u64),
    /// Who closed it, if it is closed.
    pub(crate) closed: Option<Option<ProducerTuple>>,
    pub(crate) stream_seq: Option<Vec<u8>>,
    /// Epoch and last sequence of each.
    pub(crate) producers: BTreeMap<String, (u64, u64)>,
    pub(crate) parent: Option<Parent>,
    pub(crate) asked: Asked,
    pub(crate) kept: Option<Kept>,
    /// It is gone for all but its forks.
    pub(crate) deleted: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// As stored.
    pub(crate) bytes: Vec<u8>,
    pub(crate) metadata: Option<Arc<Metadata>>,
    /// The incarnation that appended it.
    pub(crate) writer: u64,
    pub(crate) at: Timestamp,
}

/// What a fork was made from.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    pub(crate) key: StreamKey,
    pub(crate) id: u64,
    /// Where it diverges.
    pub(crate) at: u64,
}

/// What the creating request said, for comparison with later ones.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) lifetime: Expiry,
    pub(crate) retention: Option<Retention>,
    pub(crate) fork: Option<AskedFork>,
}

#[derive(Clone, Debug)]
pub(crate) struct AskedFork {
    pub(crate) source: StreamKey,
    /// Position of the offset, or of the tail where none was given.
    pub(crate) anchor: u64,
    pub(crate) sub_offset: u64,
}

impl Stream {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.records.iter().flat_map(|record| record.bytes.iter().copied()).collect()
    }

    /// Bytes in all: the position of the tail.
    pub(crate) fn len(&self) -> u64 {
        self.records.iter().map(|record| record.bytes.len() as u64).sum()
    }

    /// Where each record begins and ends.
    pub(crate) fn spans(&self) -> Vec<(u64, u64)> {
        let mut end = 0;
        let span = |record: &Record| {
            let from = end;
            end += record.bytes.len() as u64;
            (from, end)
        };
        self.records.iter().map(span).collect()
    }

    /// Notes a use. Of a stream whose end is counted from closing, none after that counts.
    pub(crate) fn use_at(&mut self, now: Timestamp) {
        if self.closed.is_none() || !matches!(self.lifetime, Expiry::AfterClose(_)) {
            self.used = self.used.max(now);
        }
    }

    /// Where the bytes begin that it did not inherit.
    pub(crate) fn base(&self) -> u64 {
        self.parent.as_ref().map_or(0, |parent| parent.at)
    }
}

impl Model {
    pub(crate) fn new(producers_per_stream: usize) -> Self {
        let (streams, looks) = (BTreeMap::new(), BTreeMap::new());
        let (rows, latest) = (Vec::new(), Timestamp::default());
        Self { streams, producers_per_stream, rows, latest, looks }
    }

    /// The stream under a key, if it is there and not deleted.
    pub(crate) fn live(&self, key: &StreamKey) -> Option<&Stream> {
        self.streams.get(key).filter(|stream| !stream.deleted)
    }

    /// Does what a command asks. `id` names the stream if it creates one.
    pub(crate) fn perform(&mut self, request: &Request, id: u64) -> Answer {
        self.rows.clear();
        let Request { key, now, what } = request;
        self.latest = self.latest.max(*now);
        match what {
            What::Create(command, given) => self.create(key, command, given, *now, id),
            What::Append(command, given) => self.append(key, command, given, *now),
            What::Truncate(offset) => self.truncate(key, (*offset).into(), *now),
            What::Retain(look) => self.retain(key, *look, *now),
            What::Delete => self.delete(key, *now),
            What::Expire => {
                self.end_if_due(key, *now);
                Answer::Done
            }
            What::MarkUsed(at) => {
                if let Some(stream) = self.streams.get_mut(key).filter(|stream| !stream.deleted) {
                    stream.use_at(*at);
                }
                Answer::Done
            }
        }
    }
}
