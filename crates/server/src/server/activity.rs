//! Whether anybody uses a connection, and whether its client takes what it is sent.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use headwater_core::storage::Portion;
use metrics::Counter;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::alarm::{Alarm, Until};
use super::handover::Handover;
use super::streams::Stream;
use super::wire::Announced;
use crate::metrics::Limit;
use crate::sse::Session;

/// How long the end of an answer may take that the HTTP library has wholly: two pieces of
/// [`SENDING_PIECE_BYTES`](crate::limits::SENDING_PIECE_BYTES), to the slowest client that is waited for.
const TRAILING: Duration = Duration::from_secs(128);

/// HTTP/2 writes no more than this when it only answers or asks whether anybody is there: a few frames of 9 to 17 bytes.
const CONTROL_BYTES: usize = 64;

/// What happens on one connection.
///
/// Times are milliseconds of the connection, plus one; zero is never.
#[derive(Debug)]
pub(crate) struct Activity {
    since: Instant,
    begun: AtomicU64,
    ended: AtomicU64,
    /// When the last answer was wholly given to the HTTP library, which may still have to write the end of it.
    last: AtomicU64,
    /// When the kernel last took something of that.
    written: AtomicU64,
    /// Whether its client is given up.
    cut: AtomicBool,
    // Held for a push when an answer has a body, and for a look when something can be due.
    sending: Mutex<Vec<Weak<Given>>>,
    pub(super) announced: Announced,
    pub(super) handover: Handover,
    /// For requests that wait.
    patience: Arc<Alarm>,
    /// What is given of answers, here for its requests: to share what all connections share takes longer than to count.
    sent: Counter,
}

/// An answer that is being sent.
#[derive(Debug)]
struct Given {
    /// When the last piece was given to the HTTP library, which has not asked for another; never while it is the server that
    /// makes it wait.
    at: AtomicU64,
    stream: Option<Stream>,
}

/// A request whose answer has not been sent.
#[derive(Debug)]
pub(crate) struct Busy {
    activity: Arc<Activity>,
    given: Option<Arc<Given>>,
}

/// How the answers are taken.
#[derive(Debug)]
pub(super) enum Answers {
    /// In time, but for so many streams that were reset. The piece that waits for longest was given then.
    Taken { reset: u64, oldest: Option<Instant> },
    /// One that has the connection for itself is not taken.
    Stalled,
}

impl Activity {
    /// What is given of answers is counted there.
    pub(crate) fn new(sent: Counter) -> Arc<Self> {
        Arc::new(Self {
            since: Instant::now(),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            last: AtomicU64::new(0),
            written: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            sending: Mutex::default(),
            announced: Announced::default(),
            handover: Handover::default(),
            patience: Arc::default(),
            sent,
        })
    }

