//! The well-behaved client: a few connections that append, and as many that read what is new, at a fixed pace.
//!
//! A latency is taken from the moment at which a request was due if the one before it was late, so that a stall counts for
//! every request it held up, and from the moment of sending otherwise, so that the client's own timer does not count.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::bench::base_url::BaseUrl;
use crate::bench::client::{Conn, Head};
use crate::bench::ledger::Faults;
use crate::bench::payload::{Mark, Payload, clock};
use crate::bench::reader::{Between, READ_SIZE, read_all};
use crate::bench::stats::{Latencies, Quantiles};
use crate::bench::streams::{DONE, Streams, read_request};

/// Connections of each kind: a handful, as one program has.
const CONNECTIONS: u16 = 8;

/// The time between two requests of a connection: together 800 appends and as many reads a second, which leave most of a small
/// machine idle.
const PACE: Duration = Duration::from_millis(10);

/// Bytes of a record.
const RECORD: usize = 100;

/// Bytes that the stream holds before, so that one answer to whoever reads it from its start is as large as answers get.
const FILLED: usize = 16 * 1024 * 1024;

/// Records of one append of the filling.
const BATCH: usize = 655;

/// The writer that fills the stream; the others come before it.
const FILLER: u16 = CONNECTIONS;

/// Answers are short.
const ANSWER: usize = 16 * 1024;

/// What a client saw in a window.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Seen {
    pub(super) append: Quantiles,
    pub(super) read: Quantiles,
    /// Requests in the window.
    pub(super) requests: u64,
    /// Requests that were answered with a refusal.
    pub(super) refused: u64,
}

/// A client and its stream.
#[derive(Debug)]
pub(super) struct Client {
    load: Arc<Load>,
    tasks: JoinSet<anyhow::Result<Option<(u16, u64)>>>,
}

/// What its connections share. Only one thread works on it: locks are never contended, they make the tasks `Send`.
#[derive(Debug)]
struct Load {
    base: BaseUrl,
    streams: Streams,
    payload: Payload,
    begun: Instant,
    measured: AtomicBool,
    over: AtomicBool,
    refused: AtomicU64,
    requests: AtomicU64,
    appends: Mutex<Latencies>,
    reads: Mutex<Latencies>,
    recent: Mutex<Recent>,
}

/// Offsets that were answered last.
#[derive(Debug, Default)]
struct Recent {
    before: Option<String>,
    last: Option<String>,
}

/// The stream that is attacked and used.
pub(super) async fn fill(base: &BaseUrl) -> anyhow::Result<Streams> {
    let streams = Streams::new(1, "text/plain");
    streams.create(base).await?;
    let payload = Payload::new(RECORD);
    let mut conn = Conn::open(base, ANSWER).await?;
    for batch in 0..batches() {
        let mut request = streams.append_head(base, 0, BATCH * RECORD);
        for nth in 0..BATCH {
            let seq = u32::try_from(batch * BATCH + nth)?;
            payload.write(Mark { writer: FILLER, seq, nanos: 0 }, &mut request);
        }
        conn.call(&request, DONE).await.context("filling the stream")?;
    }
    Ok(streams)
}

fn batches() -> usize {
    FILLED.div_ceil(BATCH * RECORD)
}

impl Client {
    /// Connects, and begins to append and to read.
    pub(super) async fn start(base: &BaseUrl, streams: &Streams) -> anyhow::Result<Self> {
        let load = Arc::new(Load {
            base: base.clone(),
            streams: streams.clone(),
            payload: Payload::new(RECORD),
            begun: Instant::now(),
            measured: AtomicBool::new(false),
            over: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            appends: Mutex::new(Latencies::new()?),
            reads: Mutex::new(Latencies::new()?),
            recent: Mutex::new(Recent::default()),
        });
        let mut tasks = JoinSet::new();
        for nth in 0..CONNECTIONS {
            let conn = Conn::open(base, ANSWER).await?;
            tasks.spawn(append(Arc::clone(&load), conn, nth));
            let conn = Conn::open(base, ANSWER).await?;
            tasks.spawn(read(Arc::clone(&load), conn, nth));
        }
        Ok(Self { load, tasks })
    }

    /// From now on, answers count.
    pub(super) fn measure(&self) {
        self.load.measured.store(true, Ordering::Relaxed);
    }

    /// Ends, and tells what it saw, once everything acknowledged has been read back.
    pub(super) async fn finish(mut self) -> anyhow::Result<Seen> {
        self.load.over.store(true, Ordering::Relaxed);
        let mut acked = vec![(FILLER, (batches() * BATCH) as u64)];
        while let Some(joined) = self.tasks.join_next().await {
            acked.extend(joined.context("a connection of the client")??);
        }
        let faults = self.load.read_back(&acked).await?;
        ensure!(faults.is_none(), "what was acknowledged is not what is there: {faults}");
        self.load.seen()
    }
}

