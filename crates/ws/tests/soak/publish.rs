//! Broadcasts as fast as a hub's promise allows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use headwater_ws::{Hub, Message, Stream};
use tokio::time::{interval, timeout};

use crate::Story;
use crate::server::Promise;

/// What the last messages say: they are repeated, because a client may be on its way.
pub(crate) const LAST: &str = "last";

/// How far the good clients may be behind: less than waits for a connection of which nothing may be lost, and more than
/// waits where something may.
const AHEAD: u64 = 500;

/// How long one who hinders is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a good client may take to come on, on a loaded machine.
const STANDING: Duration = Duration::from_secs(30);

/// One message of four is for a group, unless all are to wait for those who hinder.
pub(crate) fn group_of(promise: Promise, number: u64) -> Option<&'static str> {
    match number % 8 {
        _ if promise == Promise::All => None,
        3 => Some("even"),
        7 => Some("odd"),
        _ => None,
    }
}

/// Broadcasts until it is time to stop. Returns the longest call that does not wait for anybody, and how many messages
/// there were.
pub(crate) async fn publish(
    hub: Hub<Stream, &'static str>,
    promise: Promise,
    story: Arc<Story>,
) -> (Duration, u64) {
    let (mut longest, mut number) = (Duration::ZERO, 0_u64);
    let mut at = (0, Instant::now());
    // With so many bytes behind it that who takes nothing is stuck in a write before long.
    let padding = "x".repeat(250);
    while !story.stopped.load(Ordering::Relaxed) {
        let slowest = story.wait_for_the_slowest(promise, number.saturating_sub(AHEAD)).await;
        if slowest > at.0 {
            at = (slowest, Instant::now());
        }
        assert!(
            at.1.elapsed() < STANDING,
            "a good client of {promise:?} stands still at {slowest}"
        );
        let message = Message::text(format!("{number} {padding}"));
        let call = Instant::now();
        match (promise, group_of(promise, number)) {
            (Promise::All, _) => hub.broadcast_within(message, PATIENCE).await,
            (_, Some(group)) => hub.broadcast_to(group, message),
            (_, None) => hub.broadcast(message),
        }
        .unwrap();
        if promise != Promise::All {
            longest = longest.max(call.elapsed());
        }
        number += 1;
        if number.is_multiple_of(16) {
            tokio::task::yield_now().await;
        }
    }
    let mut pause = interval(Duration::from_millis(10));
    while story.good.load(Ordering::Relaxed) > 0 {
        hub.broadcast(Message::text(format!("{number} {LAST}"))).unwrap();
        let _ = timeout(PATIENCE, pause.tick()).await;
    }
    (longest, number)
}
