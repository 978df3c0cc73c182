//! The task that wakes those who wait, so that publishers need not.

use std::sync::Arc;
use std::task::Waker;

use headwater_fanout::{Limits, Log, Message, SubscriberId};
use tokio::sync::Notify;

use super::running::Running;

/// Makes a log, and a task that tells its subscribers of what is published until the log is closed.
///
/// `ask` is called with each subscriber about which has to be decided, and must not block.
pub(super) fn start<M>(
    limits: Limits,
    running: &Running,
    ask: impl Fn(&Log<M, Waker>, SubscriberId) + Send + 'static,
) -> Log<M, Waker>
where
    M: Message + Send + Sync + 'static,
{
    let attention = Arc::new(Notify::new());
    let called = Arc::clone(&attention);
    let log = Log::new(limits, move || called.notify_one());
    let own = log.clone();
    running.spawn(async move {
        while !own.is_closed() {
            attention.notified().await;
            for slow in own.distribute() {
                if let headwater_fanout::Slow::Undecided(id) = slow {
                    ask(&own, id);
                }
            }
        }
    });
    log
}
