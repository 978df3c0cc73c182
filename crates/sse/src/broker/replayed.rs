//! The broker before a log.

mod follow;
mod handed;
#[cfg(test)]
#[cfg(headwater_loom)]
mod interleavings;
mod subscription;

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use headwater_fanout::{Limits, Log, Message};
use tokio::task::AbortHandle;

use self::handed::Handed;
pub use self::subscription::ReplaySubscription;
use super::running::Running;
use super::shelf::Shelf;
use super::{Numbers, distributor};
use crate::replay::{Answer, AppendError, Cursor, Entry, ReadError, ReplayLog};
use crate::{Event, PreparedEvent};

/// An event that was read from the log.
#[derive(Clone)]
struct Live {
    /// `None` for one that is larger than what may wait for a subscriber: it is read from the log.
    event: Option<PreparedEvent>,
    cursor: Cursor,
    /// The event before it, so that whoever gets this one knows whether it has that.
    previous: Cursor,
}

impl Message for Live {
    fn weight(&self) -> usize {
        self.event.as_ref().map_or(1, |event| event.as_bytes().len())
    }
}

/// What is appended to a log, by whomever, for many subscribers, each of whom continues where it was.
///
/// One task follows the log and hands what it reads to all subscribers, so the order on every wire is the
/// log's, and it does not matter which process appended. A subscriber that comes back, or is too slow for what may wait for it, reads
/// the log at its own pace and then rejoins: nothing is left out and nothing comes twice, as long as the log keeps it. What it no longer
/// keeps is told in a [`LOST`](crate::replay::LOST) event. It needs a tokio runtime with time. When it is
/// dropped it is closed.
pub struct ReplayBroker<L> {
    log: Arc<L>,
    fan: Log<Live, Waker>,
    shelf: Arc<Shelf<Option<Handed>>>,
    running: Running,
    /// Ends the task that waits for the log, which does not end by itself.
    follower: AbortHandle,
}

impl<L: ReplayLog + 'static> ReplayBroker<L> {
    /// A broker for what is appended from now on, and before.
    ///
    /// # Errors
    /// [`ReadError`] when the log does not tell its head.
    pub async fn new(log: Arc<L>, limits: Limits) -> Result<Self, ReadError> {
        let at = log.head().await?.end();
        let running = Running::default();
        // Whoever is slow is not asked about: it reads the log instead.
        let fan = distributor::start(limits, &running, |_, _| {});
        let follower = running.spawn(follow::follow(Arc::clone(&log), fan.clone(), at));
        Ok(Self { log, fan, shelf: Arc::default(), running, follower })
    }

    /// The log.
    pub const fn log(&self) -> &Arc<L> {
        &self.log
    }

    /// Appends an event to the log, from which it reaches all.
    ///
    /// # Errors
    /// Those of [`ReplayLog::append`].
    pub fn publish<'a>(&'a self, event: Event<'a>) -> Answer<'a, Result<Entry, AppendError>> {
        self.log.append(event)
    }

    /// A subscriber that continues after the id it came back with; `None` when the broker is closed.
    ///
    /// # Errors
    /// [`ReadError`] when the log does not tell its head.
    pub async fn subscribe(
        &self,
        last_event_id: Option<&str>,
    ) -> Result<Option<ReplaySubscription<L>>, ReadError> {
        ReplaySubscription::begin(&self.log, &self.fan, &self.shelf, last_event_id).await
    }

    /// How it stands.
    pub fn numbers(&self) -> Numbers {
        Numbers::of(&self.fan.numbers(), 0)
    }

    /// Ends it: subscriptions end when what waits for them was taken. The log stays as it is.
    ///
    /// Returns when no task of the broker runs any more. Any number may call it, and each waits for that.
    pub async fn close(&self) {
        self.end();
        self.running.over().await;
    }
}

impl<L> ReplayBroker<L> {
    fn end(&self) {
        self.fan.close();
        // It waits for the log, or is in a read that changes nothing.
        self.follower.abort();
    }
}

impl<L> Drop for ReplayBroker<L> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<L> fmt::Debug for ReplayBroker<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBroker").finish_non_exhaustive()
    }
}
