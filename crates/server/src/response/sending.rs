//! A body on its way: in small pieces, counted, and holding the place of its request until it has been sent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use metrics::Counter;

use super::ResponseBody;
use crate::gate::Pass;
use crate::limits::SENDING_PIECE_BYTES;
use crate::server::activity::Busy;
use crate::sse::Torn;

/// What a request takes until its answer has been sent, or nobody wants it any more.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) _pass: Option<Pass>,
    pub(crate) busy: Busy,
}

/// What is given to the HTTP library.
#[derive(Debug)]
pub(crate) struct Sending {
    body: ResponseBody,
    /// What is left of a piece that was too large to be given at once.
    rest: Bytes,
    place: Place,
    sent: Counter,
}

impl Sending {
    pub(crate) fn new(body: ResponseBody, place: Place, sent: Counter) -> Self {
        Self { body, rest: Bytes::new(), place, sent }
    }

    fn give(&mut self, mut bytes: Bytes) -> Frame<Bytes> {
        if bytes.len() > SENDING_PIECE_BYTES {
            self.rest = bytes.split_off(SENDING_PIECE_BYTES);
        }
        self.sent.increment(bytes.len() as u64);
        self.place.busy.gave();
        Frame::data(bytes)
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = Torn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Torn>>> {
        self.place.busy.asked();
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(self.give(rest))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| match frame?.into_data() {
            Ok(bytes) => Ok(self.give(bytes)),
            Err(other) => Ok(other),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.size_hint();
        match hint.exact() {
            Some(bytes) => SizeHint::with_exact(bytes + self.rest.len() as u64),
            None => hint,
        }
    }
}
