//! A broker over real sockets at full speed, with clients as they are: good, slow, stalled, dying and flapping.
//!
//! Twenty seconds, or five minutes with `HEADWATER_SOAK=1` (`cargo xtask soak --only sse-broker`). The
//! good ones miss and repeat nothing, nobody waits for the others, memory is flat and no task is left.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]
#![allow(clippy::print_stdout, reason = "it says what it reached")]

mod bad;
mod good;
mod many;
mod server;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use headwater_sse::serve::DEFAULT_HEARTBEAT;
use headwater_sse::{Event, PreparedEvent};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

use self::server::{Pace, Server};

const GOOD: usize = 50;

/// How far the publisher may be ahead of the slowest good client: less than the log keeps, and enough
/// for most of them to be left behind by what may wait.
const AHEAD: u64 = 2_000;

/// What all of them share.
#[derive(Default)]
struct Story {
    /// The next number that each good client waits for.
    progress: Vec<AtomicU64>,
    published: AtomicU64,
    /// No more events come; the good ones read to the end.
    stopped: AtomicBool,
    reconnections: AtomicU64,
    misdeeds: AtomicU64,
    /// A good client has read something.
    came_on: Notify,
}

impl Story {
    fn slowest(&self) -> u64 {
        self.progress.iter().map(|next| next.load(Ordering::Relaxed)).min().unwrap_or(0)
    }
}

fn length() -> Duration {
    let is_long = std::env::var("HEADWATER_SOAK").is_ok_and(|value| value == "1");
    Duration::from_secs(if is_long { 300 } else { 20 })
}

/// Bytes of memory of this process.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Publishes as fast as the good clients take it; returns the longest call, and memory when it was warm.
async fn publish(server: &Server, story: &Story) -> (Duration, u64) {
    let (start, length) = (Instant::now(), length());
    let (mut longest, mut warm) = (Duration::ZERO, None);
    let (mut number, padding) = (0, "x".repeat(250));
    while start.elapsed() < length {
        wait_for_the_slowest(story, number).await;
        // With so many bytes behind it that who takes nothing is stuck in a write before long.
        let data = format!("{number} {padding}");
        let event = Event::new().data(&data);
        let call = Instant::now();
        server.replayed.publish(event).await.unwrap();
        server.live.publish_prepared(PreparedEvent::new(&event)).unwrap();
        longest = longest.max(call.elapsed());
        number += 1;
        story.published.store(number, Ordering::Relaxed);
        if number.is_multiple_of(16) {
            tokio::task::yield_now().await;
        }
        if warm.is_none() && start.elapsed() > length / 4 {
            warm = Some(resident());
        }
    }
    story.stopped.store(true, Ordering::Relaxed);
    (longest, warm.unwrap_or_else(resident))
}

/// Waits until all good clients are near; fails when one of them stands still, whatever the others do.
async fn wait_for_the_slowest(story: &Story, number: u64) {
    let (mut at, mut since) = (story.slowest(), Instant::now());
    while number >= at + AHEAD {
        let _ = timeout(Duration::from_secs(1), story.came_on.notified()).await;
        let slowest = story.slowest();
        if slowest > at {
            (at, since) = (slowest, Instant::now());
        }
        assert!(since.elapsed() < Duration::from_secs(30), "a good client stands still at {at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_clients_miss_nothing_beside_all_the_others() {
    let before = Handle::current().metrics().num_alive_tasks();
    // Short, so that everybody comes back many times.
    let pace = Pace { age: Duration::from_secs(3), heartbeat: DEFAULT_HEARTBEAT };
    let server = Server::start(pace).await;
    let progress = (0..GOOD).map(|_| AtomicU64::new(0)).collect();
    let story = Arc::new(Story { progress, ..Story::default() });
    let good: Vec<_> = (0..GOOD)
        .map(|client| tokio::spawn(good::follow(server.address, client, Arc::clone(&story))))
        .collect();
    let bad = bad::all(server.address, &story);
    let (longest, warm) = publish(&server, &story).await;
    for client in good {
        timeout(Duration::from_secs(60), client).await.unwrap().unwrap();
    }
    let end = resident();
    for client in bad {
        client.await.unwrap();
    }
    let published = story.published.load(Ordering::Relaxed);
    let (live, replayed) = (server.live.numbers(), server.replayed.numbers());
    println!(
        "reached: {} events by {GOOD} good clients over {} connections, none lost or doubled; {} misdeeds",
        published * GOOD as u64,
        story.reconnections.load(Ordering::Relaxed),
        story.misdeeds.load(Ordering::Relaxed),
    );
    println!(
        "reached: longest publication {longest:?}; memory {} KiB warm, {} KiB at the end; {} disconnected, {} dropped",
        warm / 1024,
        end / 1024,
        live.disconnected,
        live.dropped + replayed.dropped,
    );
    assert!(published > 1_000, "{published}: that is no soak");
    assert!(story.misdeeds.load(Ordering::Relaxed) > 100, "the bad ones were busy");
    assert!(live.disconnected > 0, "some were too slow");
    // A stuck client would make it the deadline for writes; a slow machine does not make it as much.
    assert!(longest < server::DEADLINE / 2, "{longest:?}");
    assert!(end < warm + (16 << 20), "memory grew from {warm} to {end}");
    server.stop().await;
    none_left(before).await;
}

/// Waits until no more tasks run than before.
async fn none_left(before: usize) {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let left = async {
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), left)
        .await
        .unwrap_or_else(|_| panic!("{} tasks are left", tasks() - before));
}
