//! Empty creates that are sent at once: how long until the last is answered.

use std::time::{Duration, Instant};

use super::{Needs, Prepared, Sample, Server, Unit, Workload};
use crate::bench::creates::Creators;
use crate::bench::meter::Meter;
use crate::bench::runtime::run_bounded;
use crate::bench::stats::Latencies;

/// For all bursts of a round.
const LIMIT: Duration = Duration::from_secs(120);

/// Creates at once, several times in a round.
#[derive(Clone, Debug)]
pub(crate) struct Creates {
    /// How many at once.
    pub(crate) at_once: u32,
    /// How often.
    pub(crate) bursts: u32,
}

impl Workload for Creates {
    fn title(&self) -> String {
        format!("{} empty creates at once", self.at_once)
    }

    fn unit(&self) -> Unit {
        Unit::Create
    }

    fn needs(&self) -> Needs {
        Needs::Appends
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        Ok(Box::new(Ready { work: self, server, round: 0 }))
    }
}

struct Ready<'a> {
    work: &'a Creates,
    server: &'a Server,
    round: u32,
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        self.round += 1;
        run_bounded(LIMIT, self.measure())
    }
}

impl Ready<'_> {
    /// The latency of the sample is that of a whole burst, up to its last answer.
    async fn measure(&self) -> anyhow::Result<Sample> {
        let Creates { at_once, bursts } = *self.work;
        let mut creators = Creators::connect(&self.server.base, at_once).await?;
        let mut latencies = Latencies::new()?;
        let meter = Meter::start(self.server.pid)?;
        for _ in 0..bursts {
            latencies
                .record(creators.burst(&format!("{}-{}", std::process::id(), self.round)).await?);
        }
        let usage = meter.stop(Instant::now())?;
        Ok(Sample::new(u64::from(at_once * bursts), latencies.quantiles(), &usage))
    }
}
