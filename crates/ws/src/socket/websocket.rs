//! The connection as its user sees it.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::time::Instant;

use super::ending::{Ending, Rest};
use super::inbox::Inbox;
use super::outbox::Outbox;
use super::timing::{Clock, Due};
use super::{Config, Error, Overdue};
use crate::close::{CloseCode, CloseReason};
use crate::decode::{Arrived, DecodeError, Reader, Role, Want};
use crate::encode::{Encoder, Place};
use crate::frame::Opcode;
use crate::handshake::Accepted;
use crate::message::{ControlPayload, Message, Received};
use crate::prepared::PreparedMessage;
use crate::transport::Transport;

/// Nothing is read while so many bytes wait to be written: a peer that sends pings and takes no
/// pongs waits for itself.
const UNSENT: usize = 64 * 1024;

/// One end of a connection whose handshake is done.
///
/// Pings are answered, and sent when the peer is silent, while [`recv`](Self::recv) is waited for.
/// All methods can be cancelled: what has been read or queued is not lost, and the next call goes
/// on with it. So one task can both read and write, with `select`.
///
/// While nothing is to be read or written it holds no buffer.
#[derive(Debug)]
pub struct WebSocket<T> {
    /// Apart, because futures through which it is moved keep a place for it each.
    inner: Box<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    transport: T,
    config: Arc<Config>,
    role: Role,
    reader: Reader,
    encoder: Encoder,
    inbox: Inbox,
    outbox: Outbox,
    clock: Clock,
    phase: Phase,
    /// Why the peer closed, which is the end of most of what else is here.
    peer: Option<Box<CloseReason>>,
}

#[derive(Debug)]
enum Phase {
    Open,
    /// On the way to be over, and why.
    Ending(Ending, Why),
    Over,
}

#[derive(Debug)]
enum Why {
    Closed,
    Refused(DecodeError),
    Overdue(Overdue),
}

impl<T: Transport> WebSocket<T> {
    /// A connection on a transport, as its handshake agreed. `rest` is what has been read of the
    /// transport beyond the handshake.
    pub fn new(transport: T, role: Role, accepted: &Accepted, rest: Bytes, config: Config) -> Self {
        let inner = Inner {
            transport,
            config: config.shared(),
            role,
            reader: accepted.reader(role),
            encoder: accepted.encoder(role),
            inbox: Inbox::new(rest),
            outbox: Outbox::default(),
            clock: Clock::new(),
            phase: Phase::Open,
            peer: None,
        };
        Self { inner: Box::new(inner) }
    }

    /// The next message; `None` once both ends have closed. An error is the end.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Sends a message and waits until the transport has all of it.
    ///
    /// Cancelled, it is sent by the next call of any method.
    pub async fn send(&mut self, message: &Message) -> Result<(), Error> {
        self.queue(message)?;
        self.flush().await
    }

