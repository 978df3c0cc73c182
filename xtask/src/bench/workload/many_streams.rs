//! Appends to many streams at random, beside appends to few; what a stream costs in memory while nobody uses it, and in files.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::append::{ReadBack, read_back};
use super::beside::Beside;
use super::{Needs, Prepared, Sample, Server, Unit, Window, Workload};
use crate::bench::meter::{Meter, resident};
use crate::bench::payload::Payload;
use crate::bench::runtime::run_bounded;
use crate::bench::streams::Streams;
use crate::bench::writers::{Acked, Batch, Crew, Load, Tempo};

/// No round sends more requests than this, however fast the server is.
const MOST_REQUESTS: u64 = 20_000_000;

/// Creating all streams, and reading all of them back.
const SLACK: Duration = Duration::from_secs(600);

/// Between two looks at a server's memory, where measurements are not shorter.
const LOOK: Duration = Duration::from_secs(2);

/// Looks in a row at which it has not become less, after which it is at rest: a server may keep what was used last for ten seconds.
const QUIET: u32 = 5;

/// Looks at most.
const LOOKS: u32 = 15;

/// Appends of records of one size.
#[derive(Clone, Debug)]
pub(crate) struct ManyStreams {
    /// Connections.
    pub(crate) connections: u16,
    /// Bytes a record.
    pub(crate) size: usize,
    /// The many streams.
    pub(crate) streams: u32,
    /// The few to compare with.
    pub(crate) few: u32,
    /// How long.
    pub(crate) window: Window,
    /// Whether everything is read back.
    pub(crate) check: ReadBack,
}

impl Workload for ManyStreams {
    fn title(&self) -> String {
        let Self { connections, size, streams, few, .. } = self;
        format!(
            "append {size} B to {streams} streams at random, {connections} connections, beside {few} streams"
        )
    }

    fn unit(&self) -> Unit {
        Unit::Append
    }

    fn needs(&self) -> Needs {
        Needs::Streams
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        let new = |count| Streams::new(count, Batch::Single.content_type());
        let (few, many) = (Set::new(new(self.few)), Set::new(new(self.streams)));
        run_bounded(SLACK, few.streams.create(&server.base))?;
        let look = LOOK.min(self.window.measured);
        let before = at_rest(server, look)?;
        run_bounded(SLACK, many.streams.create(&server.base))?;
        let after = at_rest(server, look)?;
        let idle_stream = before
            .zip(after)
            .map(|(before, after)| after.saturating_sub(before) as f64 / f64::from(self.streams));
        Ok(Box::new(Ready { work: self, server, few, many, idle_stream, round: 0 }))
    }
}

/// A server's memory when it has come to rest.
fn at_rest(server: &Server, look: Duration) -> anyhow::Result<Option<u64>> {
    let Some(pid) = server.pid else { return Ok(None) };
    server.settle()?;
    let (mut least, mut quiet) = (resident(pid)?, 0);
    for _ in 0..LOOKS {
        thread::sleep(look);
        let now = resident(pid)?;
        quiet = if now < least { 0 } else { quiet + 1 };
        least = least.min(now);
        if quiet == QUIET {
            break;
        }
    }
    Ok(Some(least))
}

/// Streams, and what they hold.
struct Set {
    streams: Streams,
    acked: Acked,
}

struct Ready<'a> {
    work: &'a ManyStreams,
    server: &'a Server,
    few: Set,
    many: Set,
    idle_stream: Option<f64>,
    /// Rounds so far; each has writers of its own, because streams stay.
    round: u16,
}

impl Set {
    fn new(streams: Streams) -> Self {
        Self { acked: vec![Vec::new(); streams.count() as usize], streams }
    }
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        let Self { work, server, few, many, round, .. } = self;
        let window = work.window;
        let mut sample = run_bounded(2 * (window.warm_up + window.measured) + SLACK, async {
            let at_few = measure(work, server, few, *round).await?;
            let mut at_many = measure(work, server, many, *round).await?;
            at_many.beside.push(Beside::OfFew.of(at_many.rate() / at_few.rate()));
            at_many.faults = at_many.faults.zip(at_few.faults).map(|(mut faults, other)| {
                faults += other;
                faults
            });
            Ok(at_many)
        })?;
        self.round += 1;
        sample.beside.extend(self.idle_stream.map(|bytes| Beside::IdleStream.of(bytes)));
        if let Some(own) = &self.server.own {
            sample.beside.push(Beside::Files.of(files(&own.data)? as f64));
        }
        Ok(sample)
    }
}

async fn measure(
    work: &ManyStreams,
    server: &Server,
    set: &mut Set,
    round: u16,
) -> anyhow::Result<Sample> {
    let load = Arc::new(Load {
        base: server.base.clone(),
        payload: Payload::new(work.size),
        batch: Batch::Single,
        streams: set.streams.clone(),
        writers: work.connections,
        first_writer: round * work.connections,
        tempo: Tempo::FlatOut,
    });
    let mut crew = Crew::start(&load, MOST_REQUESTS).await?;
    tokio::time::sleep(work.window.warm_up).await;
    let meter = Meter::start(server.pid)?;
    crew.measure();
    tokio::time::sleep(work.window.measured).await;
    let until = Instant::now();
    crew.stop();
    let usage = meter.stop(until);
    for (all, more) in set.acked.iter_mut().zip(crew.join().await?) {
        all.extend(more);
    }
    let (acks, latency) = crew.measured();
    let mut sample = Sample::new(acks, latency, &usage?);
    if work.check == ReadBack::Everything {
        sample.faults = Some(read_back(&load, &set.acked).await?);
    }
    Ok(sample)
}

/// How many files there are in a folder and all folders in it.
fn files(folder: &Path) -> anyhow::Result<u64> {
    let mut count = 0;
    // In-memory servers make no folder.
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(0) };
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        count += if is_folder { files(&entry.path())? } else { 1 };
    }
    Ok(count)
}
