//! One reader that reads a large stream from its start to its tail, again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::{Needs, Prepared, Sample, Server, Unit, Window, Workload};
use crate::bench::client::Conn;
use crate::bench::ledger::Faults;
use crate::bench::meter::Meter;
use crate::bench::payload::Payload;
use crate::bench::reader::{READ_SIZE, read_all};
use crate::bench::runtime::run_bounded;
use crate::bench::streams::Streams;
use crate::bench::writers::{Acked, Batch, Crew, Load, Tempo};

/// Enough for any server to group what it syncs.
const FILLERS: u16 = 32;

/// No round reads the stream more often than this.
const MOST_PASSES: u64 = 1000;

/// One pass may take so long before the round is given up.
const SLACK: Duration = Duration::from_secs(120);

/// Catching up on a stream of records of one size.
#[derive(Clone, Debug)]
pub(crate) struct CatchUp {
    /// Bytes the stream shall hold.
    pub(crate) bytes: u64,
    /// Bytes a record.
    pub(crate) size: usize,
    /// How it is filled: with records as they are, or with JSON arrays.
    pub(crate) batch: Batch,
    /// How long filling may take; a slow server is measured on what it has by then.
    pub(crate) fill_limit: Duration,
    /// How long.
    pub(crate) window: Window,
}

impl Workload for CatchUp {
    fn title(&self) -> String {
        let what = match self.batch {
            Batch::Single => "records",
            Batch::JsonArray(_) => "JSON values",
        };
        format!("catch-up of {} MiB in {what} of {} B", self.bytes >> 20, self.size)
    }

    fn unit(&self) -> Unit {
        Unit::Byte
    }

    fn needs(&self) -> Needs {
        Needs::Streams
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        let load = Arc::new(Load {
            base: server.base.clone(),
            payload: Payload::new(self.size),
            batch: self.batch,
            streams: Streams::new(1, self.batch.content_type()),
            writers: FILLERS,
            first_writer: 0,
            tempo: Tempo::FlatOut,
        });
        let acked = run_bounded(self.fill_limit + SLACK, fill(&load, self.bytes, self.fill_limit))?;
        let acked = acked.into_iter().next().context("one stream")?;
        let filled = acked.iter().map(|(_, count)| count * load.payload.size() as u64).sum();
        Ok(Box::new(Ready { work: self, server, load, acked, filled }))
    }
}

/// Creates the streams of a load and appends so many bytes, as far as that goes in the time.
pub(super) async fn fill(load: &Arc<Load>, bytes: u64, limit: Duration) -> anyhow::Result<Acked> {
    load.streams.create(&load.base).await?;
    let request = load.payload.size() as u64 * u64::from(load.batch.records());
    let mut crew = Crew::start(load, bytes.div_ceil(request)).await?;
    let limit = tokio::time::sleep(limit);
    tokio::pin!(limit);
    tokio::select! {
        acked = crew.join() => return acked,
        () = &mut limit => {}
    }
    crew.stop();
    crew.join().await
}

struct Ready<'a> {
    work: &'a CatchUp,
    server: &'a Server,
    load: Arc<Load>,
    acked: Vec<(u16, u64)>,
    filled: u64,
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        run_bounded(self.work.window.measured + 2 * SLACK, self.measure())
    }
}

impl Ready<'_> {
    async fn measure(&self) -> anyhow::Result<Sample> {
        let base = &self.load.base;
        let target = self.load.streams.target(base, 0);
        let mut conn = Conn::open(base, READ_SIZE).await?;
        let mut faults = Faults::default();
        let (mut bytes, mut pages, mut passes) = (0, 0, 0);
        let mut pass = async || {
            let payload = &self.load.payload;
            let between = self.load.batch.between();
            read_all(&mut conn, base, &target, payload, between, &self.acked).await
        };

        faults += pass().await?.faults;
        let meter = Meter::start(self.server.pid)?;
        while passes == 0
            || (passes < MOST_PASSES && meter.begun().elapsed() < self.work.window.measured)
        {
            let pass = pass().await?;
            (bytes, pages, passes) = (bytes + pass.bytes, pages + pass.pages, passes + 1);
            faults += pass.faults;
        }
        let usage = meter.stop(Instant::now())?;

        ensure!(bytes > 0, "the stream is empty");
        let mut sample = Sample::new(bytes, None, &usage);
        sample.faults = Some(faults);
        sample.notes.push(format!("{} pages a pass", pages / passes));
        if self.filled < self.work.bytes {
            sample.notes.push(format!("filled {} MiB in time", self.filled >> 20));
        }
        Ok(sample)
    }
}
