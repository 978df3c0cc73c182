//! Uses of TTL streams that are not durable yet.
//!
//! A use restarts the window of a TTL at once, in memory. It is saved before a quarter of the TTL or ten seconds have gone by, so
//! that a crash takes no more than that; until it is saved it is kept here, so that a commit that fails takes nothing.

use headwater_core::{Expiry, Slot, StreamKey, Timestamp};

use crate::quick::QuickMap;

/// The longest that a use stays in memory alone.
const MAX_UNSAVED_MS: u64 = 10_000;

#[derive(Clone, Copy, Debug)]
struct Use {
    /// The first one that is not saved.
    since: Timestamp,
    last: Timestamp,
    /// How long it may stay unsaved.
    wait_ms: u64,
}

/// The uses, by stream. Only streams with a TTL have any, and only while they are in use.
#[derive(Debug, Default)]
pub(crate) struct Uses(QuickMap<StreamKey, Use>);

impl Uses {
    /// Notes a use of a stream with a TTL in seconds.
    pub(super) fn note(&mut self, key: &StreamKey, ttl: u64, now: Timestamp) {
        let wait_ms = ttl.saturating_mul(1000 / 4).min(MAX_UNSAVED_MS);
        if let Some(noted) = self.0.get_mut(key) {
            noted.last = noted.last.max(now);
        } else {
            self.0.insert(key.clone(), Use { since: now, last: now, wait_ms });
        }
    }

    /// The last use, if it is not durable.
    pub(super) fn last(&self, key: &StreamKey) -> Option<Timestamp> {
        self.0.get(key).map(|noted| noted.last)
    }

    /// Whether there is one that is not durable.
    pub(crate) fn contains(&self, key: &StreamKey) -> bool {
        self.0.contains_key(key)
    }

    /// Forgets what is durable in this slot.
    pub(super) fn saved(&mut self, key: &StreamKey, slot: &Slot) {
        let Some(noted) = self.0.get_mut(key) else { return };
        match slot {
            Slot::Live(state) if matches!(state.expiry, Expiry::Ttl(_)) => {
                if state.used_at >= noted.last {
                    self.0.remove(key);
                } else if state.used_at >= noted.since {
                    noted.since = noted.last;
                }
            }
            _ => self.forget(key),
        }
    }

    /// Forgets the uses of a stream that is gone.
    pub(crate) fn forget(&mut self, key: &StreamKey) {
        self.0.remove(key);
    }

    /// Those that must be saved now.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<(StreamKey, Timestamp)> {
        let due =
            self.0.iter().filter(|(_, noted)| noted.since.0.saturating_add(noted.wait_ms) <= now.0);
        due.map(|(key, noted)| (key.clone(), noted.last)).collect()
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<(StreamKey, Timestamp)> {
        self.0.iter().map(|(key, noted)| (key.clone(), noted.last)).collect()
    }
}
