//! One stream in a state that no script can bring about in reasonable time, and nothing else.

use headwater_core::change::Birth;
use headwater_core::command::{Append, Body, Closing, Create, Expect, ForkRequest};
use headwater_core::decide::{
    BoundaryAnswer, BoundaryQuestion, Decision, Existence, Limits, View, append, create,
};
use headwater_core::error::Code;
use headwater_core::offset::LineageRange;
use headwater_core::producer::ProducerState;
use headwater_core::{
    ContentKind, ContentType, Expiry, Lineage, Offset, ProducerId, Slot, StoreId, StreamKey,
    StreamState, Tail, Timestamp,
};

/// The stream.
pub(crate) struct Lone(pub(crate) StreamState);

fn key(path: &str) -> StreamKey {
    StreamKey::parse(StoreId::DEFAULT, path).unwrap()
}

fn body(bytes: &'static [u8]) -> Body {
    Body::frame(ContentKind::Binary, bytes.into())
}

impl Lone {
    /// A byte stream of lineage 2 that inherited so many bytes of lineage 1, in records of one byte.
    pub(crate) fn of(len: u64) -> Self {
        let inherited = LineageRange { lineage: Lineage(1), from: 0, to: len };
        let birth = Birth {
            content_type: ContentType::octet_stream(),
            expiry: Expiry::Never,
            origin: None,
            inherited: [inherited].into(),
            base: Tail { position: len, sequence: len },
            floor: Tail::default(),
            batch: None,
            closed: None,
            at: Timestamp(0),
        };
        Self(StreamState::born(&birth, Lineage(2)))
    }

    /// The token of the tail after an append.
    pub(crate) fn append(&self, bytes: &'static [u8]) -> Result<String, Code> {
        let command = Append {
            content_type: None,
            body: body(bytes),
            closing: Closing::KeepOpen,
            producer: None,
            stream_seq: None,
            expect: Expect::Anything,
        };
        match append(self, Limits::default(), &key("lone"), &command, Timestamp(0)) {
            Decision::Commit { outcome, .. } => Ok(outcome.state.tail_offset().to_string()),
            Decision::Reply { outcome, .. } => Err(outcome.unwrap_err().code()),
            other => panic!("{other:?}"),
        }
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
            closing: Closing::KeepOpen,
            body: body(bytes),
            fork: Some(ForkRequest { source: key("lone"), offset: at, sub_offset: 0 }),
        };
        match create(self, &key("fork"), &command, Timestamp(0)) {
            Decision::Commit { outcome, .. } => match outcome.existence {
                Existence::New(birth) => Ok(StreamState::born(&birth, Lineage(3))),
                Existence::Confirmed(_) => panic!("there was no fork to confirm"),
            },
            Decision::Reply { outcome, .. } => Err(outcome.unwrap_err().code()),
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
