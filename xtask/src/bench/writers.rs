//! Appends from many connections: each sends a request, waits for the answer, and sends the next.
//!
//! The crew promises that what it returns as acknowledged is exactly what was answered with success, and
//! that it stops at its gate: at a number of requests, or when it is told. A refused append is an error
//! of the whole measurement.

mod batch;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinSet;

use super::base_url::BaseUrl;
use super::client::Conn;
use super::payload::{Mark, Payload, clock};
use super::stats::{Latencies, Quantiles};
use super::streams::{DONE, Streams};
pub(crate) use batch::Batch;

/// An answer to an append fits many times.
const READ_SIZE: usize = 4 * 1024;

/// What to append, where, and from how many connections.
#[derive(Debug)]
pub(crate) struct Load {
    /// The server.
    pub(crate) base: BaseUrl,
    /// The records.
    pub(crate) payload: Payload,
    /// Records a request.
    pub(crate) batch: Batch,
    /// The streams; each writer has its own share of them, or one that it shares.
    pub(crate) streams: Streams,
    /// Connections.
    pub(crate) writers: u16,
    /// Number of the first of them: streams that were written before have had others.
    pub(crate) first_writer: u16,
    /// How fast they send.
    pub(crate) tempo: Tempo,
}

/// How fast all writers together send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tempo {
    /// Each sends as soon as it is answered.
    FlatOut,
    /// So many requests a second, as long as answers come in time for it.
    PerSecond(f64),
}

/// For each stream, how many records each of its writers has had acknowledged.
pub(crate) type Acked = Vec<Vec<(u16, u64)>>;

/// Writers at work.
#[derive(Debug)]
pub(crate) struct Crew {
    gate: Arc<Gate>,
    acked: Acked,
    tasks: JoinSet<anyhow::Result<Vec<Share>>>,
}

/// When writers stop, and what they have done in the measured window. Only one thread works on it, so
/// the atomics need no order and the lock is never contended; they make the tasks `Send`.
#[derive(Debug)]
struct Gate {
    left: AtomicU64,
    over: AtomicBool,
    measured: AtomicBool,
    acks: AtomicU64,
    latencies: Mutex<Latencies>,
}

/// One writer's part of one stream.
#[derive(Debug)]
struct Share {
    stream: u32,
    writer: u16,
    head: Vec<u8>,
    next: u32,
}

impl Load {
    fn shares(&self, writer: u16) -> Vec<Share> {
        let length = self.batch.length(&self.payload);
        let (streams, writers) = (self.streams.count(), u32::from(self.writers));
        let first = u32::from(writer) % streams;
        let share = |stream| Share {
            stream,
            writer: self.first_writer + writer,
            head: self.streams.append_head(&self.base, stream, length),
            next: 0,
        };
        (first..streams).step_by(writers.max(1) as usize).map(share).collect()
    }
}

impl Crew {
    /// Connects the writers and sets them to work, for at most `requests` requests.
    pub(crate) async fn start(load: &Arc<Load>, requests: u64) -> anyhow::Result<Self> {
        let gate = Arc::new(Gate {
            left: AtomicU64::new(requests),
            over: AtomicBool::new(false),
            measured: AtomicBool::new(false),
            acks: AtomicU64::new(0),
            latencies: Mutex::new(Latencies::new()?),
        });
        let mut conns = Vec::new();
        for _ in 0..load.writers {
            conns.push(Conn::open(&load.base, READ_SIZE).await?);
        }
        let mut tasks = JoinSet::new();
        for (writer, conn) in (0..load.writers).zip(conns) {
            let (load, gate) = (Arc::clone(load), Arc::clone(&gate));
            tasks.spawn(async move {
                let written = write(&load, &gate, writer, conn).await;
                if written.is_err() {
                    gate.over.store(true, Ordering::Relaxed);
                }
                written
            });
        }
        Ok(Self { gate, acked: vec![Vec::new(); load.streams.count() as usize], tasks })
    }

    /// From now on, answers count.
    pub(crate) fn measure(&self) {
        self.gate.measured.store(true, Ordering::Relaxed);
    }

    /// Tells the writers to send no more.
    pub(crate) fn stop(&self) {
        self.gate.over.store(true, Ordering::Relaxed);
    }

