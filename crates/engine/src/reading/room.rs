//! Who has how much of the room, and who gets some next: numbers alone, under one lock.

use tokio::sync::oneshot;

use super::queue::{Queue, Waiter};
use super::{Held, LAST_PAGE_BYTES, LAST_PART};

/// Bytes that are taken, by whom.
#[derive(Debug)]
pub(super) struct Room {
    /// What pages and live readers share.
    most: u64,
    /// Most of it that live readers have, and that is left to them while one of them waits.
    most_live: u64,
    /// What only small pages get, when they get nothing of the rest.
    most_last: u64,
    pages: u64,
    live: u64,
    last: u64,
    queue: Queue,
}

/// Where room was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Pages,
    Live,
    Last,
}

/// What a live reader gets.
#[derive(Debug)]
pub(super) enum Claim {
    Granted(Part, u64),
    /// A ticket to leave with, and where it will be told.
    Queued(u64, oneshot::Receiver<Held>),
}

impl Room {
    pub(super) fn new(bytes: u64) -> Self {
        let most_last = bytes / LAST_PART;
        let most = bytes - most_last;
        // A page takes at least a byte, whatever the shares round to.
        let most_live = (most / 2).max(1);
        let (pages, live, last) = (0, 0, 0);
        Self { most, most_live, most_last, pages, live, last, queue: Queue::default() }
    }

    pub(super) fn used(&self) -> u64 {
        self.pages + self.live + self.last
    }

    /// What one more page could have.
    pub(super) fn free_for_pages(&self) -> u64 {
        let free = self.most.saturating_sub(self.pages + self.live);
        if self.queue.is_empty() {
            return free;
        }
        free.min((self.most - self.most_live).saturating_sub(self.pages))
    }

    /// What one more live reader could have without waiting.
    pub(super) fn free_for_live(&self) -> u64 {
        if self.queue.is_empty() { self.free_for_next() } else { 0 }
    }

    /// What the live reader that is next could have.
    fn free_for_next(&self) -> u64 {
        let free = self.most.saturating_sub(self.pages + self.live);
        free.min(self.most_live.saturating_sub(self.live))
    }

    /// Takes room for a page, at most all that there ever is.
    pub(super) fn page(&mut self, bytes: u64) -> Option<(Part, u64)> {
        let bytes = bytes.min(self.most);
        if bytes <= self.free_for_pages() {
            self.pages += bytes;
            return Some((Part::Pages, bytes));
        }
        self.small(bytes)
    }

    /// Takes room for a live reader, at most all that live readers ever have, or lets it wait.
    pub(super) fn live(&mut self, bytes: u64) -> Claim {
        let bytes = bytes.min(self.most_live);
        if bytes <= self.free_for_live() {
            self.live += bytes;
            return Claim::Granted(Part::Live, bytes);
        }
        if let Some((part, bytes)) = self.small(bytes) {
            return Claim::Granted(part, bytes);
        }
        let (grant, granted) = oneshot::channel();
        Claim::Queued(self.queue.push(Waiter { bytes, grant }), granted)
    }

    /// Takes what is kept for small pages.
    fn small(&mut self, bytes: u64) -> Option<(Part, u64)> {
        let fits = bytes <= LAST_PAGE_BYTES && self.last + bytes <= self.most_last;
        fits.then(|| {
            self.last += bytes;
            (Part::Last, bytes)
        })
    }

    /// What was taken turned out to be more or less. It is there already if it is more, so that is counted too.
    pub(super) fn settle(&mut self, part: Part, before: u64, bytes: u64) {
        let used = match part {
            Part::Pages => &mut self.pages,
            Part::Live => &mut self.live,
            Part::Last => &mut self.last,
        };
        *used = used.saturating_sub(before) + bytes;
    }

    /// Somebody does not wait any longer.
    pub(super) fn leave(&mut self, ticket: u64) {
        self.queue.remove(ticket);
    }

    /// Takes room for the next of those who wait, if there is room for it.
    pub(super) fn next(&mut self) -> Option<(oneshot::Sender<Held>, Part, u64)> {
        let (ticket, (part, bytes)) = self.next_of_all().or_else(|| self.next_small())?;
        let waiter = self.queue.remove(ticket)?;
        Some((waiter.grant, part, bytes))
    }

    fn next_small(&mut self) -> Option<(u64, (Part, u64))> {
        let (ticket, bytes) = self.queue.first_small()?;
        Some((ticket, self.small(bytes)?))
    }

    fn next_of_all(&mut self) -> Option<(u64, (Part, u64))> {
        let (ticket, bytes) = self.queue.first()?;
        (bytes <= self.free_for_next()).then(|| {
            self.live += bytes;
            (ticket, (Part::Live, bytes))
        })
    }
}

#[cfg(all(test, not(headwater_loom)))]
impl Room {
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Whether one of those who wait could have room now.
    pub(super) fn could_serve(&self) -> bool {
        let fits = |first: Option<(u64, u64)>, free| first.is_some_and(|(_, bytes)| bytes <= free);
        fits(self.queue.first(), self.free_for_next())
            || fits(self.queue.first_small(), self.most_last.saturating_sub(self.last))
    }
}