impl Load {
    /// Waits until a connection's next request is due, and says when that was; nothing when all is over.
    async fn due(&self, phase: Duration, nth: u32) -> Option<Instant> {
        let due = self.begun + phase + PACE * nth;
        sleep_until(due.into()).await;
        (!self.over.load(Ordering::Relaxed)).then_some(due)
    }

    /// Counts an answer, if it falls into the window.
    fn note(&self, latencies: &Mutex<Latencies>, took: Duration, answer: Answer) {
        if !self.measured.load(Ordering::Relaxed) || self.over.load(Ordering::Relaxed) {
            return;
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        match answer {
            Answer::Given => {
                latencies.lock().unwrap_or_else(PoisonError::into_inner).record(took);
            }
            Answer::Refused => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Where to read from, once there is something to read behind it.
    fn behind(&self) -> Option<String> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).before.clone()
    }

    fn acked(&self, offset: String) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        // Answers may overtake each other; offsets order as they are written.
        if recent.last.as_ref().is_none_or(|last| *last < offset) {
            recent.before = recent.last.replace(offset);
        }
    }

    async fn read_back(&self, acked: &[(u16, u64)]) -> anyhow::Result<Faults> {
        let target = self.streams.target(&self.base, 0);
        let mut conn = Conn::open(&self.base, READ_SIZE).await?;
        let pass =
            read_all(&mut conn, &self.base, &target, &self.payload, Between::Nothing, acked).await;
        Ok(pass.context("reading back")?.faults)
    }

    fn seen(&self) -> anyhow::Result<Seen> {
        let (requests, refused) =
            (self.requests.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed));
        let quantiles = |what: &str, latencies: &Mutex<Latencies>| {
            let latencies = latencies.lock().unwrap_or_else(PoisonError::into_inner);
            let never = || format!("no {what} was answered; {refused} of {requests} were refused");
            latencies.quantiles().with_context(never)
        };
        let append = quantiles("append", &self.appends)?;
        let read = quantiles("read", &self.reads)?;
        Ok(Seen { append, read, requests, refused })
    }
}

/// What a server says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Given,
    /// That it has too much to do.
    Refused,
}

/// From when a request counts that is sent now.
fn from(due: Instant, last: Instant) -> Instant {
    if last > due { due } else { Instant::now() }
}

/// Where in the pace a connection has its place, so that they do not all send at once.
fn phase(nth: u16, of: u16) -> Duration {
    PACE * u32::from(nth) / u32::from(of)
}

async fn append(
    load: Arc<Load>,
    mut conn: Conn,
    writer: u16,
) -> anyhow::Result<Option<(u16, u64)>> {
    let head = load.streams.append_head(&load.base, 0, load.payload.size());
    let (mut seq, mut last) = (0, load.begun);
    let mut nth = 0;
    while let Some(due) = load.due(phase(2 * writer, 2 * CONNECTIONS), nth).await {
        nth += 1;
        let begun = from(due, last);
        let mut request = head.clone();
        load.payload.write(Mark { writer, seq, nanos: clock(begun) }, &mut request);
        conn.send(&request).await?;
        let head = conn.head().await?;
        let answer = judge(&mut conn, &head, DONE).await.context("an append")?;
        conn.body(head.framing, |_| ()).await?;
        last = Instant::now();
        load.note(&load.appends, last.saturating_duration_since(begun), answer);
        if answer == Answer::Given {
            seq += 1;
            load.acked(head.next_offset.context("an append without Stream-Next-Offset")?);
        }
    }
    Ok(Some((writer, u64::from(seq))))
}

async fn read(load: Arc<Load>, mut conn: Conn, nth: u16) -> anyhow::Result<Option<(u16, u64)>> {
    let target = load.streams.target(&load.base, 0);
    let mut last = load.begun;
    let mut sent = 0;
    while let Some(due) = load.due(phase(2 * nth + 1, 2 * CONNECTIONS), sent).await {
        sent += 1;
        let Some(offset) = load.behind() else { continue };
        let begun = from(due, last);
        conn.send(&read_request(&load.base, &target, &offset, "")).await?;
        let head = conn.head().await?;
        let answer = judge(&mut conn, &head, &[200]).await.context("a read")?;
        let mut bytes = 0;
        conn.body(head.framing, |piece| bytes += piece.len()).await?;
        last = Instant::now();
        load.note(&load.reads, last.saturating_duration_since(begun), answer);
        if answer == Answer::Given {
            ensure!(bytes > 0 && bytes % RECORD == 0, "{bytes} bytes of records of {RECORD}");
        }
    }
    Ok(None)
}

/// A refusal is counted and goes on; anything else that is not expected ends the measurement.
async fn judge(conn: &mut Conn, head: &Head, statuses: &[u16]) -> anyhow::Result<Answer> {
    if head.status == 503 {
        return Ok(Answer::Refused);
    }
    conn.expect(head, statuses).await?;
    Ok(Answer::Given)
}
