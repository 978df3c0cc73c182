//! Appends at half the rate that they could have, while readers catch up: what is left of the rate.
//!
//! The most is measured first, in each round; then the same writers go at half of it, alone, and again with the readers.
//! The readers read flat out on a thread of their own, so on a machine that is smaller than servers and generator together
//! the writers' share is also the scheduler's affair.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::append::read_back;
use super::beside::Beside;
use super::catch_up::fill;
use super::readers::{Book, Readers};
use super::{Needs, Prepared, Sample, Server, Unit, Window, Workload};
use crate::bench::client::Conn;
use crate::bench::ledger::Faults;
use crate::bench::meter::{Meter, Usage};
use crate::bench::payload::Payload;
use crate::bench::reader::{READ_SIZE, read_all};
use crate::bench::runtime::run_bounded;
use crate::bench::stats::Quantiles;
use crate::bench::streams::Streams;
use crate::bench::writers::{Batch, Crew, Load, Tempo};

/// Enough for any server to group what it syncs.
const FILLERS: u16 = 32;

/// Bytes of a record that is read.
const READ_RECORD: usize = 1024;

/// No phase sends more requests.
const MOST_REQUESTS: u64 = 20_000_000;

/// Filling, reading back and the last pass of slow readers may take so much longer than the windows.
const SLACK: Duration = Duration::from_secs(240);

/// Writers and readers.
#[derive(Clone, Debug)]
pub(crate) struct Mixed {
    /// Connections that append.
    pub(crate) writers: u16,
    /// Bytes of a record that is appended.
    pub(crate) size: usize,
    /// Connections that read.
    pub(crate) readers: u32,
    /// Bytes they read in a pass.
    pub(crate) bytes: u64,
    /// How long each phase.
    pub(crate) window: Window,
}

impl Workload for Mixed {
    fn title(&self) -> String {
        let Self { writers, size, readers, bytes, .. } = self;
        let read = bytes >> 20;
        format!(
            "append {size} B, {writers} connections at half their most, {readers} readers of {read} MiB"
        )
    }

    fn unit(&self) -> Unit {
        Unit::Append
    }

    fn needs(&self) -> Needs {
        Needs::Streams
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        let load = Arc::new(Load {
            base: server.base.clone(),
            payload: Payload::new(READ_RECORD),
            batch: Batch::Single,
            streams: Streams::new(1, Batch::Single.content_type()),
            writers: FILLERS,
            first_writer: 0,
            tempo: Tempo::FlatOut,
        });
        let (book, faults) = run_bounded(2 * SLACK, async {
            let acked = fill(&load, self.bytes, SLACK).await?;
            let acked = acked.into_iter().next().context("one stream")?;
            let target = load.streams.target(&load.base, 0);
            let mut conn = Conn::open(&load.base, READ_SIZE).await?;
            let between = load.batch.between();
            let pass =
                read_all(&mut conn, &load.base, &target, &load.payload, between, &acked).await?;
            let book = Book { base: load.base.clone(), target, bytes: pass.bytes };
            Ok((book, pass.faults))
        })?;
        Ok(Box::new(Ready { work: self, server, book, faults }))
    }
}

struct Ready<'a> {
    work: &'a Mixed,
    server: &'a Server,
    book: Book,
    /// What was wrong with what the readers are to read.
    faults: Faults,
}

/// A phase.
struct Phase {
    acks: u64,
    latency: Option<Quantiles>,
    usage: Usage,
    faults: Faults,
}

impl Phase {
    fn rate(&self) -> f64 {
        self.acks as f64 / self.usage.wall.as_secs_f64().max(f64::EPSILON)
    }
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        let Mixed { readers, window, .. } = *self.work;
        let limit = 3 * (window.warm_up + window.measured) + SLACK;
        let most = run_bounded(limit, self.phase(Tempo::FlatOut))?;
        let half = Tempo::PerSecond(most.rate() / 2.0);
        let alone = run_bounded(limit, self.phase(half))?;
        ensure!(alone.acks > 0, "nothing was acknowledged");

        let crowd = Readers::start(&self.book, readers, limit);
        let begun = Instant::now();
        let beside = run_bounded(limit, self.phase(half));
        let read = crowd.bytes() as f64 / begun.elapsed().as_secs_f64() / 1e6;
        crowd.stop()?;
        let beside = beside?;

        let mut sample = Sample::new(beside.acks, beside.latency, &beside.usage);
        sample.beside.push(Beside::Kept.of(beside.rate() / alone.rate()));
        sample.notes.push(format!("at most {:.0}/s, alone {:.0}/s", most.rate(), alone.rate()));
        sample.notes.push(format!("read {read:.0} MB/s"));
        let mut faults = self.faults;
        [most.faults, alone.faults, beside.faults].into_iter().for_each(|found| faults += found);
        sample.faults = Some(faults);
        Ok(sample)
    }
}

impl Ready<'_> {
    async fn phase(&self, tempo: Tempo) -> anyhow::Result<Phase> {
        let Mixed { writers, size, window, .. } = *self.work;
        let load = Arc::new(Load {
            base: self.server.base.clone(),
            payload: Payload::new(size),
            batch: Batch::Single,
            streams: Streams::new(1, Batch::Single.content_type()),
            writers,
            first_writer: 0,
            tempo,
        });
        load.streams.create(&load.base).await?;
        let mut crew = Crew::start(&load, MOST_REQUESTS).await?;
        tokio::time::sleep(window.warm_up).await;
        let meter = Meter::start(self.server.pid)?;
        crew.measure();
        tokio::time::sleep(window.measured).await;
        let until = Instant::now();
        crew.stop();
        let usage = meter.stop(until);
        let acked = crew.join().await?;
        let (acks, latency) = crew.measured();
        let faults = read_back(&load, &acked).await?;
        load.streams.delete(&load.base).await?;
        Ok(Phase { acks, latency, usage: usage?, faults })
    }
}
