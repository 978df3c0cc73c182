//! What a response can carry: nothing, one buffer, a page in pieces, events without end, or what somebody
//! else brings.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use headwater_core::storage::Portion;
use headwater_engine::Held;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::chunks::Chunks;
use crate::sse::{Events, Session, Torn};

/// The body of a response. Everything but events and what somebody brings knows its length, so it is sent with `Content-Length`.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    kind: Kind,
    /// Given back with the body.
    _held: Option<Held>,
}

#[derive(Debug)]
enum Kind {
    Empty,
    Full(Bytes),
    Chunks(Chunks),
    /// Boxed, because it is many times larger than the others and most responses are small.
    Events(Box<Events>),
    /// Somebody else sends the rest.
    HandedOver,
    /// What a thread of its own reads.
    Arriving(mpsc::Receiver<Result<Bytes, Torn>>),
}

impl ResponseBody {
    pub(crate) const EMPTY: Self = Self { kind: Kind::Empty, _held: None };

    fn new(kind: Kind) -> Self {
        Self { kind, _held: None }
    }

    /// Keeps room for what it is made of until it has been sent.
    pub(crate) fn holding(self, held: Option<Held>) -> Self {
        Self { _held: held, ..self }
    }

    pub(crate) fn full(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::EMPTY } else { Self::new(Kind::Full(bytes)) }
    }

    pub(crate) fn chunks(chunks: Vec<Portion>) -> Self {
        Self::new(Kind::Chunks(Chunks::new(chunks)))
    }

    /// All that it will be, where that is known.
    pub(super) fn pieces(&self) -> Vec<Portion> {
        match &self.kind {
            Kind::Full(bytes) => vec![bytes.clone().into()],
            Kind::Chunks(chunks) => chunks.all().to_vec(),
            Kind::Empty | Kind::Events(_) | Kind::HandedOver | Kind::Arriving(_) => Vec::new(),
        }
    }

    /// Whether some of it is left in files.
    pub(super) fn has_files(&self) -> bool {
        match &self.kind {
            Kind::Chunks(chunks) => chunks.all().iter().any(|piece| piece.memory().is_none()),
            Kind::Empty
            | Kind::Full(_)
            | Kind::Events(_)
            | Kind::HandedOver
            | Kind::Arriving(_) => false,
        }
    }

    /// Whether it goes on for as long as its reader stays.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.kind, Kind::Events(_))
    }

    /// Events that can go on without whoever asks for this, who gets no more of them.
    pub(super) fn take_resting(&mut self) -> Option<Box<Session>> {
        let Kind::Events(events) = &mut self.kind else { return None };
        let session = events.take_resting()?;
        self.kind = Kind::HandedOver;
        Some(Box::new(session))
    }

    /// What arrives, until the other end is gone.
    pub(crate) fn arriving(pieces: mpsc::Receiver<Result<Bytes, Torn>>) -> Self {
        Self::new(Kind::Arriving(pieces))
    }

    pub(crate) fn events(events: Events) -> Self {
        Self::new(Kind::Events(Box::new(events)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Torn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Torn>>> {
        let next = match &mut self.kind {
            Kind::Empty => None,
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.kind = Kind::Empty;
                Some(bytes)
            }
            Kind::Chunks(chunks) => chunks.next(),
            Kind::Events(events) => return events.poll_frame(cx),
            Kind::HandedOver => return Poll::Pending,
            Kind::Arriving(pieces) => {
                return pieces.poll_recv(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)));
            }
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Full(_) | Kind::Events(_) | Kind::HandedOver | Kind::Arriving(_) => false,
            Kind::Chunks(chunks) => chunks.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Chunks(chunks) => SizeHint::with_exact(chunks.left()),
            Kind::Events(_) | Kind::HandedOver | Kind::Arriving(_) => SizeHint::default(),
        }
    }
}
