//! Units on their way to storage, and who waits for them.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::change::{Birth, Unit};
use headwater_core::storage::{Refusal, Stamp};
use headwater_core::{Slot, StreamKey};
use tokio::sync::oneshot;

use crate::admission::Reservation;

/// Most payload bytes of a group. Above this a sync costs more than it shares; what is left goes into the next group.
const GROUP_BYTES: u64 = 16 * 1024 * 1024;

/// A unit's number in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

#[cfg(test)]
impl Ticket {
    pub(super) fn for_tests(number: u64) -> Self {
        Self(number)
    }
}

/// What became of a unit, for those who wait for it.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    Committed(Arc<Stamp>),
    /// It did not happen, because a stream had changed: decide again.
    Redo,
    Unknown,
    Refused(Refusal),
}

/// What a unit leaves under one key once it is durable.
#[derive(Debug)]
pub(super) struct Aftermath {
    pub(super) key: StreamKey,
    /// The cache entry it was decided on.
    pub(super) id: u64,
    pub(super) after: After,
    pub(super) payload: Option<Bytes>,
}

#[derive(Debug)]
pub(super) enum After {
    Slot(Slot),
    /// A creation: the state follows from this and the stamp.
    Born(Box<Birth>),
}

#[derive(Debug)]
pub(super) struct Sent {
    pub(super) ticket: Ticket,
    pub(super) aftermath: Vec<Aftermath>,
    pub(super) waiters: Vec<oneshot::Sender<Fate>>,
    /// Keeps its bytes admitted for as long as they are in memory, also when nobody waits for the answer any more.
    pub(super) held: Option<Arc<Reservation>>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    last: u64,
    /// Decided, not yet with storage. Bounded by admission: what a unit carries stays admitted while it is here.
    filling: VecDeque<(Unit, Sent)>,
    /// With storage.
    in_flight: Vec<Sent>,
}

impl Queue {
    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.last += 1;
        Ticket(self.last)
    }

    pub(super) fn push(&mut self, unit: Unit, sent: Sent) {
        self.filling.push_back((unit, sent));
    }

    /// Waits for a unit that is on its way. `None` if it is not any more.
    pub(super) fn wait(&mut self, ticket: Ticket) -> Option<oneshot::Receiver<Fate>> {
        let sent = match self.in_flight.binary_search_by_key(&ticket, |sent| sent.ticket) {
            Ok(index) => self.in_flight.get_mut(index)?,
            Err(_) => {
                let found = self.filling.binary_search_by_key(&ticket, |(_, sent)| sent.ticket);
                &mut self.filling.get_mut(found.ok()?)?.1
            }
        };
        let (sender, receiver) = oneshot::channel();
        sent.waiters.push(sender);
        Some(receiver)
    }

    /// The next group, if there is one and none is in flight.
    pub(super) fn start(&mut self) -> Option<Vec<Unit>> {
        if !self.in_flight.is_empty() || self.filling.is_empty() {
            return None;
        }
        let mut bytes = 0;
        let mut group = Vec::with_capacity(self.filling.len());
        while let Some((unit, _)) = self.filling.front() {
            bytes += unit.payload_len();
            if bytes > GROUP_BYTES && !group.is_empty() {
                break;
            }
            if let Some((unit, sent)) = self.filling.pop_front() {
                group.push(unit);
                self.in_flight.push(sent);
            }
        }
        Some(group)
    }

    /// Takes out of the next group all that concerns these cache entries, and the entries of what is taken out, and so on.
    ///
    /// They were not handed over, so storage cannot see that they fall: a foreign commit may have taken the revision
    /// that they name. A unit before the one that fell goes too where they share an entry: the entry is forgotten, and what
    /// is loaded in its place must not be older than a unit that is still on its way.
    pub(super) fn fell(&mut self, entries: &[u64]) -> Vec<Sent> {
        let mut fallen: HashSet<u64> = entries.iter().copied().collect();
        let mut out = Vec::new();
        loop {
            let known = out.len();
            let filling = std::mem::take(&mut self.filling);
            for (unit, sent) in filling {
                if sent.aftermath.iter().any(|change| fallen.contains(&change.id)) {
                    fallen.extend(sent.aftermath.iter().map(|change| change.id));
                    out.push(sent);
                } else {
                    self.filling.push_back((unit, sent));
                }
            }
            if out.len() == known {
                return out;
            }
        }
    }

    /// Takes everything out of the next group.
    pub(super) fn clear(&mut self) -> Vec<Sent> {
        self.filling.drain(..).map(|(_, sent)| sent).collect()
    }

    /// Takes back what was with storage.
    pub(super) fn finish(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.in_flight)
    }

    pub(super) fn len(&self) -> usize {
        self.in_flight.len() + self.filling.len()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.filling.is_empty()
    }
}
