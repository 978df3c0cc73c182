//! The hub.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use headwater_fanout::{Audience, Flight, Limits, Log, Policy, PublishError, Roster, Slow};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::link::{Handle, Item, Link, distribute_all};
use super::slow::Calls;
use super::{Asked, Member, MemberId, Numbers, OnSlow, WhenSlow};
use crate::close::{CloseCode, CloseReason};
use crate::prepared::PreparedMessage;
use crate::socket::WebSocket;
use crate::transport::Transport;

/// What may wait for each connection, and what becomes of one for which that is not enough.
#[derive(Debug, Clone)]
pub struct HubConfig<A = ()> {
    /// Messages, and bytes of their plain frames.
    pub backlog: Limits,
    /// The policy, or who is asked for it.
    pub when_slow: WhenSlow<A>,
}

impl<A> Default for HubConfig<A> {
    /// 1,024 messages and 1 MiB, and closing.
    fn default() -> Self {
        Self { backlog: Limits::new(1024, 1 << 20), when_slow: WhenSlow::default() }
    }
}

pub(super) struct Shared<T: Transport, A> {
    pub(super) roster: Roster<Item, Handle<T>, Known<A>>,
    when_slow: WhenSlow<A>,
    pub(super) calls: Option<Calls<A>>,
    panics: Arc<AtomicU64>,
    // Both are held to take or set what is in them, and nothing is called meanwhile.
    /// Why the hub is closed.
    reason: Mutex<Option<CloseReason>>,
    /// The hub's own task, for whoever closes first.
    task: Mutex<Option<JoinHandle<()>>>,
    #[cfg(feature = "testkit")]
    pub(super) planted: Option<super::planted::Planted>,
}

/// What is known about a member.
pub(super) struct Known<A> {
    attributes: A,
    /// Its connection stays when its broadcasts end because it is slow.
    stays: AtomicBool,
}

#[cfg(feature = "testkit")]
impl<A> Known<A> {
    pub(super) const fn attributes(&self) -> &A {
        &self.attributes
    }
}

impl<T: Transport, A> Shared<T, A> {
    /// What was decided about a member that is slow.
    pub(super) fn decide(&self, id: MemberId, on_slow: OnSlow) {
        if on_slow == OnSlow::Remove
            && let Some(known) = self.roster.get(id)
        {
            // Seen by whoever sees the end that the log's lock tells.
            known.stays.store(true, Ordering::Relaxed);
        }
        self.roster.log().decide(id, on_slow.policy());
    }

    /// Whether the connection stays of one that was too slow. Then it is no member any longer.
    pub(super) fn is_removed(&self, id: MemberId) -> bool {
        let Some(known) = self.roster.get(id) else { return true };
        let stays = known.stays.load(Ordering::Relaxed);
        if stays {
            self.roster.unregister(id);
        }
        stays
    }

    pub(super) fn reason(&self) -> Option<CloseReason> {
        self.reason.lock().clone()
    }
}

/// Broadcasts to all of its members, to some, or to a group, in one order that all of them see. Clones are the same hub.
///
/// Broadcasting never waits and costs the same however many members there are; what they get is written by the hub's
/// own task, which ends with the hub. Each member has attributes of the type `A`.
pub struct Hub<T: Transport, A = ()> {
    shared: Arc<Shared<T, A>>,
    _last: Arc<Last<T>>,
}

/// Ends the hub's task with the last clone of the hub.
struct Last<T: Transport>(Log<Item, Handle<T>>);

impl<T: Transport> Drop for Last<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T: Transport, A> Clone for Hub<T, A> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), _last: Arc::clone(&self._last) }
    }
}

impl<T: Transport, A> fmt::Debug for Hub<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.shared.roster.count();
        f.debug_struct("Hub").field("members", &members).finish_non_exhaustive()
    }
}

impl<T: Transport + Send + 'static, A: Send + Sync + 'static> Hub<T, A> {
    /// A hub without members. Its task runs on the runtime that this is called on.
    pub fn new(config: HubConfig<A>) -> Self {
        Self::start(config, |_| {})
    }

    /// A hub that is changed before anybody has it.
    pub(super) fn start(config: HubConfig<A>, change: impl FnOnce(&mut Shared<T, A>)) -> Self {
        let attention = Arc::new(Notify::new());
        let call = Arc::clone(&attention);
        let log = Log::new(config.backlog, move || call.notify_one());
        let panics = Arc::new(AtomicU64::new(0));
        let mut shared = Shared {
            roster: Roster::new(log.clone()),
            calls: Calls::new(&config.when_slow, &panics),
            when_slow: config.when_slow,
            panics,
            reason: Mutex::default(),
            task: Mutex::default(),
            #[cfg(feature = "testkit")]
            planted: None,
        };
        change(&mut shared);
        let shared = Arc::new(shared);
        // Without a budget: each write is in the name of another task.
        let run = tokio::task::unconstrained(distribute(Arc::clone(&shared), attention));
        *shared.task.lock() = Some(tokio::spawn(run));
        Self { shared, _last: Arc::new(Last(log)) }
    }

