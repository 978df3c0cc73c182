//! One stream in a state that no script can bring about in reasonable time, and nothing else.

use std::sync::Arc;

use headwater_core::change::Birth;
use headwater_core::command::{Append, Body, Closing, Create, Expect, ForkRequest};
use headwater_core::decide::{
    BoundaryAnswer, BoundaryQuestion, Decision, Existence, Limits, View, append, create,
};
use headwater_core::error::Code;
use headwater_core::offset::LineageRange;
use headwater_core::producer::ProducerState;
use headwater_core::retention::Wanted;
use headwater_core::{
    AppendError, ContentKind, ContentType, CreateError, Expiry, Lineage, Offset, ProducerId, Slot,
    StoreId, StreamKey, StreamState, Tail, Timestamp,
};

/// The stream.
pub(crate) struct Lone(pub(crate) StreamState);

fn key(path: &str) -> StreamKey {
    StreamKey::parse(StoreId::DEFAULT, path).unwrap()
}

fn body(bytes: &'static [u8]) -> Body {
    Body::frame(ContentKind::Binary, bytes.into())
}

/// An append of this body and nothing else.
pub(crate) fn plain(body: Body) -> Append {
    Append {
        content_type: None,
        body,
        closing: Closing::KeepOpen,
        producer: None,
        stream_seq: None,
        expect: Expect::Anything,
    }
}

impl Lone {
    /// A byte stream of lineage 2 that inherited so many bytes of lineage 1, in records of one byte.
    pub(crate) fn of(len: u64) -> Self {
        Self::typed(ContentType::octet_stream(), len)
    }

    /// The same of another type.
    pub(crate) fn typed(content_type: ContentType, len: u64) -> Self {
        let inherited = LineageRange { lineage: Lineage(1), from: 0, to: len };
        let birth = Birth {
            content_type,
            expiry: Expiry::Never,
            origin: None,
            inherited: [inherited].into(),
            renewals: Arc::default(),
            base: Tail { position: len, sequence: len },
            floor: Tail::default(),
            policy: None,
            batch: None,
            closed: None,
            at: Timestamp(0),
        };
        Self(StreamState::born(&birth, Lineage(2)))
    }

    /// The token of the tail after an append.
    pub(crate) fn append(&self, bytes: &'static [u8]) -> Result<String, Code> {
        let state = self.take(&plain(body(bytes))).map_err(|error| error.code())?;
        Ok(state.tail_offset().to_string())
    }

    /// The stream after an append that changes it.
    pub(crate) fn take(&self, command: &Append) -> Result<Arc<StreamState>, AppendError> {
        match append(self, Limits::default(), &key("lone"), command, Timestamp(0)) {
            Decision::Commit { outcome, .. } => Ok(outcome.state),
            Decision::Reply { outcome, .. } => Err(outcome.unwrap_err()),
            other => panic!("{other:?}"),
        }
    }

    /// A new stream beside it, with these records.
    pub(crate) fn beside(
        &self,
        content_type: ContentType,
        body: Body,
    ) -> Result<StreamState, CreateError> {
        self.create(&Create {
            content_type: Some(content_type),
            expiry: Expiry::Never,
            retention: Wanted::default(),
            closing: Closing::KeepOpen,
            body,
            fork: None,
        })
    }

    /// A fork of it.
    pub(crate) fn fork(
        &self,
        at: Option<Offset>,
        bytes: &'static [u8],
    ) -> Result<StreamState, Code> {
        let command = Create {
            content_type: None,
            expiry: Expiry::Never,
            retention: Wanted::default(),
            closing: Closing::KeepOpen,
            body: body(bytes),
            fork: Some(ForkRequest { source: key("lone"), offset: at, sub_offset: 0 }),
        };
        self.create(&command).map_err(|error| error.code())
    }

    fn create(&self, command: &Create) -> Result<StreamState, CreateError> {
        match create(self, &key("new"), command, Timestamp(0)) {
            Decision::Commit { outcome, .. } => match outcome.existence {
                Existence::New(birth) => Ok(StreamState::born(&birth, Lineage(3))),
                Existence::Confirmed(_) => panic!("there was nothing to confirm"),
            },
            Decision::Reply { outcome, .. } => Err(outcome.unwrap_err()),
            other => panic!("{other:?}"),
        }
    }
}

impl View for Lone {
    fn slot(&self, asked: &StreamKey) -> Option<Slot> {
        let lone = Slot::Live(self.0.clone().into());
        Some(if *asked == key("lone") { lone } else { Slot::Absent })
    }

    fn producer(&self, _: &StreamKey, _: &ProducerId) -> Option<Option<ProducerState>> {
        Some(None)
    }

    fn boundary(&self, question: &BoundaryQuestion) -> Option<BoundaryAnswer> {
        let start = question.position;
        Some(BoundaryAnswer { start, end: start + 1, sequence: start + 1, after: None })
    }
}
