//! Those who wait for room, in the order in which they came.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::{Held, LAST_PAGE_BYTES};

/// Who waits: large and small apart, because only small ones may have what is kept for them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    tickets: u64,
    large: BTreeMap<u64, Waiter>,
    small: BTreeMap<u64, Waiter>,
}

/// Somebody who waits for so many bytes.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) bytes: u64,
    pub(super) grant: oneshot::Sender<Held>,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.large.is_empty() && self.small.is_empty()
    }

    /// Adds somebody at the end. Returns the ticket to leave with.
    pub(super) fn push(&mut self, waiter: Waiter) -> u64 {
        self.tickets += 1;
        let kind = if waiter.bytes <= LAST_PAGE_BYTES { &mut self.small } else { &mut self.large };
        kind.insert(self.tickets, waiter);
        self.tickets
    }

    /// Who is next: the ticket, and how much it is for.
    pub(super) fn first(&self) -> Option<(u64, u64)> {
        let (small, large) = (self.small.first_key_value(), self.large.first_key_value());
        let first = small.into_iter().chain(large).min_by_key(|(ticket, _)| **ticket);
        first.map(|(ticket, waiter)| (*ticket, waiter.bytes))
    }

    /// Who is next of those who wait for little.
    pub(super) fn first_small(&self) -> Option<(u64, u64)> {
        self.small.first_key_value().map(|(ticket, waiter)| (*ticket, waiter.bytes))
    }

    /// Removes somebody, who may have been removed before.
    pub(super) fn remove(&mut self, ticket: u64) -> Option<Waiter> {
        self.small.remove(&ticket).or_else(|| self.large.remove(&ticket))
    }

    #[cfg(all(test, not(headwater_loom)))]
    pub(super) fn len(&self) -> usize {
        self.large.len() + self.small.len()
    }
}
