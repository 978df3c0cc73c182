//! How others reach a thread: readers that come, streams with news, and the end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use mio::{Token, Waker};
use parking_lot::Mutex;

use super::Arrival;

/// The token of the waker, which no reader has.
pub(super) const WOKEN: Token = Token(usize::MAX);

/// What a thread is told.
#[derive(Debug)]
pub(super) struct Inbox {
    // Held for a push, and to take all of it. Who pushes wakes the thread when it is free again.
    letters: Mutex<Letters>,
    waker: Waker,
}

/// What has come since the thread looked last.
#[derive(Debug, Default)]
pub(super) struct Letters {
    pub(super) arrivals: Vec<Arrival>,
    /// Groups with news, by number.
    pub(super) news: Vec<usize>,
    /// Whether readers may have been cut.
    pub(super) look: bool,
    /// Whether no reader will come any more.
    pub(super) closed: bool,
    /// Whether the thread is gone, for whatever reason.
    gone: bool,
    /// Whether the thread sleeps, or is about to, and must be woken.
    sleeping: bool,
}

impl Letters {
    fn is_empty(&self) -> bool {
        self.arrivals.is_empty() && self.news.is_empty() && !self.look && !self.closed
    }
}

impl Inbox {
    pub(super) fn new(registry: &mio::Registry) -> io::Result<Self> {
        Ok(Self { letters: Mutex::default(), waker: Waker::new(registry, WOKEN)? })
    }

    pub(super) fn arrive(&self, arrival: Arrival) {
        self.put(|letters| letters.arrivals.push(arrival));
    }

    pub(super) fn look(&self) {
        self.put(|letters| letters.look = true);
    }

    pub(super) fn close(&self) {
        self.put(|letters| letters.closed = true);
    }

    /// Nobody will take what comes from now on. Readers are dropped, and their clients come back.
    pub(super) fn retire(&self) {
        let mut letters = self.letters.lock();
        letters.gone = true;
        let left = std::mem::take(&mut letters.arrivals);
        drop(letters);
        drop(left);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.letters.lock().gone
    }

    fn put(&self, put: impl FnOnce(&mut Letters)) {
        let sleeping = {
            let mut letters = self.letters.lock();
            if letters.gone {
                return;
            }
            put(&mut letters);
            std::mem::take(&mut letters.sleeping)
        };
        if sleeping {
            // It fails only where the thread is gone.
            let _ = self.waker.wake();
        }
    }

    /// Notes that the thread is about to sleep, unless there is something for it.
    pub(super) fn may_sleep(&self) -> bool {
        let mut letters = self.letters.lock();
        letters.sleeping = letters.is_empty();
        letters.sleeping
    }

    /// What has come, in exchange for something empty.
    pub(super) fn take(&self, empty: Letters) -> Letters {
        let mut taken = std::mem::replace(&mut *self.letters.lock(), empty);
        // It comes back empty, when the thread does not sleep.
        taken.sleeping = false;
        taken
    }
}

/// Tells a thread of news for one of its groups, once until it looks.
#[derive(Debug)]
pub(super) struct Signal {
    inbox: Arc<Inbox>,
    group: usize,
    told: AtomicBool,
}

impl Signal {
    pub(super) fn new(inbox: &Arc<Inbox>, group: usize) -> Arc<Self> {
        Arc::new(Self { inbox: Arc::clone(inbox), group, told: AtomicBool::new(false) })
    }

    /// To be called before looking: what comes from now on is told again.
    pub(super) fn looking(&self) {
        // Ordered before what is looked at: whoever finds this set has published before the look.
        self.told.swap(false, Ordering::AcqRel);
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.told.swap(true, Ordering::AcqRel) {
            self.inbox.put(|letters| letters.news.push(self.group));
        }
    }
}
