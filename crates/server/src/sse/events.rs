//! The body of an event stream.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use headwater_core::{AccessError, Code, StreamKey};
use headwater_engine::Failure;
use http_body::Frame;
use tokio_util::sync::ReusableBoxFuture;
use tracing::{error, warn};

use super::session::{Session, Turn};

/// A response was broken off, so that its end is not taken for the end of the stream.
#[derive(Debug, thiserror::Error)]
#[error("the answer was broken off: {0}")]
pub(crate) struct Torn(String);

impl Torn {
    /// Breaks off an answer. Whoever did something for it has said so in the log.
    pub(crate) fn because(reason: &impl ToString) -> Self {
        Self(reason.to_string())
    }

    /// Breaks off the events of a stream, and says so in the log: the head of the response has been sent, so nobody else
    /// will hear of the fault. Damage needs somebody's hand; all else passes.
    pub(super) fn of(key: &StreamKey, failure: Failure<AccessError>) -> Self {
        let code = failure.code();
        match code {
            Code::Corrupt | Code::Internal => {
                error!(%key, code = code.as_str(), "events were broken off: {failure}");
            }
            _ => warn!(%key, code = code.as_str(), "events were broken off: {failure}"),
        }
        Self(failure.to_string())
    }
}

/// Events of one reader, as the connection asks for them.
#[derive(Debug)]
pub(crate) struct Events {
    /// Set aside until all it said is sent.
    resting: Option<Session>,
    /// Keeps its allocation from turn to turn.
    turn: ReusableBoxFuture<'static, Turn>,
    ready: VecDeque<Bytes>,
    over: bool,
    transport: Transport,
}

/// Who may send the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// The HTTP library alone.
    Library,
    /// The HTTP library, until the session can rest.
    Socket,
}

impl Events {
    /// What a session does after its first events.
    pub(crate) fn new((session, first): (Session, VecDeque<Bytes>), transport: Transport) -> Self {
        // Never asked: the first turn takes its place, and its box is kept from then on.
        Self {
            resting: Some(session),
            turn: ReusableBoxFuture::new(std::future::pending()),
            ready: first,
            over: false,
            transport,
        }
    }

    /// The session, if others can go on with it and all it said was taken.
    pub(crate) fn take_resting(&mut self) -> Option<Session> {
        let may = self.transport == Transport::Socket && self.ready.is_empty();
        self.resting.take_if(|session| may && session.can_rest())
    }

    /// The next piece of the body; `None` after the last.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Torn>>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if self.over {
                return Poll::Ready(None);
            }
            if let Some(session) = self.resting.take() {
                self.turn.set(session.turn(std::mem::take(&mut self.ready)));
            }
            match ready!(self.turn.poll(cx)) {
                Turn::Send(session, pieces) => {
                    self.resting = Some(session);
                    self.ready = pieces;
                }
                Turn::End => self.over = true,
                Turn::Tear(torn) => {
                    self.over = true;
                    return Poll::Ready(Some(Err(torn)));
                }
            }
        }
    }
}
