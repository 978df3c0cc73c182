//! The broker in memory.

mod members;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use headwater_fanout::{Audience, Limits, Log, Message, Policy, PublishError, SendError};
use tokio::time::{Instant, timeout};

pub(super) use self::members::Members;
use super::running::Running;
use super::shelf::Shelf;
use super::slow::Calls;
use super::taker::Taker;
use super::{Numbers, Subscription, WhenSlow, distributor};
use crate::encode::Block;
use crate::{Event, PreparedEvent, PreparedEvents};

/// An event in the log of a broker.
#[derive(Clone)]
pub(super) struct Published {
    pub(super) event: PreparedEvent,
    /// Known where age matters.
    pub(super) at: Option<Instant>,
}

impl Message for Published {
    fn weight(&self) -> usize {
        self.event.as_bytes().len()
    }
}

/// How a broker treats its subscribers.
#[derive(Debug)]
pub struct Options<A> {
    /// Most events and bytes that wait for each of them.
    pub limits: Limits,
    /// How old an event may be when it is taken for one of them; `None` is any age.
    ///
    /// What is older is worth nothing to its subscriber, who does not get it, and is told how many there were; with
    /// [`Policy::Disconnect`] it gets nothing more, and so with [`Policy::Wait`], as after [`longest_wait`](Self::longest_wait). A callback
    /// is asked once for each time that one is late. Age is looked at when the subscriber takes: who is stuck is not found out by it.
    pub max_age: Option<Duration>,
    /// What becomes of one for whom more would wait, or for whom something waited too long.
    pub when_slow: WhenSlow<A>,
    /// How long [`Broker::send`] waits for one whose policy is [`Policy::Wait`]; then it is disconnected.
    pub longest_wait: Duration,
}

impl<A> Default for Options<A> {
    /// 1,024 events and 1 MiB of any age, of which the oldest are dropped; 10 seconds.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_age: None,
            when_slow: WhenSlow::default(),
            longest_wait: Duration::from_secs(10),
        }
    }
}

/// One stream of events for many subscribers, each with attributes of the type `A`.
///
/// Every subscriber gets what is for it in the order it was published, and each event once. To publish never
/// waits, allocates nothing for a subscriber, and takes the same time however many there are. It needs
/// a tokio runtime. Clones are the same broker; when the last one is dropped it is closed.
#[derive(Debug)]
pub struct Broker<A = ()> {
    inner: Arc<Inner<A>>,
}

impl<A> Clone for Broker<A> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

struct Inner<A> {
    log: Log<Published, Waker>,
    members: Arc<Members<A>>,
    shelf: Arc<Shelf<Option<PreparedEvents>>>,
    options: Options<A>,
    calls: Option<Arc<Calls<A>>>,
    panics: Arc<AtomicU64>,
    running: Arc<Running>,
    // A plain lock, held while one event is encoded; those who publish what is prepared do not need it.
    block: Mutex<Block>,
}