    /// Sends a message whose frame other connections share.
    pub async fn send_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        self.queue_prepared(message)?;
        self.flush().await
    }

    /// Sends a ping; its pong is not reported.
    pub async fn ping(&mut self, payload: ControlPayload) -> Result<(), Error> {
        self.demand_open()?;
        self.inner.encoder.ping(payload, &mut self.inner.outbox)?;
        self.flush().await
    }

    /// Queues a message, to be sent by the next call of another method. Nothing bounds the queue.
    pub fn queue(&mut self, message: &Message) -> Result<(), Error> {
        self.demand_open()?;
        Ok(self.inner.encoder.message(message, &mut self.inner.outbox)?)
    }

    /// Queues a message whose frame other connections share.
    pub fn queue_prepared(&mut self, message: &PreparedMessage) -> Result<(), Error> {
        self.demand_open()?;
        Ok(self.inner.encoder.prepared(message, &mut self.inner.outbox)?)
    }

    /// Waits until the transport has all that is queued, or until the peer has taken nothing for
    /// [`Timing::write_within`](crate::Timing::write_within).
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Closes with a reason, waits for the peer's close and shuts the transport down. Messages that
    /// still come are dropped. It takes at most [`Timing::close_within`](crate::Timing::close_within), and cannot fail: whatever
    /// happens, the connection is over.
    pub async fn close(&mut self, reason: Option<CloseReason>) {
        self.start_close(reason.as_ref());
        while let Ok(Some(_)) = self.recv().await {}
    }

    /// Queues the close frame. The rest of closing is done by [`recv`](Self::recv), which returns `None` when it is, and has
    /// [`Timing::close_within`](crate::Timing::close_within) from now.
    pub fn start_close(&mut self, reason: Option<&CloseReason>) {
        // Closed already: then only the rest has to be done.
        let _ = self.inner.encoder.close(reason, &mut self.inner.outbox);
        self.inner.clock.closing();
    }

    /// Bytes that wait to be written.
    pub(super) fn queued(&self) -> usize {
        self.inner.outbox.bytes()
    }

    /// Whether nothing waits to be written.
    pub(crate) fn is_flushed(&self) -> bool {
        self.inner.outbox.is_empty()
    }

    /// Why the peer closed, if it did and said so.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.inner.peer.as_deref()
    }

    /// The transport.
    pub fn transport(&self) -> &T {
        &self.inner.transport
    }

    /// The next message, or the task is woken when it is worth asking again. See
    /// [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        Poll::Ready(Ok(match ready!(self.poll_arrival(Want::Whole, cx))? {
            Some(Arrived::Received(Received::Message(message))) => Some(message),
            _ => None,
        }))
    }

    /// What is wanted, with all that a connection has to do until it comes; `None` once both ends have closed.
    pub(super) fn poll_arrival(
        &mut self,
        want: Want,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Arrived>, Error>> {
        loop {
            match self.inner.phase {
                Phase::Open => {}
                Phase::Ending(..) => return self.poll_end(cx).map_ok(|()| None),
                Phase::Over => return Poll::Ready(Ok(None)),
            }
            if let Some(due) = self.inner.clock.expired(&self.inner.config.timing) {
                self.on_due(due);
                continue;
            }
            self.write(cx)?;
            let queued = self.inner.outbox.bytes();
            if queued <= UNSENT {
                if let Some(arrived) = self.decode(want) {
                    return Poll::Ready(Ok(Some(arrived)));
                }
                if !matches!(self.inner.phase, Phase::Open) || self.inner.outbox.bytes() > queued {
                    continue;
                }
                if let Poll::Ready(read) = self.inner.inbox.poll_fill(&mut self.inner.transport, cx)
                {
                    self.on_read(read)?;
                    continue;
                }
            }
            // Only a peer that has nothing to be read is silent.
            let due = ready!(self.inner.clock.poll(&self.inner.config.timing, cx));
            self.on_due(due);
        }
    }

    /// Whether the transport has all that is queued. The peer's control frames are read and answered meanwhile, and its messages stay
    /// where they are.
    pub(super) fn poll_flush_answering(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            match self.inner.phase {
                Phase::Open => {}
                Phase::Ending(..) => {
                    ready!(self.poll_end(cx))?;
                    return Poll::Ready(Err(Error::Closed));
                }
                Phase::Over => return Poll::Ready(Err(Error::Closed)),
            }
            if let Some(due) = self.inner.clock.expired(&self.inner.config.timing) {
                self.on_due(due);
                continue;
            }
            self.write(cx)?;
            let queued = self.inner.outbox.bytes();
            let mut reads = false;
            if queued <= UNSENT {
                self.decode(Want::Control);
                if !matches!(self.inner.phase, Phase::Open) || self.inner.outbox.bytes() > queued {
                    continue;
                }
                reads = !self.inner.reader.is_at_data();
                if reads
                    && let Poll::Ready(read) =
                        self.inner.inbox.poll_fill(&mut self.inner.transport, cx)
                {
                    self.on_read(read)?;
                    continue;
                }
            }
            if self.inner.outbox.is_empty() {
                return Poll::Ready(Ok(()));
            }
            // A peer of which something is left unread may not be silent.
            let due = if reads {
                ready!(self.inner.clock.poll(&self.inner.config.timing, cx))
            } else {
                ready!(self.inner.clock.poll_blocked(&self.inner.config.timing, cx));
                Due::Over(Overdue::Write)
            };
            self.on_due(due);
        }
    }

    /// Whether a message can begin now.
    pub(super) fn demand_room_for_message(&self) -> Result<(), Error> {
        self.demand_open()?;
        if self.inner.encoder.takes_messages() { Ok(()) } else { Err(Error::Closed) }
    }

    /// Queues a fragment of a message; see [`Encoder::fragment`].
    pub(super) fn queue_fragment(
        &mut self,
        kind: Opcode,
        payload: Bytes,
        place: Place,
    ) -> Result<(), Error> {
        self.demand_open()?;
        Ok(self.inner.encoder.fragment(kind, payload, place, &mut self.inner.outbox)?)
    }

    /// Whether the transport has all that is queued. See [`flush`](Self::flush).
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !matches!(self.inner.phase, Phase::Open) {
            return Poll::Ready(Err(Error::Closed));
        }
        self.write(cx)?;
        if self.inner.outbox.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.inner.clock.poll_blocked(&self.inner.config.timing, cx));
        self.inner.phase = Phase::Over;
        Poll::Ready(Err(Overdue::Write.into()))
    }

    /// Sends messages whose frames other connections share, without a queue where the transport takes them at once. As
    /// [`poll_flush`](Self::poll_flush) says; once this side has closed they are for nobody.
    pub(crate) fn poll_send_kept<'a>(
        &mut self,
        messages: impl Iterator<Item = &'a PreparedMessage>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.demand_open()?;
        let inner = &mut *self.inner;
        match (inner.encoder.takes_messages(), inner.role) {
            (false, _) => {}
            (true, Role::Client) => messages.for_each(|message| {
                // Nothing is refused that is not closed.
                let _ = inner.encoder.prepared(message, &mut inner.outbox);
            }),
            (true, Role::Server) => {
                let frames = messages.map(|message| inner.encoder.kept(message));
                let written = inner.outbox.poll_write_kept(frames, &mut inner.transport, cx);
                let is_written = written.is_ready();
                self.wrote(written, 0)?;
                if is_written {
                    return Poll::Ready(Ok(()));
                }
            }
        }
        self.poll_flush(cx)
    }

    fn demand_open(&self) -> Result<(), Error> {
        if matches!(self.inner.phase, Phase::Open) { Ok(()) } else { Err(Error::Closed) }
    }

    /// Writes what can be written.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.inner.outbox.is_empty() {
            return Ok(());
        }
        let before = self.inner.outbox.bytes();
        let written = self.inner.outbox.poll_write(&mut self.inner.transport, cx);
        self.wrote(written, before)
    }

    /// What has become of a write, before which so many bytes were queued.
    fn wrote(&mut self, written: Poll<io::Result<()>>, before: usize) -> Result<(), Error> {
        match written {
            Poll::Ready(Ok(())) => self.inner.clock.unblocked(),
            Poll::Ready(Err(error)) => {
                self.inner.phase = Phase::Over;
                return Err(error.into());
            }
            Poll::Pending => self.inner.clock.blocked(self.inner.outbox.bytes() < before),
        }
        Ok(())
    }

    fn on_read(&mut self, read: io::Result<usize>) -> Result<(), Error> {
        match read {
            Ok(1..) => {
                self.inner.clock.heard();
                return Ok(());
            }
            Ok(0) if self.inner.encoder.is_closed() => {
                self.inner.phase = Phase::Over;
                return Ok(());
            }
            _ => self.inner.phase = Phase::Over,
        }
        Err(read.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()).into())
    }

    /// What is wanted, if it is among what has been read; all else is dealt with.
    fn decode(&mut self, want: Want) -> Option<Arrived> {
        while self.inner.outbox.bytes() <= UNSENT {
            let mut input = self.inner.inbox.bytes();
            if input.is_empty() && !self.inner.reader.is_owing(want) {
                return None;
            }
            let before = input.len();
            let now = Instant::now().into_std();
            let limits = &self.inner.config.limits;
            let arrived = self.inner.reader.read_for(want, &mut input, now, limits);
            let used = before - input.len();
            self.inner.inbox.advance(used);
            let received = match arrived {
                Ok(None) => return None,
                Ok(Some(Arrived::Received(received))) => received,
                // Closed on this side: the user wants no more.
                Ok(Some(Arrived::Begun(_))) if self.inner.encoder.is_closed() => continue,
                Ok(Some(arrived)) => return Some(arrived),
                Err(error) => {
                    let reason = CloseReason::new(error.close_code(), error.to_string());
                    self.end(Some(&reason), Rest::Unread, Why::Refused(error));
                    return None;
                }
            };
            match received {
                Received::Pong(_) => {}
                // As above.
                Received::Message(_) if self.inner.encoder.is_closed() => {}
                message @ Received::Message(_) => return Some(Arrived::Received(message)),
                Received::Ping(payload) => {
                    // After the close frame there are no pongs.
                    let _ = self.inner.encoder.pong(payload, &mut self.inner.outbox);
                }
                Received::Close(reason) => {
                    self.on_close(reason);
                    return None;
                }
            }
        }
        None
    }

    /// The peer has closed. It gets its own code back, and the server ends the transport first.
    fn on_close(&mut self, reason: Option<CloseReason>) {
        let rest = match self.inner.role {
            Role::Server => Rest::Nothing,
            Role::Client => Rest::PeerFirst,
        };
        self.end(reason.as_ref(), rest, Why::Closed);
        self.inner.peer = reason.map(Box::new);
    }

    fn on_due(&mut self, due: Due) {
        match due {
            Due::Ping => {
                self.inner.clock.pinged();
                // Closed on this side: the deadline of closing counts, and no ping.
                let _ = self.inner.encoder.ping(ControlPayload::default(), &mut self.inner.outbox);
            }
            Due::Closing => self.inner.phase = Phase::Over,
            Due::Over(overdue @ Overdue::Write) => {
                self.inner.phase = Phase::Ending(Ending::Done, Why::Overdue(overdue));
            }
            Due::Over(overdue @ Overdue::Pong) => {
                let reason = CloseReason::new(CloseCode::POLICY_VIOLATION, overdue.to_string());
                self.end(Some(&reason), Rest::Nothing, Why::Overdue(overdue));
            }
            Due::Over(overdue @ Overdue::Idle) => {
                let reason = CloseReason::new(CloseCode::GOING_AWAY, overdue.to_string());
                self.end(Some(&reason), Rest::Unread, Why::Overdue(overdue));
            }
        }
    }

    fn end(&mut self, reason: Option<&CloseReason>, rest: Rest, why: Why) {
        // If this side has closed before, its close frame is the last one.
        let _ = self.inner.encoder.close(reason, &mut self.inner.outbox);
        self.inner.clock.closing();
        self.inner.phase = Phase::Ending(Ending::Writing(rest), why);
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Phase::Ending(ending, _) = &mut self.inner.phase {
            let ended = ending
                .poll(&mut self.inner.transport, &mut self.inner.inbox, &mut self.inner.outbox, cx)
                .is_ready();
            if !ended {
                ready!(self.inner.clock.poll(&self.inner.config.timing, cx));
            }
        }
        // That the transport fails now is no news.
        let Phase::Ending(_, why) = mem::replace(&mut self.inner.phase, Phase::Over) else {
            return Poll::Ready(Ok(()));
        };
        Poll::Ready(match why {
            Why::Closed => Ok(()),
            Why::Refused(error) => Err(error.into()),
            Why::Overdue(overdue) => Err(overdue.into()),
        })
    }
}
