//! What a subscriber costs that is sent nothing.
//!
//! Each round has a server of its own, started fresh: memory that a server has used once is not given back, and would hide what
//! the next subscribers take. At the end one record goes to all of them, so that none is counted that is not there.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::channel::{Channel, SLACK};
use super::publisher::Pace;
use super::{Beside, Needs, Prepared, Sample, Server, Unit, Wire, Workload};
use crate::bench::meter::{Meter, Pid, resident};
use crate::bench::payload::Payload;
use crate::bench::reader::START;
use crate::bench::runtime::run_bounded;
use crate::bench::server::Own;

/// Subscribers that come and go before, for what is allocated once.
const WARM_UP: u32 = 10;

/// Memory counts when it has not changed between so many looks.
const SAME: u32 = 3;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Memory that still changes then is taken as it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// Subscribers that are sent nothing.
#[derive(Clone, Debug)]
pub(crate) struct Idle {
    /// How they are reached.
    pub(crate) wire: Wire,
    /// How many.
    pub(crate) subscribers: u32,
}

impl Workload for Idle {
    fn title(&self) -> String {
        format!("{} idle {} subscribers", self.subscribers, self.wire)
    }

    fn unit(&self) -> Unit {
        Unit::Subscriber
    }

    fn needs(&self) -> Needs {
        Needs::Subscribers(self.wire)
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        let own = server.own.as_ref().context("only a server that is started here is fresh")?;
        Ok(Box::new(Ready { work: self, own }))
    }
}

struct Ready<'a> {
    work: &'a Idle,
    own: &'a Own,
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        let server = self.own.launcher.start(&self.own.target)?;
        let sample = run_bounded(SLACK, self.measure(&server))?;
        server.stop()?;
        Ok(sample)
    }
}

impl Ready<'_> {
    async fn measure(&self, server: &Server) -> anyhow::Result<Sample> {
        let Idle { wire, subscribers } = *self.work;
        self.everybody(server, WARM_UP).await?;
        let pid = server.pid.context("a server of ours has a process")?;
        let before = settled(pid).await?;
        let meter = Meter::start(server.pid)?;

        let (channel, payload) = (Channel::open(server).await?, Payload::new(0));
        let audience = channel.gather(wire, START, &payload, subscribers).await?;
        let usage = meter.stop(Instant::now())?;
        let after = settled(pid).await?;
        let mut sample = Sample::new(u64::from(subscribers), None, &usage);
        sample.resident = Some(after);
        let each = after.saturating_sub(before) as f64 / f64::from(subscribers);
        sample.beside.push(Beside::IdleSubscriber.of(each));

        let source = channel.source(&payload, &audience, subscribers);
        let (source, _) = source.run(SLACK, 1, Pace::FlatOut).await?;
        channel.end().await?;
        let verdict = audience.disband(source.sent()).await?;
        sample.faults = Some(verdict.faults);
        sample.notes.extend(verdict.notes);
        channel.remove().await?;
        Ok(sample)
    }

    /// So many subscribers come, are told something, and go.
    async fn everybody(&self, server: &Server, subscribers: u32) -> anyhow::Result<()> {
        let (channel, payload) = (Channel::open(server).await?, Payload::new(0));
        let audience = channel.gather(self.work.wire, START, &payload, subscribers).await?;
        let source = channel.source(&payload, &audience, subscribers);
        let (source, _) = source.run(SLACK, 1, Pace::FlatOut).await?;
        channel.end().await?;
        audience.disband(source.sent()).await?;
        channel.remove().await
    }
}

/// Resident memory, when it changes no more.
async fn settled(pid: Pid) -> anyhow::Result<u64> {
    let begun = Instant::now();
    let (mut last, mut same) = (resident(pid)?, 0);
    while same < SAME && begun.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK).await;
        let now = resident(pid)?;
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
    Ok(last)
}
