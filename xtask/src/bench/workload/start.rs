//! How long a server takes from its start to its first answer, on what another of its kind has left behind.
//!
//! The data are made once, by a server that is then killed or stopped, and every start gets a copy of them, because a start may
//! change what the next one would find. They are in the page cache and on the disk: what is measured is the server's work, not a
//! cold disk, nor one that has to take in the copy first, which the server's own syncs would wait for.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::beside::Beside;
use super::catch_up::fill;
use super::{Needs, Prepared, Sample, Server, Unit, Workload};
use crate::bench::client::Conn;
use crate::bench::ledger::Faults;
use crate::bench::meter::{Meter, peak};
use crate::bench::payload::Payload;
use crate::bench::reader::{READ_SIZE, read_all};
use crate::bench::runtime::run_bounded;
use crate::bench::server::Own;
use crate::bench::stats::Latencies;
use crate::bench::streams::{Streams, read_request};
use crate::bench::writers::{Acked, Batch, Load, Tempo};

/// Connections that fill the streams.
const FILLERS: u16 = 256;

/// Filling may take so long; a slow server is measured on what it has by then.
const FILL_LIMIT: Duration = Duration::from_secs(300);

/// Creating all streams, and reading some of them back.
const SLACK: Duration = Duration::from_secs(600);

/// Streams that are read back after each start, spread over all.
const READ_BACK: usize = 100;

/// How a server was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By SIGKILL, right after its last answer.
    Killed,
    /// By SIGTERM, and waited for.
    Stopped,
}

/// Starting on so many streams and records.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// Streams.
    pub(crate) streams: u32,
    /// Records in all of them together.
    pub(crate) records: u64,
    /// Bytes of each.
    pub(crate) size: usize,
    /// How the server ended that made them.
    pub(crate) ending: Ending,
}

impl Workload for Start {
    fn title(&self) -> String {
        let Self { streams, records, size, ending } = self;
        let after = match ending {
            Ending::Killed => "kill -9",
            Ending::Stopped => "a clean stop",
        };
        format!("start after {after}, {streams} streams, {records} records of {size} B")
    }

    fn unit(&self) -> Unit {
        Unit::Start
    }

    fn needs(&self) -> Needs {
        Needs::Streams
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        let own =
            server.own.as_ref().context("only a server that was started here is started again")?;
        let folder = own.launcher.folder(&own.target)?;
        let image = folder.path().join("image");
        let server = own.launcher.start_on(&own.target, &image)?;
        let load = Arc::new(Load {
            base: server.base.clone(),
            payload: Payload::new(self.size),
            batch: Batch::Single,
            streams: Streams::new(self.streams, Batch::Single.content_type()),
            writers: FILLERS,
            first_writer: 0,
            tempo: Tempo::FlatOut,
        });
        let bytes = self.records * load.payload.size() as u64;
        let acked = run_bounded(FILL_LIMIT + SLACK, fill(&load, bytes, FILL_LIMIT))?;
        let peak = peak(server.pid.context("a server of ours has a process")?)?;
        match self.ending {
            Ending::Killed => drop(server),
            Ending::Stopped => server.stop()?,
        }
        Ok(Box::new(Ready { work: self, own, folder, image, load, acked, peak }))
    }
}

struct Ready<'a> {
    work: &'a Start,
    own: &'a Own,
    folder: TempDir,
    image: PathBuf,
    load: Arc<Load>,
    acked: Acked,
    /// Memory at most of the server that made the data.
    peak: u64,
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        let data = self.folder.path().join("data");
        copy(&self.image, &data)?;
        let begun = Instant::now();
        let server = self.own.launcher.start_on(&self.own.target, &data)?;
        let sample = run_bounded(SLACK, self.look(&server, begun));
        drop(server);
        // The next round begins with a copy, too.
        if data.exists() {
            fs::remove_dir_all(&data).with_context(|| format!("removing {}", data.display()))?;
        }
        sample
    }
}

impl Ready<'_> {
    async fn look(&self, server: &Server, begun: Instant) -> anyhow::Result<Sample> {
        let mut conn = Conn::open(&server.base, READ_SIZE).await?;
        let target = self.load.streams.target(&server.base, 0);
        conn.call(&read_request(&server.base, &target, "-1", ""), &[200]).await?;
        let took = begun.elapsed();
        let usage = Meter::since_start(server.pid.context("a server of ours has a process")?)?;
        let mut latencies = Latencies::new()?;
        latencies.record(took);
        let mut sample = Sample::new(1, latencies.quantiles(), &usage);
        sample.seconds = took.as_secs_f64();
        sample.beside.push(Beside::Peak.of(self.peak as f64));
        sample.faults = Some(self.read_back(server, &mut conn).await?);
        let records: u64 = self.acked.iter().flatten().map(|(_, count)| count).sum();
        if records < self.work.records {
            sample.notes.push(format!("{records} records in time"));
        }
        Ok(sample)
    }

    /// Some streams, spread over all, hold what was acknowledged to them.
    async fn read_back(&self, server: &Server, conn: &mut Conn) -> anyhow::Result<Faults> {
        let step = self.acked.len().div_ceil(READ_BACK).max(1);
        let mut faults = Faults::default();
        for (stream, acked) in (0..).zip(&self.acked).step_by(step) {
            let target = self.load.streams.target(&server.base, stream);
            let (payload, between) = (&self.load.payload, self.load.batch.between());
            let pass = read_all(conn, &server.base, &target, payload, between, acked).await?;
            faults += pass.faults;
        }
        Ok(faults)
    }
}

/// Copies a folder and all in it; one that is not there stays away.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .and_then(|_| fs::File::open(&target)?.sync_all())
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    ensure!(to.is_dir(), "{} is not a folder", to.display());
    Ok(())
}
