//! Hubs over real sockets at full speed, with clients as they are: good, slow, stalled, dying and flapping.
//!
//! Twenty seconds, or five minutes with `HEADWATER_SOAK=1` (`cargo xtask soak --only ws-hub`). The good ones get what their
//! hub promises, nobody waits for the others, memory is flat and no task is left.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]
#![allow(clippy::print_stdout, reason = "it says what it reached")]

mod bad;
mod client;
mod good;
mod inbound;
mod many;
mod publish;
mod server;

use std::fs;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, timeout, timeout_at};

use self::good::Guest;
use self::server::{Promise, Server};

/// Held by one test at a time: they count memory, and have a descriptor for each end of a connection.
static TURN: Mutex<()> = Mutex::const_new(());

/// Good clients of each hub.
const GOOD: usize = 16;

/// What all of them share.
#[derive(Default)]
struct Story {
    /// The last number that each good client has, hub by hub.
    progress: [[AtomicU64; GOOD]; 3],
    /// No more messages come; the good ones read to the end.
    stopped: AtomicBool,
    /// Good clients that are still there.
    good: AtomicU64,
    received: AtomicU64,
    visits: AtomicU64,
    misdeeds: AtomicU64,
    /// A good client has read something.
    came_on: Notify,
}

impl Story {
    fn of(&self, promise: Promise) -> &[AtomicU64; GOOD] {
        &self.progress[Promise::EACH.iter().position(|each| *each == promise).unwrap()]
    }

    fn told(&self, guest: Guest, number: u64) {
        self.of(guest.promise)[guest.number].store(number, Ordering::Relaxed);
        self.came_on.notify_waiters();
    }

    /// Waits until all good clients have come so far, or for a moment: one that has just come back needs a message to come
    /// on. Returns where the slowest is.
    async fn wait_for_the_slowest(&self, promise: Promise, number: u64) -> u64 {
        let slowest = || {
            let all = self.of(promise).iter().map(|last| last.load(Ordering::Relaxed));
            all.min().unwrap()
        };
        let near = async {
            while slowest() < number && !self.stopped.load(Ordering::Relaxed) {
                self.came_on.notified().await;
            }
        };
        let _ = timeout(Duration::from_millis(10), near).await;
        slowest()
    }
}

fn is_long() -> bool {
    std::env::var("HEADWATER_SOAK").is_ok_and(|value| value == "1")
}

fn length() -> Duration {
    Duration::from_secs(if is_long() { 300 } else { 20 })
}

/// Bytes of memory of this process.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_clients_get_what_was_promised_beside_all_the_others() {
    let _turn = TURN.lock().await;
    let before = Handle::current().metrics().num_alive_tasks();
    let server = Server::start().await;
    let story = Arc::new(Story::default());
    let mut good = Vec::new();
    for promise in Promise::EACH {
        for number in 0..GOOD {
            let (guest, story) = (Guest { promise, number }, Arc::clone(&story));
            let address = server.address;
            good.push(tokio::spawn(async move { good::follow(address, guest, story).await }));
        }
    }
    story.good.store(good.len() as u64, Ordering::Relaxed);
    let bad = bad::all(server.address, &story);
    let publishers = Promise::EACH.map(|promise| {
        tokio::spawn(publish::publish(server.hub(promise).clone(), promise, Arc::clone(&story)))
    });

    let start = Instant::now();
    let _ = timeout_at(start + length() / 4, pending::<()>()).await;
    let warm = resident();
    let _ = timeout_at(start + length(), pending::<()>()).await;
    let end = resident();
    until_somebody_was_slow(&server, start + 4 * length()).await;
    story.stopped.store(true, Ordering::Relaxed);
    for client in good {
        timeout(Duration::from_secs(60), client).await.unwrap().unwrap();
        story.good.fetch_sub(1, Ordering::Relaxed);
    }
    for client in bad {
        client.await.unwrap();
    }
    let mut longest = Duration::ZERO;
    for (promise, publisher) in Promise::EACH.into_iter().zip(publishers) {
        let (call, published) = publisher.await.unwrap();
        longest = longest.max(call);
        let numbers = server.hub(promise).numbers();
        println!(
            "reached: {promise:?}: {published} messages; {} dropped, {} disconnected, {} panics",
            numbers.dropped, numbers.disconnected, numbers.callback_panics
        );
        assert!(published > 1_000, "{published}: that is no soak");
        judge(promise, &numbers);
    }
    println!(
        "reached: {} messages by {} good clients in {} visits, none lost that was promised; {} misdeeds",
        story.received.load(Ordering::Relaxed),
        3 * GOOD,
        story.visits.load(Ordering::Relaxed),
        story.misdeeds.load(Ordering::Relaxed),
    );
    println!(
        "reached: longest broadcast {longest:?}; memory {} KiB warm, {} KiB at the end",
        warm / 1024,
        end / 1024
    );
    assert!(story.misdeeds.load(Ordering::Relaxed) > 100, "the bad ones were busy");
    // A stuck client would make it the deadline for writes; a slow machine does not make it as much.
    assert!(longest < server::DEADLINE / 2, "{longest:?}");
    assert!(end < warm + (16 << 20), "memory grew from {warm} to {end}");
    println!("reached: all had left after {:?}", server.stop().await);
    none_left(before).await;
}

/// Goes on until each hub has had somebody who was too slow: on a busy machine there are so few messages that this takes longer.
async fn until_somebody_was_slow(server: &Server, deadline: Instant) {
    let was_slow = |promise| was_slow(promise, &server.hub(promise).numbers());
    while !Promise::EACH.into_iter().all(was_slow) && Instant::now() < deadline {
        let _ = timeout(Duration::from_millis(10), pending::<()>()).await;
    }
}

fn was_slow(promise: Promise, numbers: &headwater_ws::Numbers) -> bool {
    match promise {
        Promise::AllOrEnd | Promise::All => numbers.disconnected > 0,
        Promise::Newest => numbers.dropped > 0,
    }
}

fn judge(promise: Promise, numbers: &headwater_ws::Numbers) {
    assert!(was_slow(promise, numbers), "{promise:?}: nobody was too slow, {numbers:?}");
    assert!(promise != Promise::Newest || numbers.disconnected == 0, "{numbers:?}");
}

/// Allows this process as many descriptors as it may ask for: 1,024 by default are too few.
fn more_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
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
