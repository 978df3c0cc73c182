//! Events that have waited for a subscriber for too long.

use std::iter;
use std::time::Duration;

use headwater_fanout::{Delivery, Taken};
use tokio::time::Instant;

use super::live::Published;
use super::subscription::{lost, told};
use crate::PreparedEvents;

/// The first part of what was taken, up to the last event that is too old.
pub(super) struct Late {
    /// Events in it that came too late.
    pub(super) events: u64,
    /// Those that it did not get before, for which there was no room.
    dropped: u64,
    /// All that is in it: events, and gaps.
    deliveries: usize,
}

impl Late {
    /// What of it was published too long ago; `None` when nothing was. Publishers that come at the same time may have the time in another
    /// order than the log has their events, by less than matters: the first event that is young enough ends it.
    pub(super) fn of(taken: &Taken<Published>, max_age: Duration) -> Option<Self> {
        let now = Instant::now();
        let is_old = |event: &Published| {
            event.at.is_some_and(|at| now.saturating_duration_since(at) > max_age)
        };
        let mut late = Self { events: 0, dropped: 0, deliveries: 0 };
        for delivery in taken.iter() {
            match delivery {
                Delivery::Message { message, .. } if is_old(message) => late.events += 1,
                Delivery::Message { .. } => break,
                Delivery::Lost(gap) => late.dropped += gap.messages,
            }
            late.deliveries += 1;
        }
        (late.events > 0).then_some(late)
    }

    /// That it is lost, in one event with what else is lost there, and the rest.
    pub(super) fn join(&self, taken: &Taken<Published>) -> Option<PreparedEvents> {
        let rest = taken.iter().skip(self.deliveries).map(told);
        let events = iter::once(lost(self.events + self.dropped)).chain(rest);
        PreparedEvents::join(usize::try_from(taken.bytes()).unwrap_or(0), events)
    }
}
