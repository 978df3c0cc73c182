//! Whether anybody uses a connection, and whether its client takes what it is sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How long the end of an answer may take that the HTTP library has wholly: two pieces of
/// [`SENDING_PIECE_BYTES`](crate::limits::SENDING_PIECE_BYTES), to the slowest client that is waited for.
const TRAILING: Duration = Duration::from_secs(128);

/// What happens on one connection. Only numbers, no other memory hangs on them.
#[derive(Debug)]
pub(crate) struct Activity {
    since: Instant,
    begun: AtomicU64,
    ended: AtomicU64,
    /// Writes that the kernel took for answers.
    written: AtomicU64,
    /// When the last answer was wholly given to the HTTP library, which may still have to write the end of it; as in [`Given`].
    last: AtomicU64,
    // Held for a push when an answer has a body, and for a glance at each sweep.
    sending: Mutex<Vec<Weak<Given>>>,
}

/// When the last piece of an answer was given to the HTTP library that has not asked for another: milliseconds of the
/// connection, plus one; zero while it is the server that makes it wait.
#[derive(Debug, Default)]
struct Given(AtomicU64);

/// A request whose answer has not been sent.
#[derive(Debug)]
pub(crate) struct Busy {
    activity: Arc<Activity>,
    given: Option<Arc<Given>>,
}

/// How much had happened at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    begun: u64,
    written: u64,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            since: Instant::now(),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            written: AtomicU64::new(0),
            last: AtomicU64::new(0),
            sending: Mutex::default(),
        })
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Busy { activity: Arc::clone(self), given: None }
    }

    /// The kernel took something. It is no use of the connection where nothing was asked: HTTP/2 also writes by itself.
    pub(super) fn wrote(&self) {
        if self.may_be_sending() {
            self.written.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether what is written can be of an answer.
    fn may_be_sending(&self) -> bool {
        let last = self.last.load(Ordering::Relaxed);
        let trailing = u64::try_from(TRAILING.as_millis()).unwrap_or(u64::MAX);
        !self.is_free() || (last > 0 && self.now().saturating_sub(last) < trailing)
    }

    /// Whether any request has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }

    /// How much has happened.
    pub(super) fn seen(&self) -> Seen {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Seen { begun: load(&self.begun), written: load(&self.written) }
    }

    /// Whether no request is open.
    pub(super) fn is_free(&self) -> bool {
        self.ended.load(Ordering::Relaxed) == self.begun.load(Ordering::Relaxed)
    }

    /// Whether the client has not taken a piece of an answer for so long.
    pub(super) fn is_stalled(&self, patience: Duration) -> bool {
        let now = self.now();
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let mut stalled = false;
        self.sending.lock().retain(|given| {
            let Some(given) = given.upgrade() else { return false };
            let at = given.0.load(Ordering::Relaxed);
            stalled |= at > 0 && now.saturating_sub(at) > patience;
            true
        });
        stalled
    }

    fn register(&self, given: &Arc<Given>) {
        let mut sending = self.sending.lock();
        // Those of answers that have been sent go when they would take more room: a busy connection has had many.
        if sending.len() == sending.capacity() {
            sending.retain(|given| given.strong_count() > 0);
        }
        sending.push(Arc::downgrade(given));
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}

impl Busy {
    /// A piece of the answer was asked for.
    pub(crate) fn asked(&self) {
        if let Some(given) = &self.given {
            given.0.store(0, Ordering::Relaxed);
        }
    }

    /// A piece of the answer was given.
    pub(crate) fn gave(&mut self) {
        let activity = &self.activity;
        let given = self.given.get_or_insert_with(|| {
            let given = Arc::default();
            activity.register(&given);
            given
        });
        given.0.store(activity.now(), Ordering::Relaxed);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.activity.last.store(self.activity.now(), Ordering::Relaxed);
        self.activity.ended.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_free_when_nothing_is_open() {
        let activity = Activity::new();
        assert!(activity.is_free() && !activity.has_begun());
        let before = activity.seen();
        activity.wrote();
        assert!(activity.seen() == before, "nothing was asked");
        let request = activity.begin();
        assert!(!activity.is_free() && activity.has_begun() && activity.seen() != before);
        drop(request);
        let before = activity.seen();
        assert!(activity.is_free());
        activity.wrote();
        assert!(activity.seen() != before, "the end of the answer was taken");
        tokio::time::advance(TRAILING).await;
        let before = activity.seen();
        activity.wrote();
        assert!(activity.seen() == before, "that was no answer");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_stalled_when_nobody_asks_for_the_rest() {
        let patience = Duration::from_secs(10);
        let activity = Activity::new();
        let (mut slow, mut done) = (activity.begin(), activity.begin());
        slow.gave();
        done.gave();
        tokio::time::advance(patience).await;
        assert!(!activity.is_stalled(patience));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(activity.is_stalled(patience));
        slow.asked();
        drop(done);
        assert!(!activity.is_stalled(patience), "one waits for the server, one has been sent");
        for _ in 0..10_000 {
            activity.begin().gave();
        }
        assert!(activity.sending.lock().capacity() <= 16, "what has been sent is forgotten");
        assert!(!activity.is_stalled(Duration::ZERO));
    }
}
