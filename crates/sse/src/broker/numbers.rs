//! How a broker stands, for those who watch it.

/// How a broker stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Events that were published.
    pub published: u64,
    /// Subscribers there are.
    pub subscribers: u64,
    /// Those of them who have everything and wait.
    pub waiting: u64,
    /// Events that subscribers did not get, each counted once for each of them; those that a subscriber
    /// of a [`ReplayBroker`](super::ReplayBroker) then read from the log included.
    pub dropped: u64,
    /// Subscribers that were disconnected for being slow.
    pub disconnected: u64,
    /// Events held in memory for all together.
    pub held_events: u64,
    /// Their bytes.
    pub held_bytes: u64,
    /// Calls of the callback for slow subscribers, or of a predicate, that panicked.
    pub callback_panics: u64,
}

impl Numbers {
    pub(super) const fn of(log: &headwater_fanout::Numbers, callback_panics: u64) -> Self {
        Self {
            published: log.published,
            subscribers: log.subscribers,
            waiting: log.parked,
            dropped: log.dropped,
            disconnected: log.disconnected,
            held_events: log.window_messages,
            held_bytes: log.window_bytes,
            callback_panics,
        }
    }
}
