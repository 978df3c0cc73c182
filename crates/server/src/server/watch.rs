//! When something is to be done about a connection, whatever its client does: the end of the server, and what the HTTP library does
//! not time: a connection before its first bytes tell which HTTP it is, HTTP/2 connections that nobody uses, and clients that open no
//! window for what they asked.
//!
//! It sleeps until something can be due, so that a connection costs a wake-up in a time-out and not more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::activity::{Activity, Answers};
use crate::config::Config;
use crate::limits::CLOSING_TIME;
use crate::metrics::Limit;

/// Shortest sleep: moments are counted in milliseconds.
const NAP: Duration = Duration::from_millis(5);

/// How the server ends its connections. One pair for all of them: its locks are taken when a connection begins and when it ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends {
    /// Those on which nothing is open end, and the others when that has been answered.
    drain: CancellationToken,
    /// All end.
    pub(super) cut: CancellationToken,
    /// Whether `drain` was said, for those who ask each time that they are polled: a token would cost them a lock.
    pub(super) draining: Arc<AtomicBool>,
}

impl Ends {
    /// Lets connections end when what is open on them has been answered.
    pub(super) fn drain(&self) {
        // Before anybody is woken. It guards nothing else.
        self.draining.store(true, Ordering::Relaxed);
        self.drain.cancel();
    }
}

/// Watches one connection.
#[derive(Debug)]
pub(super) struct Watch {
    ends: Ends,
    draining: bool,
    activity: Arc<Activity>,
    idle: Duration,
    stall: Duration,
    /// Since when the connection is being closed.
    closing: Option<Instant>,
    due: Instant,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// To let it end when what is open has been answered: the server ends.
    Drain,
    /// To end it as it is: the server has waited for long enough.
    End,
    /// To count streams of HTTP/2 that were reset because their answers were not taken.
    Reset(u64),
    /// To close a connection that nobody uses.
    Close(Limit),
    /// To cut one that is being closed and does not end.
    Drop,
    /// To cut one whose client does not take its answer.
    Cut,
}

impl Watch {
    pub(super) fn new(config: &Config, activity: Arc<Activity>, ends: Ends) -> Self {
        let idle = config.head_timeout;
        // A piece may be as large as what the library keeps beside it, so it has twice the time.
        let stall = config.write_timeout * 2;
        let due = Instant::now() + idle.min(stall);
        Self { ends, draining: false, activity, idle, stall, closing: None, due }
    }

    /// The connection ends when the requests that are open have been answered, and soon.
    pub(super) fn closing(&mut self) {
        let now = *self.closing.get_or_insert_with(Instant::now);
        self.due = self.due.min(now + CLOSING_TIME);
    }

    /// Waits until something is due. Nothing is lost when it is dropped.
    pub(super) async fn next(&mut self) -> Due {
        loop {
            tokio::select! {
                () = self.ends.cut.cancelled() => return Due::End,
                () = self.ends.drain.cancelled(), if !self.draining => {
                    self.draining = true;
                    return Due::Drain;
                }
                () = sleep_until(self.due) => {}
            }
            if let Some(due) = self.look(Instant::now()) {
                return due;
            }
        }
    }

    fn look(&mut self, now: Instant) -> Option<Due> {
        let answers = self.activity.reset_stalled(self.stall);
        let Answers::Taken { reset, oldest } = answers else { return Some(Due::Cut) };
        let quiet = self.activity.free_since().map(|since| match self.closing {
            None => since + self.idle,
            Some(closing) => since.max(closing) + CLOSING_TIME,
        });
        // Whatever begins from now on takes its time.
        let wait = if self.closing.is_some() { CLOSING_TIME } else { self.idle };
        let stalled = oldest.unwrap_or(now) + self.stall;
        self.due = quiet.unwrap_or(now + wait).min(stalled).max(now + NAP);
        if reset > 0 {
            return Some(Due::Reset(reset));
        }
        let is_quiet = quiet.is_some_and(|quiet| quiet <= now);
        is_quiet.then(|| match self.closing {
            None => Due::Close(self.activity.quiet()),
            Some(_) => Due::Drop,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> (Watch, Arc<Activity>, Instant) {
        let config = Config {
            head_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            ..Config::default()
        };
        let activity = Activity::new(metrics::Counter::noop());
        (Watch::new(&config, Arc::clone(&activity), Ends::default()), activity, Instant::now())
    }

    /// What is due next, and after how many seconds.
    async fn due(watch: &mut Watch, begun: Instant) -> (Due, u64) {
        let due = watch.next().await;
        (due, begun.elapsed().as_secs())
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_closed_when_it_was_idle_for_that_long() {
        let (mut watch, _activity, begun) = watch();
        assert_eq!(due(&mut watch, begun).await, (Due::Close(Limit::HeadTime), 75));
        let (mut watch, activity, begun) = self::watch();
        pass(74).await;
        let request = activity.begin();
        pass(500).await;
        drop(request);
        assert_eq!(due(&mut watch, begun).await, (Due::Close(Limit::Idle), 649));
        // A request that crossed the news is answered.
        let request = activity.begin();
        watch.closing();
        pass(20).await;
        drop(request);
        let closing = CLOSING_TIME.as_secs();
        assert_eq!(due(&mut watch, begun).await, (Due::Drop, 669 + closing));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_stalled_after_twice_the_time_and_only_then() {
        let (mut watch, activity, begun) = watch();
        let mut request = activity.begin();
        pass(7).await;
        request.gave(1);
        pass(50).await;
        request.asked();
        request.gave(1);
        assert_eq!(due(&mut watch, begun).await, (Due::Cut, 117));
    }

    #[tokio::test(start_paused = true)]
    async fn a_live_reader_that_waits_for_news_is_left_alone() {
        let (mut watch, activity, _) = watch();
        let mut request = activity.begin();
        request.gave(1);
        request.asked();
        let patience = Duration::from_secs(10_000);
        assert!(tokio::time::timeout(patience, watch.next()).await.is_err());
        drop(request);
    }
}
