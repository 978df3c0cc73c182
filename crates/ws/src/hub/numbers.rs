//! How a hub stands, for those who watch it.

/// How a hub stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Messages that were broadcast.
    pub broadcast: u64,
    /// Connections that get broadcasts.
    pub members: u64,
    /// Those of them that have everything and wait.
    pub waiting: u64,
    /// Messages that members did not get, each counted once for each of them; those of members that have left included.
    pub dropped: u64,
    /// Members that were removed or closed for being slow.
    pub disconnected: u64,
    /// Messages held in memory for all together.
    pub held_messages: u64,
    /// Bytes of their plain frames.
    pub held_bytes: u64,
    /// Calls of the callback for slow connections, or of a predicate, that panicked.
    pub callback_panics: u64,
}

impl Numbers {
    pub(super) const fn of(log: &headwater_fanout::Numbers, callback_panics: u64) -> Self {
        Self {
            broadcast: log.published,
            members: log.subscribers,
            waiting: log.parked,
            dropped: log.dropped,
            disconnected: log.disconnected,
            held_messages: log.window_messages,
            held_bytes: log.window_bytes,
            callback_panics,
        }
    }
}
