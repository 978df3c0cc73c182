//! Appends from a number of connections, one request outstanding on each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Ability, Beside, Needs, Prepared, Sample, Server, Unit, Window, Workload};
use crate::bench::client::Conn;
use crate::bench::ledger::Faults;
use crate::bench::meter::Meter;
use crate::bench::payload::Payload;
use crate::bench::reader::{READ_SIZE, read_all};
use crate::bench::runtime::run_bounded;
use crate::bench::streams::Streams;
use crate::bench::writers::{Acked, Batch, Crew, Load, Tempo};

/// No round sends more requests than this, however fast the server is.
const MOST_REQUESTS: u64 = 20_000_000;

/// Creating and deleting streams and reading back may take so much longer than the window.
const SLACK: Duration = Duration::from_secs(180);

/// Appends of records of one size.
#[derive(Clone, Debug)]
pub(crate) struct Append {
    /// Connections.
    pub(crate) connections: u16,
    /// Bytes a record.
    pub(crate) size: usize,
    /// Records a request.
    pub(crate) batch: Batch,
    /// Streams that they go to.
    pub(crate) streams: u32,
    /// How long.
    pub(crate) window: Window,
    /// Whether everything is read back.
    pub(crate) check: ReadBack,
}

/// Whether a round ends with reading back what was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadBack {
    /// It does.
    Everything,
    /// It does not.
    Nothing,
}

impl Workload for Append {
    fn title(&self) -> String {
        let Self { connections, size, streams, .. } = self;
        let what = match self.batch {
            Batch::Single => format!("append {size} B"),
            Batch::JsonArray(records) => format!("append JSON arrays of {records} x {size} B"),
        };
        let streams = if *streams == 1 { String::new() } else { format!(", {streams} streams") };
        let plural = if *connections == 1 { "" } else { "s" };
        format!("{what}, {connections} connection{plural}{streams}")
    }

    fn unit(&self) -> Unit {
        match self.batch {
            Batch::Single => Unit::Append,
            Batch::JsonArray(_) => Unit::Record,
        }
    }

    fn needs(&self) -> Needs {
        Needs::Appends
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        Ok(Box::new(Ready { work: self, server }))
    }
}

struct Ready<'a> {
    work: &'a Append,
    server: &'a Server,
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        let window = self.work.window;
        run_bounded(window.warm_up + window.measured + SLACK, self.measure())
    }
}

impl Ready<'_> {
    async fn measure(&self) -> anyhow::Result<Sample> {
        let Append { connections, size, batch, streams, window, check } = *self.work;
        let load = Arc::new(Load {
            base: self.server.base.clone(),
            payload: Payload::new(size),
            batch,
            streams: Streams::new(streams, batch.content_type()),
            writers: connections,
            first_writer: 0,
            tempo: Tempo::FlatOut,
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
        // If the server has died, a writer knows better why than the meter.
        let acked = crew.join().await?;
        let usage = usage?;

        let (acks, latency) = crew.measured();
        let records = acks * u64::from(batch.records());
        let mut sample = Sample::new(records, latency, &usage);
        let waits = usage.waits.map(|waits| waits as f64 / records.max(1) as f64);
        sample.beside.extend(waits.map(|waits| Beside::Waits.of(waits)));
        if check == ReadBack::Everything {
            match self.server.ability {
                Ability::Streams => sample.faults = Some(read_back(&load, &acked).await?),
                Ability::Appends | Ability::Polls | Ability::Broadcast { .. } => {
                    sample.notes.push("keeps nothing to read back".to_owned())
                }
            }
        }
        load.streams.delete(&load.base).await?;
        Ok(sample)
    }
}

/// Reads all streams of a load, and compares them with what was acknowledged.
pub(super) async fn read_back(load: &Load, acked: &Acked) -> anyhow::Result<Faults> {
    let mut conn = Conn::open(&load.base, READ_SIZE).await?;
    let between = load.batch.between();
    let mut faults = Faults::default();
    for (stream, acked) in (0..).zip(acked) {
        let target = load.streams.target(&load.base, stream);
        let pass = read_all(&mut conn, &load.base, &target, &load.payload, between, acked).await?;
        faults += pass.faults;
    }
    Ok(faults)
}
