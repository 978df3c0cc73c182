//! A command as both sides get it: in the words of the crate, and in the plain words of the model.

use std::sync::Arc;

use headwater_core::command::{Append, Body, Create};
use headwater_core::{Batch, BatchRecord, ContentKind, Metadata, Offset, StreamKey, Timestamp};

use crate::ops::Look;

/// A command, where it goes, and when.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) key: StreamKey,
    pub(crate) now: Timestamp,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Create(Create, Given),
    Append(Append, Given),
    Truncate(Offset),
    Retain(Look),
    Delete,
    Expire,
    MarkUsed(Timestamp),
}

/// A body as the model gets it: what it was made of, so that nobody has to take it apart.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// For which kind of stream the body was made.
    pub(crate) framed: ContentKind,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Nothing,
    EmptyArray,
    Broken,
    Records(Vec<GivenRecord>),
}

/// A record in stored form.
#[derive(Clone, Debug)]
pub(crate) struct GivenRecord {
    pub(crate) bytes: Vec<u8>,
    pub(crate) metadata: Option<Arc<Metadata>>,
}

impl Given {
    /// A body over the wire: its text, and the values or bytes that were put into it.
    pub(crate) fn wire(framed: ContentKind, text: String, content: Content) -> (Body, Self) {
        (Body::frame(framed, text.into()), Self { framed, content })
    }

    /// Records as an embedding program hands them over.
    pub(crate) fn embedded(framed: ContentKind, records: Vec<GivenRecord>) -> (Body, Self) {
        let payload: Vec<u8> = records.iter().flat_map(|record| record.bytes.clone()).collect();
        let rows = records.iter().map(|record| BatchRecord {
            len: record.bytes.len() as u64,
            metadata: record.metadata.clone(),
        });
        let batch = Batch::new(payload.into(), rows.collect()).unwrap();
        (Body::Records { kind: framed, batch }, Self { framed, content: Content::Records(records) })
    }
}
