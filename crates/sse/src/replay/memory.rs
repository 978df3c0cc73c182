//! A ring in memory, bounded three ways.

mod ring;
mod waiters;

use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::sync::PoisonError;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use self::ring::Ring;
use self::waiters::Waiters;
use super::{Answer, AppendError, Budget, Cursor, Entry, Epoch, Head, Page, ReadError, ReplayLog};
use crate::Event;
use crate::sync::{Mutex, MutexGuard};

/// What a [`MemoryReplay`] keeps; whatever is beyond any of the three is given up, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Most events.
    pub events: NonZeroUsize,
    /// Most bytes of encoded events. A larger event is refused.
    pub bytes: usize,
    /// How long an event is kept; without one, as long as there is room.
    pub age: Option<Duration>,
}

/// A [`ReplayLog`] in memory: it lives as long as the process, and its ids are `epoch:sequence`.
///
/// Sequences count from 1. Memory is that of the events as encoded, two blocks of 16 KiB (less, where less is kept), and
/// 48 bytes for each event, at most twice that while the ring grows. Most appends take no allocation. A
/// subscriber that holds on to one event holds its block.
pub struct MemoryReplay {
    /// The standard library's lock: what is done under it is a copy of one event or one page of references.
    inner: Mutex<Inner>,
    clock: Clock,
}

/// Time since some moment, which only elapses.
type Clock = Box<dyn Fn() -> Duration + Send + Sync>;

struct Inner {
    ring: Ring,
    waiters: Waiters,
}

impl MemoryReplay {
    /// An empty log with an epoch of its own, so that ids from before this start are told apart.
    pub fn new(retention: Retention) -> Self {
        Self::with_epoch(retention, Epoch::random())
    }

    /// An empty log with this epoch, which no log before it may have had.
    pub fn with_epoch(retention: Retention, epoch: Epoch) -> Self {
        let start = Instant::now();
        Self::with_clock(retention, epoch, move || start.elapsed())
    }

    /// An empty log that measures age with `clock`, which gives the time since some moment.
    pub fn with_clock(
        retention: Retention,
        epoch: Epoch,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner { ring: Ring::new(retention, epoch), waiters: Waiters::default() };
        Self { inner: Mutex::new(inner), clock: Box::new(clock) }
    }

    /// Appends an event and returns it with its id.
    ///
    /// # Errors
    /// [`AppendError::NoData`] and [`AppendError::TooLarge`]; nothing happened.
    pub fn append_now(&self, event: &Event<'_>) -> Result<Entry, AppendError> {
        let mut inner = self.lock();
        let entry = inner.ring.append(event)?;
        let woken = inner.waiters.take();
        drop(inner);
        // Outside the lock, because a waker may do anything.
        woken.into_iter().for_each(std::task::Waker::wake);
        Ok(entry)
    }

    /// What the log holds.
    pub fn head_now(&self) -> Head {
        self.lock().ring.head()
    }

    /// What comes next after a cursor.
    ///
    /// # Errors
    /// [`ReadError`] when `after` is none of this log's, or what came after it is gone.
    pub fn read_now(&self, after: Cursor, budget: Budget) -> Result<Page, ReadError> {
        self.lock().ring.read(after, budget)
    }

    /// Gives up everything at or before a cursor; one of another epoch changes nothing.
    pub fn truncate(&self, through: Cursor) {
        self.lock().ring.truncate(through);
    }

    /// Whatever is too old is gone before anybody looks.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        let now = (self.clock)();
        // Nothing under the lock leaves the ring half changed, so a panic of some holder means nothing.
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.ring.advance(now);
        inner
    }
}

impl ReplayLog for MemoryReplay {
    fn head(&self) -> Answer<'_, Result<Head, ReadError>> {
        Answer::now(Ok(self.head_now()))
    }

    fn append<'a>(&'a self, event: Event<'a>) -> Answer<'a, Result<Entry, AppendError>> {
        Answer::now(self.append_now(&event))
    }

    fn read(&self, after: Cursor, budget: Budget) -> Answer<'_, Result<Page, ReadError>> {
        Answer::now(self.read_now(after, budget))
    }

    fn wait(&self, after: Cursor) -> Answer<'_, Result<(), ReadError>> {
        match self.lock().ring.anything_after(after) {
            Err(error) => return Answer::now(Err(error)),
            Ok(true) => return Answer::now(Ok(())),
            Ok(false) => {}
        }
        let mut parked = Parked { log: self, key: None };
        Answer::later(poll_fn(move |context| parked.poll(after, context)))
    }
}

/// Gives back the place of a wait that ends, also of one that is dropped.
struct Parked<'a> {
    log: &'a MemoryReplay,
    key: Option<waiters::Key>,
}

impl Parked<'_> {
    fn poll(&mut self, after: Cursor, context: &Context<'_>) -> Poll<Result<(), ReadError>> {
        let mut inner = self.log.lock();
        match inner.ring.anything_after(after) {
            Err(error) => Poll::Ready(Err(error)),
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => {
                self.key = Some(inner.waiters.park(self.key, context.waker()));
                Poll::Pending
            }
        }
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // The waker is dropped outside the lock: that may run foreign code.
            let _waker = self.log.lock().waiters.leave(key);
        }
    }
}

impl fmt::Debug for MemoryReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplay").field("head", &self.head_now()).finish_non_exhaustive()
    }
}