    /// Answers that have counted, and how long they took.
    pub(crate) fn measured(&self) -> (u64, Option<Quantiles>) {
        let latencies = self.gate.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        (self.gate.acks.load(Ordering::Relaxed), latencies.quantiles())
    }

    /// Waits until all writers have had the answer to their last request. A call that is dropped before
    /// loses nothing: the next one goes on.
    pub(crate) async fn join(&mut self) -> anyhow::Result<Acked> {
        while let Some(joined) = self.tasks.join_next().await {
            for Share { stream, writer, next, .. } in joined.context("a writer")?? {
                if let Some(stream) = self.acked.get_mut(stream as usize) {
                    stream.push((writer, u64::from(next)));
                }
            }
        }
        Ok(std::mem::take(&mut self.acked))
    }
}

impl Gate {
    /// Whether one more request may be sent.
    fn admit(&self) -> bool {
        let take = |left: u64| left.checked_sub(1);
        !self.over.load(Ordering::Relaxed)
            && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn acked(&self, took: Duration) {
        if self.measured.load(Ordering::Relaxed) && !self.over.load(Ordering::Relaxed) {
            self.acks.fetch_add(1, Ordering::Relaxed);
            self.latencies.lock().unwrap_or_else(PoisonError::into_inner).record(took);
        }
    }
}

async fn write(
    load: &Load,
    gate: &Gate,
    writer: u16,
    mut conn: Conn,
) -> anyhow::Result<Vec<Share>> {
    let mut shares = load.shares(writer);
    let mut pick = u32::from(writer) | 0x9e37_0000;
    let mut request = Vec::new();
    let mut sent = Instant::now();
    let begun = sent;
    for turn in 0u32.. {
        if let Tempo::PerSecond(rate) = load.tempo {
            let nth = f64::from(turn) * f64::from(load.writers) + f64::from(writer);
            let due = begun + Duration::from_secs_f64(nth / rate);
            tokio::time::sleep_until(due.into()).await;
            sent = Instant::now();
        }
        if !gate.admit() {
            break;
        }
        pick = scramble(pick);
        let nth = pick as usize % shares.len().max(1);
        let share = shares.get_mut(nth).context("every writer has a stream")?;
        request.clear();
        request.extend_from_slice(&share.head);
        let first = Mark { writer: share.writer, seq: share.next, nanos: clock(sent) };
        load.batch.write(&load.payload, first, &mut request);
        conn.send(&request).await?;
        let head = conn.head().await?;
        conn.expect(&head, DONE).await.context("an append")?;
        conn.body(head.framing, |_| ()).await?;
        share.next = share.next.checked_add(load.batch.records()).context("too many records")?;
        let now = Instant::now();
        gate.acked(now.saturating_duration_since(sent));
        sent = now;
    }
    Ok(shares)
}

/// Marsaglia's xorshift: a fixed, even spread over a writer's streams.
fn scramble(mut x: u32) -> u32 {
    x ^= x << 13;
    x ^= x >> 17;
    x ^ (x << 5)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn load(streams: u32, writers: u16) -> Load {
        Load {
            base: "http://127.0.0.1:1/v1/stream".parse().unwrap(),
            payload: Payload::new(30),
            batch: Batch::Single,
            streams: Streams::new(streams, "text/plain"),
            writers,
            first_writer: 0,
            tempo: Tempo::FlatOut,
        }
    }

    #[test]
    fn every_stream_has_a_writer_and_every_writer_a_stream() {
        for (streams, writers) in [(1, 1), (1, 16), (16, 16), (100, 16), (7, 16), (16, 7), (3, 1)] {
            let load = load(streams, writers);
            let mut by_stream = BTreeMap::<u32, usize>::new();
            for writer in 0..writers {
                let shares = load.shares(writer);
                assert!(!shares.is_empty(), "writer {writer} of {writers}, {streams} streams");
                for share in shares {
                    *by_stream.entry(share.stream).or_default() += 1;
                }
            }
            assert_eq!(by_stream.len(), streams as usize, "{writers} writers, {streams} streams");
            let total: usize = by_stream.values().sum();
            assert_eq!(total, streams.max(u32::from(writers)) as usize);
        }
    }
}
