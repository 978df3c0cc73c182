//! The readers of one stream on one thread.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use headwater_engine::{End, Feed, Tail};

use super::Ground;
use super::inbox::{Inbox, Signal};
use super::view::View;

/// What tells groups apart: a stream, and the listener that its readers came through.
pub(super) type Name = (usize, usize);

/// Readers that follow a stream together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: Name,
    pub(super) feed: Feed,
    pub(super) ground: Arc<Ground>,
    pub(super) members: Vec<usize>,
    signal: Arc<Signal>,
}

impl Group {
    /// The name of the group that a reader belongs to.
    pub(super) fn name(tail: &Tail, ground: &Arc<Ground>) -> Name {
        (tail.identity(), Arc::as_ptr(ground).addr())
    }

    /// A group with this number, to which such readers belong.
    pub(super) fn new(
        tail: &Tail,
        ground: &Arc<Ground>,
        inbox: &Arc<Inbox>,
        number: usize,
    ) -> Self {
        let signal = Signal::new(inbox, number);
        Self {
            name: Self::name(tail, ground),
            feed: tail.feed(Waker::from(Arc::clone(&signal))),
            ground: Arc::clone(ground),
            members: Vec::new(),
            signal,
        }
    }

    /// How the stream stands. What is news from here on is told to the thread again.
    ///
    /// # Errors
    /// When there will be no more of it.
    pub(super) fn look(&self, now: Instant) -> Result<View<'_>, End> {
        self.signal.looking();
        self.view(now)
    }

    /// How the stream stands, for one reader.
    ///
    /// # Errors
    /// When there will be no more of it.
    pub(super) fn view(&self, now: Instant) -> Result<View<'_>, End> {
        View::new(&self.feed, self.ground.app.cursor(None), now)
    }
}