    /// A request begins.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Busy { activity: Arc::clone(self), given: None }
    }

    /// The kernel took so many bytes. It is no use of the connection where nothing was asked: HTTP/2 also writes by itself.
    pub(super) fn wrote(&self, bytes: usize) {
        if bytes <= CONTROL_BYTES || !self.is_free() {
            return;
        }
        let (last, now) = (self.last.load(Ordering::Relaxed), self.now());
        if last > 0 && now.saturating_sub(last) < millis(TRAILING) {
            self.written.store(now, Ordering::Relaxed);
        }
    }

    /// The limit that ends a connection on which nothing comes: between requests it is merely idle.
    pub(super) fn quiet(&self) -> Limit {
        if self.begun.load(Ordering::Relaxed) > 0 { Limit::Idle } else { Limit::HeadTime }
    }

    /// Since when no request is open and nothing is sent, if that is so.
    pub(super) fn free_since(&self) -> Option<Instant> {
        let last = self.last.load(Ordering::Relaxed).max(self.written.load(Ordering::Relaxed));
        self.is_free().then(|| self.moment(last))
    }

    fn is_free(&self) -> bool {
        self.ended.load(Ordering::Relaxed) == self.begun.load(Ordering::Relaxed)
    }

    /// Resets streams of which the client has not taken a piece for so long.
    pub(super) fn reset_stalled(&self, patience: Duration) -> Answers {
        let (now, patience) = (self.now(), millis(patience));
        let (mut reset, mut oldest, mut stalled) = (0, None, false);
        self.sending.lock().retain(|given| {
            let Some(given) = given.upgrade() else { return false };
            let at = given.at.load(Ordering::Relaxed);
            if at == 0 {
                return true;
            }
            if now.saturating_sub(at) < patience {
                oldest = Some(oldest.map_or(at, |oldest: u64| oldest.min(at)));
                return true;
            }
            match &given.stream {
                Some(stream) => {
                    stream.reset();
                    reset += 1;
                }
                None => stalled = true,
            }
            false
        });
        let oldest = oldest.map(|at| self.moment(at));
        if stalled { Answers::Stalled } else { Answers::Taken { reset, oldest } }
    }

    /// Its client is given up: what is left to be sent is not worth the memory.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// Whether its client is given up.
    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
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
        millis(self.since.elapsed()).saturating_add(1)
    }

    fn moment(&self, at: u64) -> Instant {
        self.since + Duration::from_millis(at.saturating_sub(1))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Busy {
    /// What ends a wait of the request that is given up at a moment, as a rule as long after it began as the one before.
    pub(crate) fn until(&self, deadline: Instant) -> Until {
        self.activity.patience.until(deadline)
    }

    /// The answer will be these pieces, one after the other and nothing in between, or it is not large.
    pub(crate) fn announce(&self, pieces: Option<Vec<Portion>>) {
        self.activity.announced.put(pieces);
    }

    /// The rest of the answer can go on without the HTTP library, once it has written what it was given.
    pub(crate) fn offer(&self, session: Box<Session>) {
        self.activity.handover.offer(session);
    }

    /// A piece of the answer was asked for.
    pub(crate) fn asked(&self) {
        if let Some(given) = &self.given {
            given.at.store(0, Ordering::Relaxed);
        }
    }

    /// A piece of the answer was given, in the task of its stream.
    pub(crate) fn gave(&mut self, bytes: usize) {
        let activity = &self.activity;
        activity.sent.increment(bytes as u64);
        let given = self.given.get_or_insert_with(|| {
            let given = Arc::new(Given { at: AtomicU64::new(0), stream: Stream::current() });
            activity.register(&given);
            given
        });
        given.at.store(activity.now(), Ordering::Relaxed);
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
        let activity = Activity::new(Counter::noop());
        let begun = Instant::now();
        let second = Duration::from_secs(1);
        tokio::time::advance(second).await;
        activity.wrote(1000);
        assert_eq!(activity.free_since(), Some(begun), "nothing was asked");
        assert_eq!(activity.quiet(), Limit::HeadTime);
        let request = activity.begin();
        assert_eq!((activity.free_since(), activity.quiet()), (None, Limit::Idle));
        drop(request);
        assert_eq!(activity.free_since(), Some(begun + second));
        tokio::time::advance(second).await;
        activity.wrote(CONTROL_BYTES);
        assert_eq!(activity.free_since(), Some(begun + second), "that was no answer");
        activity.wrote(1000);
        assert_eq!(activity.free_since(), Some(begun + second * 2), "the end of it was taken");
        tokio::time::advance(TRAILING).await;
        activity.wrote(1000);
        assert_eq!(activity.free_since(), Some(begun + second * 2), "too late for an answer");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_stalled_when_nobody_asks_for_the_rest() {
        let patience = Duration::from_secs(10);
        let activity = Activity::new(Counter::noop());
        let (mut slow, mut done) = (activity.begin(), activity.begin());
        let begun = Instant::now();
        slow.gave(1);
        done.gave(1);
        tokio::time::advance(patience - Duration::from_millis(1)).await;
        let answers = activity.reset_stalled(patience);
        assert!(
            matches!(answers, Answers::Taken { reset: 0, oldest: Some(at) } if at == begun),
            "{answers:?}"
        );
        tokio::time::advance(Duration::from_millis(1)).await;
        slow.asked();
        drop(done);
        let answers = activity.reset_stalled(patience);
        assert!(
            matches!(answers, Answers::Taken { reset: 0, oldest: None }),
            "one waits for the server, one has been sent: {answers:?}"
        );
        slow.gave(1);
        for _ in 0..10_000 {
            activity.begin().gave(1);
        }
        assert!(activity.sending.lock().capacity() <= 16, "what has been sent is forgotten");
        assert!(matches!(activity.reset_stalled(Duration::ZERO), Answers::Stalled));
    }
}
