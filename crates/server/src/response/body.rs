//! What a response can carry: nothing, one buffer, a page in pieces, or events without end.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::chunks::Chunks;
use crate::sse::{Events, Torn};

/// The body of a response. Everything but events knows its length, so it is sent with `Content-Length`.
#[derive(Debug)]
pub(crate) struct ResponseBody(Kind);

#[derive(Debug)]
enum Kind {
    Empty,
    Full(Bytes),
    Chunks(Chunks),
    /// Boxed, because it is many times larger than the others and most responses are small.
    Events(Box<Events>),
}

impl ResponseBody {
    pub(crate) const EMPTY: Self = Self(Kind::Empty);

    pub(crate) fn full(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::EMPTY } else { Self(Kind::Full(bytes)) }
    }

    pub(crate) fn chunks(chunks: Vec<Bytes>) -> Self {
        Self(Kind::Chunks(Chunks::new(chunks)))
    }

    pub(crate) fn events(events: Events) -> Self {
        Self(Kind::Events(Box::new(events)))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Torn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Torn>>> {
        let next = match &mut self.0 {
            Kind::Empty => None,
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Empty;
                Some(bytes)
            }
            Kind::Chunks(chunks) => chunks.next(),
            Kind::Events(events) => return events.poll_frame(cx),
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Empty => true,
            Kind::Full(_) | Kind::Events(_) => false,
            Kind::Chunks(chunks) => chunks.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Chunks(chunks) => SizeHint::with_exact(chunks.left()),
            Kind::Events(_) => SizeHint::default(),
        }
    }
}
