//! The hub.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use headwater_fanout::{Audience, Limits, Log, Numbers, Policy, PublishError, SendError, Standing};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::groups::Groups;
use super::link::{Handle, Item, Link, distributing};
use super::{Member, MemberId};
use crate::close::CloseReason;
use crate::prepared::PreparedMessage;
use crate::socket::WebSocket;
use crate::transport::Transport;

/// What becomes of a connection for which too much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnSlow {
    /// It misses what is broadcast until it has taken something.
    Drop,
    /// It misses the oldest that waits.
    DropOldest,
    /// It gets no more broadcasts; the connection stays.
    Remove,
    /// It is closed with code 1008. The default: a client that comes again knows what it has missed.
    #[default]
    Close,
    /// Those who use [`Hub::broadcast_within`] wait for it; from the others it misses what they broadcast meanwhile.
    Wait,
}

impl OnSlow {
    fn policy(self) -> Policy {
        match self {
            Self::Drop => Policy::DropNewest,
            Self::DropOldest => Policy::DropOldest,
            Self::Remove | Self::Close => Policy::Disconnect,
            Self::Wait => Policy::Wait,
        }
    }
}

/// What may wait for each connection, and what becomes of one for which that is not enough.
#[derive(Debug, Clone, Copy)]
pub struct HubConfig {
    /// Messages, and bytes of their plain frames.
    pub backlog: Limits,
    /// The policy.
    pub on_slow: OnSlow,
}

impl Default for HubConfig {
    /// 1,024 messages and 1 MiB, and closing.
    fn default() -> Self {
        Self { backlog: Limits::new(1024, 1 << 20), on_slow: OnSlow::default() }
    }
}

pub(super) struct Shared<T: Transport> {
    log: Log<Item, Handle<T>>,
    pub(super) on_slow: OnSlow,
    // Held to look up or change a few entries; never while the log's is taken.
    pub(super) groups: Mutex<Groups>,
    /// Why the hub is closed.
    reason: Mutex<Option<CloseReason>>,
    /// Told whenever a member leaves.
    left: Notify,
}

impl<T: Transport> Shared<T> {
    pub(super) fn reason(&self) -> Option<CloseReason> {
        self.reason.lock().clone()
    }

    pub(super) fn left(&self, id: MemberId) {
        self.groups.lock().unregister(id);
        self.left.notify_waiters();
    }
}

/// Broadcasts to all of its members, to some, or to a group, in one order that all of them see. Clones are the same hub.
///
/// Broadcasting never waits and costs the same however many members there are; what they get is written by the hub's
/// own task, which ends with the hub.
pub struct Hub<T: Transport> {
    shared: Arc<Shared<T>>,
    _last: Arc<Last<T>>,
}

/// Ends the hub's task with the last clone of the hub.
struct Last<T: Transport>(Log<Item, Handle<T>>);

impl<T: Transport> Drop for Last<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T: Transport> Clone for Hub<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), _last: Arc::clone(&self._last) }
    }
}

impl<T: Transport> fmt::Debug for Hub<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("members", &self.count()).finish_non_exhaustive()
    }
}

impl<T: Transport + Send + 'static> Hub<T> {
    /// A hub without members. Its task runs on the runtime that this is called on.
    pub fn new(config: HubConfig) -> Self {
        let attention = Arc::new(Notify::new());
        let call = Arc::clone(&attention);
        let log = Log::new(config.backlog, move || call.notify_one());
        // Without a budget: each write is in the name of another task.
        tokio::spawn(tokio::task::unconstrained(distribute(log.clone(), attention)));
        let shared = Shared {
            log: log.clone(),
            on_slow: config.on_slow,
            groups: Mutex::default(),
            reason: Mutex::default(),
            left: Notify::new(),
        };
        Self { shared: Arc::new(shared), _last: Arc::new(Last(log)) }
    }
}

