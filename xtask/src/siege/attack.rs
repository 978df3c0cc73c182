//! The attackers: one process for each kind, told what to do on its command line.
//!
//! It says `ready` when all its connections have begun, answers each line on its standard input with its [`Count`] as
//! JSON, and ends when that input ends. A connection that the server cuts is made anew, as an attacker would.

mod deaf;
mod multiplexed;
mod slow;
mod socket;

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::bench::base_url::BaseUrl;

/// How often a slow one sends its byte, and others look whether they are still connected.
const BEAT: Duration = Duration::from_secs(1);

/// How many make their connections at the same time: fewer than any queue of a listener has room for.
const AT_ONCE: usize = 100;

/// One connection in so many is, beside them, a stream of one HTTP/2 connection; a server need not allow more than a hundred of them,
/// ours allows a thousand.
const STREAMS_PART: u16 = 10;

/// How bad clients are bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// They send heads and bodies, a byte a second.
    Slow,
    /// They ask for a large stream and take nothing of the answer.
    Deaf,
}

/// What an attacker has to do.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) kind: Kind,
    pub(super) base: BaseUrl,
    /// The name of the stream.
    pub(super) stream: String,
    /// Connections of HTTP/1.1.
    pub(super) connections: u16,
}

impl Order {
    /// Streams of the one HTTP/2 connection beside them.
    pub(super) fn streams(&self) -> u16 {
        (self.connections / STREAMS_PART).clamp(1, 1000)
    }

    fn target(&self) -> String {
        self.base.target(&self.stream)
    }
}

/// What attackers have done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Count {
    /// Connections and streams that hold on now.
    pub(super) held: u64,
    /// How many were made in all.
    pub(super) made: u64,
    /// How many the server answered with a refusal, or cut.
    pub(super) cut: u64,
    /// Answers that began with success and are not read.
    pub(super) answered: u64,
    /// Bytes that were sent slowly.
    pub(super) bytes: u64,
}

/// The same, as it is counted. Only one thread counts: the atomics need no order, they make the tasks `Send`.
#[derive(Debug, Default)]
struct Counters {
    held: AtomicU64,
    made: AtomicU64,
    cut: AtomicU64,
    answered: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    /// One connection or stream that holds on until this is dropped.
    fn hold(self: &Arc<Self>) -> Held {
        self.made.fetch_add(1, Ordering::Relaxed);
        self.held.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(self))
    }

    fn count(&self) -> Count {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Count {
            held: read(&self.held),
            made: read(&self.made),
            cut: read(&self.cut),
            answered: read(&self.answered),
            bytes: read(&self.bytes),
        }
    }
}

#[derive(Debug)]
struct Held(Arc<Counters>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Attacks until standard input ends.
pub(super) fn run(order: Order) -> anyhow::Result<()> {
    let counters = Arc::new(Counters::default());
    let seen = Arc::clone(&counters);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        let asked = std::io::stdin().lock().lines().map_while(Result::ok);
        asked.for_each(|_| {
            if let Ok(json) = serde_json::to_string(&seen.count()) {
                println!("{json}");
            }
        });
        // The end, or an error, means that the siege is over.
        std::process::exit(0);
    });
    runtime.block_on(async {
        begin(&order, &counters).await.context("the siege does not begin")?;
        println!("ready");
        std::future::pending().await
    })
}

/// Sets all attackers on, and returns when each has begun.
async fn begin(order: &Order, counters: &Arc<Counters>) -> anyhow::Result<()> {
    multiplexed::start(order, counters).await?;
    let order = Arc::new(order.clone());
    for nth in 0..order.connections {
        // A loopback connection is made at once or waits for the server: no more than these wait.
        while usize::from(nth) >= made(counters, &order) + AT_ONCE {
            sleep(Duration::from_millis(1)).await;
        }
        let (order, counters) = (Arc::clone(&order), Arc::clone(counters));
        drop(tokio::spawn(again(order, counters, nth)));
    }
    let all = usize::from(order.connections);
    while made(counters, &order) < all {
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Attacks on one connection after the other.
async fn again(order: Arc<Order>, counters: Arc<Counters>, nth: u16) {
    loop {
        // However it ends, it is taken up again; a server that is gone ends the siege soon enough.
        let _ = match order.kind {
            Kind::Slow => slow::once(&order, &counters, nth).await,
            Kind::Deaf => deaf::once(&order, &counters, nth).await,
        };
        counters.cut.fetch_add(1, Ordering::Relaxed);
        sleep(BEAT).await;
    }
}

/// Connections of HTTP/1.1 that were made.
fn made(counters: &Counters, order: &Order) -> usize {
    let made = counters.made.load(Ordering::Relaxed).saturating_sub(u64::from(order.streams()));
    usize::try_from(made).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