    /// Closes all members with a reason, after what has been broadcast before, and waits until they have left and no task and no
    /// callback of the hub runs any more. Returns how many have not left after this time; each ends by its own deadlines.
    ///
    /// From now on nobody can register or broadcast; who has begun with it is waited for, with
    /// [`broadcast_within`](Self::broadcast_within) too. Calling it again does no harm.
    pub async fn close(&self, reason: Option<CloseReason>, within: Duration) -> usize {
        let shared = &*self.shared;
        shared.reason.lock().get_or_insert_with(|| reason.unwrap_or_else(normal));
        shared.roster.stop();
        let start = Instant::now();
        let deserted = poll_fn(|cx| shared.roster.poll_deserted(cx));
        if timeout(within, deserted).await.is_err() {
            shared.roster.end();
        }
        let rest = async {
            let task = shared.task.lock().take();
            if let Some(task) = task {
                // It ends by itself; that the runtime ended it first is as good.
                let _ = task.await;
            }
            if let Some(calls) = &shared.calls {
                calls.close().await;
            }
        };
        let _ = timeout(within.saturating_sub(start.elapsed()), rest).await;
        self.count()
    }
}

async fn distribute<T, A>(shared: Arc<Shared<T, A>>, attention: Arc<Notify>)
where
    T: Transport + Send + 'static,
    A: Send + Sync + 'static,
{
    let log = shared.roster.log();
    while !log.is_closed() {
        attention.notified().await;
        for slow in distribute_all(log) {
            match slow {
                Slow::Undecided(id) => ask(&shared, id),
                // Its task may have to wait for the peer before it sees that.
                Slow::Ended(id) => _ = shared.is_removed(id),
            }
        }
        // Others on this thread are ahead of the next round.
        tokio::task::yield_now().await;
    }
}

fn ask<T, A>(shared: &Arc<Shared<T, A>>, id: MemberId)
where
    T: Transport + Send + 'static,
    A: Send + Sync + 'static,
{
    #[cfg(feature = "testkit")]
    if shared.asks_wrongly(id) {
        return;
    }
    // One that has left meanwhile is nobody to decide about.
    if let (Some(calls), Some(known)) = (&shared.calls, shared.roster.get(id)) {
        let decider = Arc::clone(shared);
        calls.ask(
            move |callback| callback(Asked { id, attributes: &known.attributes }),
            move |on_slow| decider.decide(id, on_slow),
        );
    }
}

impl<T: Transport, A> Hub<T, A> {
    /// Makes a connection a member, which gets what is broadcast from now on. It is given back when the hub is closed.
    pub fn register(
        &self,
        socket: WebSocket<T>,
        attributes: A,
    ) -> Result<Member<T, A>, WebSocket<T>> {
        let when_slow = &self.shared.when_slow;
        let stays = AtomicBool::new(matches!(when_slow, WhenSlow::Always(OnSlow::Remove)));
        let known = Known { attributes, stays };
        let subscriber = self.shared.roster.register(when_slow.standing(), known);
        let Some(subscriber) = subscriber else { return Err(socket) };
        let id = subscriber.id();
        Ok(Member::new(id, Link::new(socket, subscriber), Arc::clone(&self.shared)))
    }

    /// How many members there are. One that is closed is among them until it has left.
    pub fn count(&self) -> usize {
        self.shared.roster.count()
    }

    /// How many members a group has.
    pub fn group_count(&self, group: &str) -> usize {
        self.shared.roster.group_count(group)
    }

    /// How it stands.
    pub fn numbers(&self) -> Numbers {
        let panics = self.shared.panics.load(Ordering::Relaxed);
        Numbers::of(&self.shared.roster.log().numbers(), panics)
    }

    /// Broadcasts to all members, without waiting. Returns the message's number.
    pub fn broadcast(&self, message: impl Into<PreparedMessage>) -> Result<u64, PublishError> {
        let item = Item(message.into());
        #[cfg(feature = "testkit")]
        self.shared.ask_in_broadcast();
        self.set_out()?.publish(item, Audience::All)
    }

    /// Broadcasts to the members of a group.
    pub fn broadcast_to(
        &self,
        group: &str,
        message: impl Into<PreparedMessage>,
    ) -> Result<u64, PublishError> {
        let item = Item(message.into());
        let flight = self.set_out()?;
        flight.publish(item, self.shared.roster.audience(group))
    }

    /// Broadcasts to those members that `wanted` says. It is called here, for one after the other and without a lock. Where it
    /// panics the member does not get the message, and the panic is counted.
    pub fn broadcast_filtered(
        &self,
        message: impl Into<PreparedMessage>,
        mut wanted: impl FnMut(MemberId, &A) -> bool,
    ) -> Result<u64, PublishError> {
        let item = Item(message.into());
        let flight = self.set_out()?;
        let mut is_wanted = |id, attributes: &A| {
            catch_unwind(AssertUnwindSafe(|| wanted(id, attributes))).unwrap_or_else(|_| {
                self.shared.panics.fetch_add(1, Ordering::Relaxed);
                false
            })
        };
        let members = self.shared.roster.all().into_iter();
        let named = members.filter(|(id, known)| is_wanted(*id, &known.attributes));
        flight.publish(item, Audience::only(named.map(|(id, _)| id)))
    }

    /// Broadcasts to all members when none of them is too slow for it ([`OnSlow::Wait`]), or after this time: then those
    /// for whom it had to wait are closed.
    pub async fn broadcast_within(
        &self,
        message: impl Into<PreparedMessage>,
        time: Duration,
    ) -> Result<u64, PublishError> {
        let item = Item(message.into());
        let flight = self.set_out()?;
        if let Ok(sent) = timeout(time, flight.send(item.clone())).await {
            return sent;
        }
        let log = self.shared.roster.log();
        for slow in log.hindering() {
            log.decide(slow, Policy::Disconnect);
        }
        flight.publish(item, Audience::All)
    }

    fn set_out(&self) -> Result<Flight<'_, Item, Handle<T>, Known<A>>, PublishError> {
        self.shared.roster.set_out().ok_or(PublishError::Closed)
    }
}

fn normal() -> CloseReason {
    CloseReason::new(CloseCode::NORMAL, "")
}
