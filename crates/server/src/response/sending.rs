//! A body on its way: in small pieces, counted, and holding the place of its request until it has been sent.
//!
//! The HTTP library drops a body with its last piece. Over HTTP/1.1 that piece then waits for the socket, which has its own
//! time-out. Over HTTP/2 it may wait for a window that the client never opens, so the last piece is a single byte there.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Version;
use http_body::{Body, Frame, SizeHint};
use tracing::error;

use super::ResponseBody;
use crate::gate::Seat;
use crate::limits::{CARRIED_BYTES, SENDING_PIECE_BYTES, WHOLE_PIECE_BYTES};
use crate::server::activity::Busy;
use crate::server::stand_in::stands_in;
use crate::sse::Torn;

#[cfg(test)]
mod tests;

/// What a request takes until its answer has been sent, or nobody wants it any more.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) _seat: Seat,
    pub(crate) busy: Busy,
}

/// What is given to the HTTP library.
#[derive(Debug)]
pub(crate) struct Sending {
    body: ResponseBody,
    version: Version,
    /// What is left of a piece that was too large to be given at once.
    rest: Bytes,
    place: Place,
}

impl Sending {
    /// The answer to a request of that version of HTTP.
    pub(crate) fn new(body: ResponseBody, version: Version, place: Place) -> Self {
        let length = body.size_hint().exact().unwrap_or(0);
        // Over HTTP/2 the library has its own frames around each piece.
        if version < Version::HTTP_2 {
            let carried = length >= CARRIED_BYTES || body.has_files();
            place.busy.announce(carried.then(|| body.pieces()));
        }
        Self { body, version, rest: Bytes::new(), place }
    }

    /// Gives what was next, of which so many bytes may go in one piece although they may be the last.
    fn give(&mut self, mut bytes: Bytes, whole: usize) -> Frame<Bytes> {
        let apart = usize::from(self.version >= Version::HTTP_2 && bytes.len() > whole);
        let most = (bytes.len() - apart).min(SENDING_PIECE_BYTES);
        if bytes.len() > most {
            self.rest = bytes.split_off(most);
        }
        self.place.busy.gave(bytes.len());
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
            // However short it is, it keeps all of the memory that it is a part of.
            return Poll::Ready(Some(Ok(self.give(rest, 1))));
        }
        if let Some(session) = self.body.take_resting() {
            self.place.busy.offer(session);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| match frame?.into_data() {
            // The socket would not know it again: the library copies what it frames.
            Ok(bytes) if self.version >= Version::HTTP_2 && stands_in(&bytes) => {
                error!("a file was to be sent over HTTP/2; the answer is broken off");
                Err(Torn::because(&"a file cannot be sent over HTTP/2"))
            }
            Ok(bytes) => Ok(self.give(bytes, WHOLE_PIECE_BYTES)),
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