impl<A: Send + Sync + 'static> Broker<A> {
    /// A broker without subscribers. Has to be called in a tokio runtime.
    pub fn new(options: Options<A>) -> Self {
        let members = Arc::new(Members::default());
        let panics = Arc::new(AtomicU64::new(0));
        let running = Arc::new(Running::default());
        let calls = Calls::new(&options.when_slow, &running, &panics).map(Arc::new);
        let (asked, known) = (calls.clone(), Arc::clone(&members));
        let log = distributor::start(options.limits, &running, move |log, id| {
            // One that has left meanwhile is nobody to decide about.
            if let (Some(calls), Some(attributes)) = (&asked, known.get(id)) {
                let log: Log<Published, Waker> = log.clone();
                calls.ask(id, attributes, move |policy| log.decide(id, policy));
            }
        });
        let (shelf, block) = (Arc::default(), Mutex::default());
        let inner = Inner { log, members, shelf, options, calls, panics, running, block };
        Self { inner: Arc::new(inner) }
    }

    /// A subscriber for what is published from now on; `None` when the broker is closed.
    pub fn subscribe(&self, attributes: A) -> Option<Subscription<A>> {
        let inner = &*self.inner;
        let standing = inner.options.when_slow.standing();
        let subscriber = inner.members.join(attributes, || inner.log.subscribe(standing))?;
        let (shelf, members) = (Arc::clone(&inner.shelf), Arc::downgrade(&inner.members));
        let max_age = inner.options.max_age;
        Some(Subscription::new(Taker::new(subscriber), shelf, members, max_age))
    }

    /// Encodes an event once and publishes it to all; returns what was published.
    ///
    /// # Errors
    /// When the broker is closed, or the event larger than what may wait for a subscriber.
    pub fn publish(&self, event: &Event<'_>) -> Result<PreparedEvent, PublishError> {
        let event = {
            let mut block = self.inner.block.lock().unwrap_or_else(PoisonError::into_inner);
            block.encode(event)
        };
        self.publish_prepared(event.clone())?;
        Ok(event)
    }

    /// Publishes an event to all.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn publish_prepared(&self, event: PreparedEvent) -> Result<(), PublishError> {
        self.inner.log.publish(self.inner.dated(event), Audience::All).map(drop)
    }

    /// Publishes an event to those whose attributes match, and returns how many those are.
    ///
    /// The predicate is called here, for one subscriber after the other and without a lock. Where it panics the subscriber
    /// does not get the event, and the panic is counted.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn publish_to(
        &self,
        event: PreparedEvent,
        matches: impl Fn(&A) -> bool,
    ) -> Result<usize, PublishError> {
        let inner = &*self.inner;
        let is_named = |attributes: &A| {
            catch_unwind(AssertUnwindSafe(|| matches(attributes))).unwrap_or_else(|_| {
                inner.panics.fetch_add(1, Ordering::Relaxed);
                false
            })
        };
        let all = inner.members.all();
        let named: Vec<_> = (all.iter())
            .filter(|(_, attributes)| is_named(attributes))
            .map(|(id, _)| *id)
            .collect();
        let count = named.len();
        inner.log.publish(inner.dated(event), Audience::only(named))?;
        Ok(count)
    }

    /// Publishes an event to all, when those whose policy is [`Policy::Wait`] have room for it.
    ///
    /// It waits for [`Options::longest_wait`] at most; who still has no room then is disconnected.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub async fn send(&self, event: PreparedEvent) -> Result<(), PublishError> {
        let log = &self.inner.log;
        let sending = poll_fn(|context| {
            // Its age begins when there is room.
            match log.try_send(context, self.inner.dated(event.clone()), Audience::All) {
                Ok(_) => Poll::Ready(Ok(())),
                Err(SendError::Refused(error)) => Poll::Ready(Err(error)),
                Err(SendError::Full(_)) => Poll::Pending,
            }
        });
        if let Ok(sent) = timeout(self.inner.options.longest_wait, sending).await {
            return sent;
        }
        for id in log.hindering() {
            log.decide(id, Policy::Disconnect);
        }
        self.publish_prepared(event)
    }

    /// Subscribers there are.
    pub fn count(&self) -> usize {
        self.inner.members.count()
    }

    /// How it stands.
    pub fn numbers(&self) -> Numbers {
        let panics = self.inner.panics.load(Ordering::Relaxed);
        Numbers::of(&self.inner.log.numbers(), panics)
    }

    /// Ends it: nothing more is published, and subscriptions end when what waits for them was taken.
    ///
    /// Returns when no task and no callback of the broker runs any more. Any number may call it, and each waits for that.
    pub async fn close(&self) {
        self.inner.log.close();
        if let Some(calls) = &self.inner.calls {
            calls.close();
        }
        self.inner.running.over().await;
    }
}

impl<A> Inner<A> {
    fn dated(&self, event: PreparedEvent) -> Published {
        Published { event, at: self.options.max_age.map(|_| Instant::now()) }
    }
}

impl<A> Drop for Inner<A> {
    fn drop(&mut self) {
        self.log.close();
    }
}

impl<A> std::fmt::Debug for Inner<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("log", &self.log).finish_non_exhaustive()
    }
}
