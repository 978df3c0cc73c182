//! A connection that gets broadcasts, as its user sees it.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::MemberId;
use super::broadcast::Shared;
use super::link::Link;
use crate::close::CloseReason;
use crate::message::Message;
use crate::socket::Error;
use crate::transport::Transport;

/// A connection that gets the hub's broadcasts while [`recv`](Self::recv) is waited for. It leaves the hub when this is
/// dropped, and then the connection is dropped too.
pub struct Member<T: Transport, A = ()> {
    id: MemberId,
    link: Arc<Link<T>>,
    shared: Arc<Shared<T, A>>,
}

impl<T: Transport, A> fmt::Debug for Member<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<T: Transport, A> Member<T, A> {
    pub(super) fn new(id: MemberId, link: Arc<Link<T>>, shared: Arc<Shared<T, A>>) -> Self {
        Self { id, link, shared }
    }

    /// Its name in the hub, which is never given again.
    pub fn id(&self) -> MemberId {
        self.id
    }

    /// The next message from the peer; `None` once the connection is closed, by either end or by the hub.
    ///
    /// It can be cancelled without a loss. While nobody waits for it, broadcasts are still written as long as the peer
    /// takes them at once; pings and deadlines wait.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// See [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.link.poll_recv(&self.shared, cx)
    }

    /// Sends a message to this peer alone, behind the broadcasts that are being written, and waits until the transport
    /// has it.
    pub async fn send(&mut self, message: &Message) -> Result<(), Error> {
        self.link.with_socket(|socket| socket.queue(message))?;
        poll_fn(|cx| self.link.poll_flush(cx)).await
    }

    /// Closes with a reason, as [`WebSocket::close`](crate::WebSocket::close) does. It gets no broadcasts any more.
    pub async fn close(&mut self, reason: Option<CloseReason>) {
        self.link.leave();
        self.link.with_socket(|socket| socket.start_close(reason.as_ref()));
        while let Ok(Some(_)) = self.recv().await {}
    }

    /// Messages, and bytes of their plain frames, that wait for it in the hub.
    pub fn depth(&self) -> (u64, u64) {
        self.link.waiting().0
    }

    /// Broadcasts that it missed, as long as it gets any.
    pub fn dropped(&self) -> u64 {
        self.link.waiting().1
    }

    /// Joins a group. Says whether it was not in it.
    pub fn join(&self, group: &str) -> bool {
        self.shared.roster.join(group, self.id)
    }

    /// Leaves a group. Says whether it was in it.
    pub fn leave(&self, group: &str) -> bool {
        self.shared.roster.leave(group, self.id)
    }
}

impl<T: Transport, A> Drop for Member<T, A> {
    fn drop(&mut self) {
        self.link.leave();
        self.shared.roster.unregister(self.id);
    }
}
