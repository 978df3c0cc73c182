//! Reads of what is recent, while appends wait for a disk whose syncs take long: nobody who reads may wait with them.
//!
//! The server runs under `strace`, which holds up every sync and nothing else: a filter in the kernel lets all other calls pass. A
//! server that syncs on a thread that also serves readers has reads that take as long as a sync.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinSet;

use super::append::read_back;
use super::beside::Beside;
use super::{Needs, Prepared, Sample, Server, Unit, Window, Workload};
use crate::bench::base_url::BaseUrl;
use crate::bench::client::Conn;
use crate::bench::meter::Meter;
use crate::bench::payload::Payload;
use crate::bench::reader::START;
use crate::bench::runtime::run_bounded;
use crate::bench::stats::{Latencies, Quantiles};
use crate::bench::streams::{Streams, read_request};
use crate::bench::writers::{Batch, Crew, Load, Tempo};

/// Connections that read, each at an even pace: together they keep no server busy.
const READERS: u32 = 8;

/// Between two reads of one connection.
const PACE: Duration = Duration::from_millis(5);

/// Records of the stream that is read.
const RECORDS: u64 = 16;

/// An answer fits many times.
const READ_SIZE: usize = 16 * 1024;

/// Creating and deleting streams and reading back.
const SLACK: Duration = Duration::from_secs(180);

/// Appends under slow syncs, and reads beside them.
#[derive(Clone, Debug)]
pub(crate) struct SlowSyncs {
    /// Connections that append, flat out.
    pub(crate) writers: u16,
    /// Bytes of a record.
    pub(crate) size: usize,
    /// How long a sync takes at least.
    pub(crate) sync: Duration,
    /// How long.
    pub(crate) window: Window,
}

impl Workload for SlowSyncs {
    fn title(&self) -> String {
        let Self { writers, size, sync, .. } = self;
        format!("read what is recent, beside {writers} appending {size} B, syncs of {sync:?}")
    }

    fn unit(&self) -> Unit {
        Unit::Read
    }

    fn needs(&self) -> Needs {
        Needs::Streams
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        let own = server.own.as_ref().context("syncs are held up where the server is started")?;
        let slowed = own.launcher.start_slowed(&own.target, self.sync)?;
        Ok(Box::new(Ready { work: self, server: slowed }))
    }
}

struct Ready<'a> {
    work: &'a SlowSyncs,
    server: Server,
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        let window = self.work.window;
        run_bounded(window.warm_up + window.measured + SLACK, self.measure())
    }
}

impl Ready<'_> {
    fn load(&self, writers: u16) -> Arc<Load> {
        Arc::new(Load {
            base: self.server.base.clone(),
            payload: Payload::new(self.work.size),
            batch: Batch::Single,
            streams: Streams::new(1, Batch::Single.content_type()),
            writers,
            first_writer: 0,
            tempo: Tempo::FlatOut,
        })
    }

    async fn measure(&self) -> anyhow::Result<Sample> {
        let SlowSyncs { writers, window, .. } = *self.work;
        let (book, load) = (self.load(1), self.load(writers));
        book.streams.create(&book.base).await?;
        load.streams.create(&load.base).await?;
        Crew::start(&book, RECORDS).await?.join().await?;

        let mut crew = Crew::start(&load, u64::MAX).await?;
        tokio::time::sleep(window.warm_up).await;
        let meter = Meter::start(self.server.pid)?;
        crew.measure();
        let (count, latency) = read(&book, Instant::now() + window.measured).await?;
        let until = Instant::now();
        crew.stop();
        let usage = meter.stop(until);
        let acked = crew.join().await?;
        let mut sample = Sample::new(count, latency, &usage?);
        let (acks, appends) = crew.measured();
        let appends = appends.context("nothing was acknowledged")?;
        sample.beside.push(Beside::Append.of(appends.p50 as f64));
        sample.notes.push(format!("{acks} appends"));
        sample.faults = Some(read_back(&load, &acked).await?);
        book.streams.delete(&book.base).await?;
        load.streams.delete(&load.base).await?;
        Ok(sample)
    }
}

/// Reads a stream from all connections until a moment. A read that is late counts from when it was due.
async fn read(book: &Load, until: Instant) -> anyhow::Result<(u64, Option<Quantiles>)> {
    let latencies = Arc::new(Mutex::new(Latencies::new()?));
    let target = book.streams.target(&book.base, 0);
    let mut tasks = JoinSet::new();
    for reader in 0..READERS {
        let due = Instant::now() + PACE * reader / READERS;
        let (base, target) = (book.base.clone(), target.clone());
        tasks.spawn(poll(base, target, due..until, Arc::clone(&latencies)));
    }
    while let Some(done) = tasks.join_next().await {
        done.context("a reader")??;
    }
    let latencies = latencies.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((latencies.count(), latencies.quantiles()))
}

async fn poll(
    base: BaseUrl,
    target: String,
    time: std::ops::Range<Instant>,
    latencies: Arc<Mutex<Latencies>>,
) -> anyhow::Result<()> {
    let request = read_request(&base, &target, START, "");
    let mut conn = Conn::open(&base, READ_SIZE).await?;
    let mut due = time.start;
    while due < time.end {
        tokio::time::sleep_until(due.into()).await;
        conn.call(&request, &[200]).await.context("a read")?;
        latencies.lock().unwrap_or_else(PoisonError::into_inner).record(due.elapsed());
        due += PACE;
    }
    Ok(())
}
