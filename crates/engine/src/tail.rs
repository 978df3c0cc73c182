//! Live tails: readers that follow a stream.
//!
//! A commit is published once per stream ([`live`]): the new state, and its bytes into a short [`ring`]. A reader is a
//! position and a receiver of that news; when it wakes it takes what lies between its position and the durable tail, a
//! part at a time, from the ring where it reaches back far enough, from storage where not ([`pending`]). A slow reader therefore
//! costs a position and a part, delays nobody, and loses nothing. Who has many readers of one stream follows it once for all of
//! them ([`feed`]).

mod feed;
mod live;
mod pending;
mod reader;
mod ring;

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use headwater_core::StreamState;

use crate::reading::Held;

pub use self::feed::{Feed, Mark};
pub(crate) use self::live::{Lives, Publication};
pub use self::reader::Tail;

/// Bytes of a live delivery: what one commit appended, or a part of a page.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Position of the first byte.
    pub from: u64,
    /// The stored bytes.
    pub bytes: Bytes,
    pub(crate) shared: Option<Arc<OnceLock<Bytes>>>,
}

impl Piece {
    /// Position after the last byte.
    #[must_use]
    pub fn to(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }

    /// Pieces that follow each other as one, whose wire form is shared by all who have a clone of it. `None` where there are none.
    #[must_use]
    pub fn joined(pieces: &[Self]) -> Option<Self> {
        let from = pieces.first()?.from;
        let mut bytes = BytesMut::with_capacity(pieces.iter().map(|piece| piece.bytes.len()).sum());
        pieces.iter().for_each(|piece| bytes.extend_from_slice(&piece.bytes));
        Some(Self { from, bytes: bytes.freeze(), shared: Some(Arc::new(OnceLock::new())) })
    }

    /// The wire form of this piece, made at most once for all live readers where the piece is a whole commit.
    ///
    /// All readers of a stream must pass functions that give the same bytes.
    pub fn encoded(&self, encode: impl FnOnce(&Bytes) -> Bytes) -> Bytes {
        match &self.shared {
            Some(slot) => slot.get_or_init(|| encode(&self.bytes)).clone(),
            None => encode(&self.bytes),
        }
    }
}

/// What a live reader gets next: all that is new, or a part of it with the rest in the deliveries that follow at once.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The stream, durable, as those who follow it were told last. Writers hear of a commit first; a tail that is opened after an
    /// acknowledgement begins with it.
    pub state: Arc<StreamState>,
    /// Contiguous pieces from the reader's position. Pieces of JSON streams begin and end on record boundaries. Empty
    /// when only the state is news: the first delivery at the tail, or a close.
    pub pieces: Vec<Piece>,
    /// Room for pieces that were read from storage for this reader alone, to be held for as long as they are.
    pub held: Option<Held>,
}

impl Delivery {
    /// Position after the last piece, given where the reader was.
    #[must_use]
    pub fn to(&self, position: u64) -> u64 {
        self.pieces.last().map_or(position, Piece::to)
    }
}

/// Why a live tail is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The stream was deleted or expired.
    Deleted,
    /// The engine is stopping.
    Draining,
}

/// What happened to a live tail.
#[derive(Clone, Debug)]
pub enum Step<D = Delivery> {
    /// Something new.
    Delivery(D),
    /// Nothing more will come.
    End(End),
}
