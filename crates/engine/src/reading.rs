//! Memory of what was read from storage and is not sent yet: bounded for all readers together.
//!
//! Room is taken before the bytes are read and given back when whoever has them drops them. A page that is asked for is
//! refused when there is none, and smaller when there is little; a live reader waits, in the order in which they came, and
//! holds nothing while it waits. Live readers have at most half of the room, and while one of them waits pages have no more
//! than the other half: so there is room for pages however many live readers take nothing of theirs, and every live
//! reader's turn comes, whatever it needs. What is larger than its share takes all of it. Recent records that live readers share are
//! not counted here.
//!
//! The rooms: [`room`] (who has how much, and who is next), [`queue`] (those who wait).

mod queue;
mod room;
#[cfg(test)]
#[cfg(not(headwater_loom))]
mod tests;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use self::room::{Claim, Part, Room};

/// The part of what is free that one page may take: sixteen at once still get whole pages when little is left.
const FREE_PER_PAGE: u64 = 16;

/// Pages do not shrink below this: their fixed costs would be felt.
const SMALL_PAGE_BYTES: u64 = 64 * 1024;

/// How large a page is when there is no room for more.
const LAST_PAGE_BYTES: u64 = 4 * 1024;

/// The part of the room that only such pages get: clients that take nothing of large ones do not keep others from reading.
const LAST_PART: u64 = 8;

/// The room.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    // Held for a few comparisons, and a search in a tree where somebody waits.
    room: Arc<Mutex<Room>>,
}

/// Room for bytes that were read. Given back when the last clone is dropped.
#[derive(Clone, Debug, Default)]
pub struct Held {
    taken: Option<Arc<Taken>>,
}

impl Held {
    /// Notes how many bytes they really are, once that is known: what was taken and is not needed is given back. Does nothing while
    /// there are clones, nor where there were no bytes to begin with.
    pub fn settle(&mut self, bytes: u64) {
        if let Some(taken) = self.taken.as_mut().and_then(Arc::get_mut) {
            let before = std::mem::replace(&mut taken.bytes, bytes);
            taken.reading.change(|room| room.settle(taken.part, before, bytes));
        }
    }
}

/// What a live reader does when there is no room for what it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// It fails with [`ServiceError::Crowded`](crate::ServiceError::Crowded).
    Refuse,
    /// It waits, in the order in which readers came.
    Wait,
}

/// Who takes room.
#[derive(Clone, Debug)]
pub(crate) enum Taker {
    /// A page that is asked for, which is refused when there is none.
    Page,
    /// A live reader, which waits until this is cancelled.
    Live(CancellationToken),
}

impl Reading {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { room: Arc::new(Mutex::new(Room::new(bytes as u64))) }
    }

    /// Takes room for so many bytes. `None` when there is none and nobody waits for it any longer. Who stops waiting gives its
    /// turn to the next.
    pub(crate) async fn take(&self, bytes: u64, taker: &Taker) -> Option<Held> {
        if bytes == 0 {
            return Some(Held::default());
        }
        let hurry = match taker {
            Taker::Page => {
                let (part, bytes) = self.room.lock().page(bytes)?;
                return Some(self.held(part, bytes));
            }
            Taker::Live(hurry) => hurry,
        };
        let claim = self.room.lock().live(bytes);
        match claim {
            Claim::Granted(part, bytes) => Some(self.held(part, bytes)),
            Claim::Queued(ticket, granted) => {
                let _turn = Turn { reading: self, ticket };
                tokio::select! {
                    biased;
                    // A sender goes with its room alone, which is borrowed here.
                    held = granted => held.ok(),
                    () = hurry.cancelled() => None,
                }
            }
        }
    }

    /// How large a page may be at the moment.
    pub(crate) fn page(&self, taker: &Taker) -> u64 {
        let free = match taker {
            Taker::Page => self.room.lock().free_for_pages(),
            Taker::Live(_) => self.room.lock().free_for_live(),
        };
        if free < SMALL_PAGE_BYTES {
            return LAST_PAGE_BYTES;
        }
        (free / FREE_PER_PAGE).max(SMALL_PAGE_BYTES)
    }

    /// Bytes that are read and not sent.
    pub(crate) fn used(&self) -> u64 {
        self.room.lock().used()
    }

    fn held(&self, part: Part, bytes: u64) -> Held {
        let taken = Taken { reading: self.clone(), part, bytes };
        Held { taken: Some(Arc::new(taken)) }
    }

    /// Changes the room, and lets in those for whom there is room now. They are told when the lock is free: what is told to
    /// somebody who has left meanwhile comes back here at once.
    fn change(&self, change: impl FnOnce(&mut Room)) {
        let granted: Vec<(oneshot::Sender<Held>, Held)> = {
            let mut room = self.room.lock();
            change(&mut room);
            let next = std::iter::from_fn(|| room.next());
            next.map(|(waiter, part, bytes)| (waiter, self.held(part, bytes))).collect()
        };
        for (waiter, held) in granted {
            drop(waiter.send(held));
        }
    }
}

/// Room that somebody has.
#[derive(Debug)]
struct Taken {
    reading: Reading,
    part: Part,
    bytes: u64,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.reading.change(|room| room.settle(self.part, self.bytes, 0));
    }
}

/// A place among those who wait, until it is left.
struct Turn<'r> {
    reading: &'r Reading,
    ticket: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.reading.change(|room| room.leave(self.ticket));
    }
}