async fn distribute<T: Transport>(log: Log<Item, Handle<T>>, attention: Arc<Notify>) {
    while !log.is_closed() {
        attention.notified().await;
        distributing(|| log.distribute());
        // Others on this thread are ahead of the next round.
        tokio::task::yield_now().await;
    }
}

impl<T: Transport> Hub<T> {
    /// Makes a connection a member, which gets what is broadcast from now on. It is given back when the hub is closed.
    #[expect(clippy::result_large_err, reason = "the connection is what is given back")]
    pub fn register(&self, socket: WebSocket<T>) -> Result<Member<T>, WebSocket<T>> {
        let standing = Standing::Fixed(self.shared.on_slow.policy());
        let Some(subscriber) = self.shared.log.subscribe(standing) else { return Err(socket) };
        let id = subscriber.id();
        self.shared.groups.lock().register(id);
        Ok(Member::new(id, Link::new(socket, subscriber), Arc::clone(&self.shared)))
    }

    /// How many members there are.
    pub fn count(&self) -> usize {
        self.shared.groups.lock().count()
    }

    /// How many members a group has.
    pub fn group_count(&self, group: &str) -> usize {
        self.shared.groups.lock().group_count(group)
    }

    /// What has been broadcast, dropped and disconnected.
    pub fn numbers(&self) -> Numbers {
        self.shared.log.numbers()
    }

    /// Broadcasts to all members, without waiting. Returns the message's number.
    pub fn broadcast(&self, message: impl Into<PreparedMessage>) -> Result<u64, PublishError> {
        self.shared.log.publish(Item(message.into()), Audience::All)
    }

    /// Broadcasts to the members of a group.
    pub fn broadcast_to(
        &self,
        group: &str,
        message: impl Into<PreparedMessage>,
    ) -> Result<u64, PublishError> {
        let audience = self.shared.groups.lock().audience(group);
        let audience = audience.unwrap_or_else(|| Audience::only([]));
        self.shared.log.publish(Item(message.into()), audience)
    }

    /// Broadcasts to those members that `wanted` says. It is called for each, without a lock.
    pub fn broadcast_filtered(
        &self,
        message: impl Into<PreparedMessage>,
        wanted: impl FnMut(&MemberId) -> bool,
    ) -> Result<u64, PublishError> {
        let members = self.shared.groups.lock().snapshot();
        let audience = Audience::only(members.into_iter().filter(wanted));
        self.shared.log.publish(Item(message.into()), audience)
    }

    /// Broadcasts to all members when none of them is too slow for it ([`OnSlow::Wait`]), or after this time: then those
    /// for whom it had to wait are closed.
    pub async fn broadcast_within(
        &self,
        message: impl Into<PreparedMessage>,
        time: Duration,
    ) -> Result<u64, PublishError> {
        let item = Item(message.into());
        let log = &self.shared.log;
        let room = poll_fn(|cx| match log.try_send(cx, item.clone(), Audience::All) {
            Ok(number) => Poll::Ready(Ok(number)),
            Err(SendError::Full(_)) => Poll::Pending,
            Err(SendError::Refused(error)) => Poll::Ready(Err(error)),
        });
        if let Ok(sent) = timeout(time, room).await {
            return sent;
        }
        for slow in log.hindering() {
            log.decide(slow, Policy::Disconnect);
        }
        log.publish(item, Audience::All)
    }

    /// Closes all members with a reason, after what has been broadcast before, and waits until they have left. Returns how
    /// many have not after this time; each ends by its own deadlines.
    pub async fn close(&self, reason: Option<CloseReason>, within: Duration) -> usize {
        self.shared.reason.lock().get_or_insert_with(|| reason.clone().unwrap_or_else(normal));
        self.shared.log.close();
        let all_left = async {
            loop {
                let left = self.shared.left.notified();
                if self.count() == 0 {
                    return;
                }
                left.await;
            }
        };
        let _ = timeout(within, all_left).await;
        self.count()
    }
}

fn normal() -> CloseReason {
    CloseReason::new(crate::close::CloseCode::NORMAL, "")
}
