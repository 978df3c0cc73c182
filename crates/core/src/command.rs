//! Commands: what callers ask for, parsed and framed, ready to be decided.

use crate::cache::StreamTag;
use crate::content_type::{ContentKind, ContentType};
use crate::json::{self, InvalidJson, Outline};
use crate::key::StreamKey;
use crate::offset::Offset;
use crate::producer::{ProducerTuple, StreamSeq};
use crate::record::{Batch, MAX_RECORDS, table_bytes};
use crate::retention::Wanted;
use crate::time::Expiry;

use bytes::Bytes;

/// What a request carries to be stored.
///
/// Framing is done before deciding, because it costs time in proportion to the body; what it found is judged in its
/// place of the order of checks, after the stream's own state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// No bytes.
    Empty,
    /// A JSON array without elements.
    EmptyArray,
    /// Records in stored form.
    Records {
        /// The framing they were made for.
        kind: ContentKind,
        /// The records, at least one.
        batch: Batch,
    },
    /// More records than [`MAX_RECORDS`]. They were counted, and not made.
    TooMany,
    /// Bytes that are not the JSON they claim to be.
    Invalid(InvalidJson),
}

impl Body {
    /// Frames the bytes of a request for a stream of this kind.
    #[must_use]
    pub fn frame(kind: ContentKind, bytes: Bytes) -> Self {
        Unframed::new(kind, bytes).frame()
    }

    /// The records, if there are any.
    #[must_use]
    pub fn batch(&self) -> Option<&Batch> {
        match self {
            Self::Records { batch, .. } => Some(batch),
            Self::Empty | Self::EmptyArray | Self::TooMany | Self::Invalid(_) => None,
        }
    }
}

/// The bytes of a request, looked over and not yet framed.
#[derive(Debug)]
pub struct Unframed {
    bytes: Bytes,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Json(Outline),
    /// One record, of text or of bytes.
    Single(ContentKind),
}

impl Unframed {
    /// Looks over the bytes of a request for a stream of this kind.
    #[must_use]
    pub fn new(kind: ContentKind, bytes: Bytes) -> Self {
        let shape = match kind {
            ContentKind::Json => Shape::Json(Outline::of(&bytes)),
            ContentKind::Text | ContentKind::Binary => Shape::Single(kind),
        };
        Self { bytes, shape }
    }

    /// What framing takes in memory beside the bytes, in the measure of [`Batch::weight`]. Nothing for more records than
    /// [`MAX_RECORDS`]: they are not made.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        match &self.shape {
            Shape::Json(outline) if outline.records <= MAX_RECORDS => table_bytes(outline.records),
            Shape::Json(_) | Shape::Single(_) => 0,
        }
    }

    /// Divides the bytes into records.
    #[must_use]
    pub fn frame(self) -> Body {
        let Self { bytes, shape } = self;
        match shape {
            _ if bytes.is_empty() => Body::Empty,
            Shape::Single(kind) => Body::Records { kind, batch: Batch::single(bytes) },
            Shape::Json(outline) if outline.records > MAX_RECORDS => Body::TooMany,
            Shape::Json(outline) => match json::frame_along(outline, &bytes) {
                Ok(Some(batch)) => Body::Records { kind: ContentKind::Json, batch },
                Ok(None) => Body::EmptyArray,
                Err(error) => Body::Invalid(error),
            },
        }
    }
}

/// Whether a request closes the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Closing {
    /// It leaves it open.
    #[default]
    KeepOpen,
    /// It closes it, in the same unit as its records.
    Close,
}

/// The fork part of a creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkRequest {
    /// The stream to fork.
    pub source: StreamKey,
    /// Where to fork it; its tail when absent.
    pub offset: Option<Offset>,
    /// Bytes, or JSON messages, past that offset. 0 is the same as none.
    pub sub_offset: u64,
}

/// Creates a stream, or confirms that it exists with the same configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// The media type; absent means the source's for a fork, `application/octet-stream` otherwise.
    pub content_type: Option<ContentType>,
    /// When it ends by itself; `Never` means the source's for a fork.
    pub expiry: Expiry,
    /// How much of it is kept.
    pub retention: Wanted,
    /// Whether it is created closed.
    pub closing: Closing,
    /// First records.
    pub body: Body,
    /// Set to fork another stream.
    pub fork: Option<ForkRequest>,
}

/// What the caller believes about the tail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    #[default]
    Anything,
    /// The stream's position is this.
    Position(u64),
    /// The last record's sequence is this.
    Sequence(u64),
    /// The stream has this tag; refused as a failed precondition.
    Tag(StreamTag),
}

/// Appends records, closes a stream, or both in one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The media type of the body. `None` only where the caller embeds the engine and vouches for it.
    pub content_type: Option<ContentType>,
    /// What to append.
    pub body: Body,
    /// Whether to close.
    pub closing: Closing,
    /// Who writes, for exactly-once appends.
    pub producer: Option<ProducerTuple>,
    /// The application's writer sequence.
    pub stream_seq: Option<StreamSeq>,
    /// What the caller expects of the tail.
    pub expect: Expect,
}
