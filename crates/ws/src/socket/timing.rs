//! When a peer is asked for a sign of life, and when it has been waited for long enough.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use super::Overdue;

/// How long things may take on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// How long the HTTP library may take to hand over the connection once the handshake is
    /// accepted.
    pub open_within: Duration,
    /// A ping is sent after so long without a byte from the peer, give or take a tenth: connections
    /// that began together shall not ping together. `None` sends none.
    pub ping_after: Option<Duration>,
    /// How long after a ping some byte has to come; any will do.
    pub pong_within: Duration,
    /// The connection is closed after so long without a byte from the peer. With pings, a peer that
    /// lives is never silent.
    pub idle_after: Option<Duration>,
    /// How long a write may wait until the peer takes any of it.
    pub write_within: Duration,
    /// How long closing may take: until the peer has answered and the transport is shut down.
    pub close_within: Duration,
}

impl Timing {
    /// 10 s to open, a ping after 25 s of silence and 10 s for the pong, 10 s for a write, 5 s for closing; idle
    /// as long as the peer lives.
    pub const DEFAULT: Self = Self {
        open_within: Duration::from_secs(10),
        ping_after: Some(Duration::from_secs(25)),
        pong_within: Duration::from_secs(10),
        idle_after: None,
        write_within: Duration::from_secs(10),
        close_within: Duration::from_secs(5),
    };

    /// Sets [`open_within`](Self::open_within).
    #[must_use]
    pub const fn with_open_within(mut self, time: Duration) -> Self {
        self.open_within = time;
        self
    }

    /// Sets [`ping_after`](Self::ping_after).
    #[must_use]
    pub const fn with_ping_after(mut self, silence: Option<Duration>) -> Self {
        self.ping_after = silence;
        self
    }

    /// Sets [`pong_within`](Self::pong_within).
    #[must_use]
    pub const fn with_pong_within(mut self, time: Duration) -> Self {
        self.pong_within = time;
        self
    }

    /// Sets [`idle_after`](Self::idle_after).
    #[must_use]
    pub const fn with_idle_after(mut self, silence: Option<Duration>) -> Self {
        self.idle_after = silence;
        self
    }

    /// Sets [`write_within`](Self::write_within).
    #[must_use]
    pub const fn with_write_within(mut self, time: Duration) -> Self {
        self.write_within = time;
        self
    }

    /// Sets [`close_within`](Self::close_within).
    #[must_use]
    pub const fn with_close_within(mut self, time: Duration) -> Self {
        self.close_within = time;
        self
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    Over(Overdue),
    /// Closing has taken too long.
    Closing,
}

/// The connection's only timer. It is not moved when bytes come, which they do often: when it goes
/// off, it looks at what is really due.
#[derive(Debug)]
pub(super) struct Clock {
    timing: Timing,
    /// A tenth more or less, of each interval between pings.
    ping_after: Option<Duration>,
    heard: Instant,
    /// A ping was sent then, and nothing has been heard since.
    pinged: Option<Instant>,
    blocked: Option<Instant>,
    closing: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(super) fn new(timing: Timing) -> Self {
        let ping_after = timing.ping_after.map(jittered);
        let heard = Instant::now();
        Self { timing, ping_after, heard, pinged: None, blocked: None, closing: None, timer: None }
    }

    /// Bytes came.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
        self.pinged = None;
    }

    /// A ping is on its way.
    pub(super) fn pinged(&mut self) {
        self.pinged = Some(Instant::now());
        self.ping_after = self.timing.ping_after.map(jittered);
    }

    /// A write waits for the peer; some of it may have gone.
    pub(super) fn blocked(&mut self, progress: bool) {
        if progress || self.blocked.is_none() {
            self.blocked = Some(Instant::now());
        }
    }

    pub(super) fn unblocked(&mut self) {
        self.blocked = None;
    }

    /// Closing has begun, and no other time counts from here.
    pub(super) fn closing(&mut self) {
        self.closing.get_or_insert_with(Instant::now);
    }

    /// What is over even if the peer is not silent.
    pub(super) fn expired(&self) -> Option<Due> {
        if self.blocked.is_none() && self.closing.is_none() {
            return None;
        }
        let (at, due) = self.next()?;
        let over = matches!(due, Due::Closing | Due::Over(Overdue::Write));
        (over && at <= Instant::now()).then_some(due)
    }

    /// What is due, if anything; else the task is woken when something is.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        let Some((at, due)) = self.next() else { return Poll::Pending };
        self.poll_until(at, cx).map(|()| due)
    }

    /// Ready when a write has waited for too long.
    pub(super) fn poll_blocked(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(blocked) = self.blocked else { return Poll::Pending };
        self.poll_until(blocked + self.timing.write_within, cx)
    }

    fn poll_until(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if at <= Instant::now() {
                return Poll::Ready(());
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
            if timer.deadline() > at {
                timer.as_mut().reset(at);
            }
            ready!(timer.as_mut().poll(cx));
            timer.as_mut().reset(at);
        }
    }

    fn next(&self) -> Option<(Instant, Due)> {
        if let Some(closing) = self.closing {
            return Some((closing + self.timing.close_within, Due::Closing));
        }
        let write = self.blocked.map(|at| at + self.timing.write_within);
        let idle = self.timing.idle_after.map(|after| self.heard + after);
        let pong = self.pinged.map(|at| at + self.timing.pong_within);
        let ping = match self.pinged {
            None => self.ping_after.map(|after| self.heard + after),
            Some(_) => None,
        };
        let all = [
            (write, Due::Over(Overdue::Write)),
            (idle, Due::Over(Overdue::Idle)),
            (pong, Due::Over(Overdue::Pong)),
            (ping, Due::Ping),
        ];
        let set = all.into_iter().filter_map(|(at, due)| Some((at?, due)));
        set.min_by_key(|(at, _)| *at)
    }
}

fn jittered(time: Duration) -> Duration {
    time.mul_f64(rand::random_range(0.9..1.1))
}
