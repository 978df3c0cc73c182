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
/// off, it looks at what is really due. What the times are is an argument, because all connections share it.
#[derive(Debug)]
pub(super) struct Clock {
    heard: Instant,
    /// What is waited for, which is nothing most of the time.
    waits: Option<Box<Waits>>,
    timer: Option<Pin<Box<Sleep>>>,
    /// The next interval before a ping, as a part of what it is on average.
    share: f32,
}

/// Since when something is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Waits {
    /// A ping was sent then, and nothing has been heard since.
    pinged: Option<Instant>,
    blocked: Option<Instant>,
    closing: Option<Instant>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { heard: Instant::now(), waits: None, timer: None, share: share() }
    }

    fn waits(&self) -> Waits {
        self.waits.as_deref().copied().unwrap_or_default()
    }

    fn change(&mut self, change: impl FnOnce(&mut Waits)) {
        let mut waits = self.waits.take().unwrap_or_default();
        change(&mut waits);
        self.waits = Some(waits).filter(|waits| **waits != Waits::default());
    }

    /// Bytes came.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
        if self.waits.is_some() {
            self.change(|waits| waits.pinged = None);
        }
    }

    /// A ping is on its way.
    pub(super) fn pinged(&mut self) {
        self.change(|waits| waits.pinged = Some(Instant::now()));
        self.share = share();
    }

    /// A write waits for the peer; some of it may have gone.
    pub(super) fn blocked(&mut self, progress: bool) {
        if progress || self.waits().blocked.is_none() {
            self.change(|waits| waits.blocked = Some(Instant::now()));
        }
    }

    pub(super) fn unblocked(&mut self) {
        if self.waits.is_some() {
            self.change(|waits| waits.blocked = None);
        }
    }

    /// Closing has begun, and no other time counts from here.
    pub(super) fn closing(&mut self) {
        self.change(|waits| _ = waits.closing.get_or_insert_with(Instant::now));
    }

    /// What is over even if the peer is not silent.
    pub(super) fn expired(&self, timing: &Timing) -> Option<Due> {
        let waits = self.waits.as_deref()?;
        if waits.blocked.is_none() && waits.closing.is_none() {
            return None;
        }
        let (at, due) = self.next(timing)?;
        let over = matches!(due, Due::Closing | Due::Over(Overdue::Write));
        (over && at <= Instant::now()).then_some(due)
    }

    /// What is due, if anything; else the task is woken when something is.
    pub(super) fn poll(&mut self, timing: &Timing, cx: &mut Context<'_>) -> Poll<Due> {
        let Some((at, due)) = self.next(timing) else { return Poll::Pending };
        self.poll_until(at, cx).map(|()| due)
    }

    /// Ready when a write has waited for too long.
    pub(super) fn poll_blocked(&mut self, timing: &Timing, cx: &mut Context<'_>) -> Poll<()> {
        let Some(blocked) = self.waits().blocked else { return Poll::Pending };
        self.poll_until(blocked + timing.write_within, cx)
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

    fn next(&self, timing: &Timing) -> Option<(Instant, Due)> {
        let waits = self.waits();
        if let Some(closing) = waits.closing {
            return Some((closing + timing.close_within, Due::Closing));
        }
        let write = waits.blocked.map(|at| at + timing.write_within);
        let idle = timing.idle_after.map(|after| self.heard + after);
        let pong = waits.pinged.map(|at| at + timing.pong_within);
        let ping = match waits.pinged {
            None => timing.ping_after.map(|after| self.heard + after.mul_f32(self.share)),
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

/// A tenth more or less.
fn share() -> f32 {
    rand::random_range(0.9..1.1)
}
