//! Readers that wait in a long poll, and one record that wakes them all.
//!
//! The figure is the time from sending the record to a reader's whole response, and what a wake costs
//! the server, the next poll included.

use std::time::{Duration, Instant};

use super::publisher::Publisher;
use super::subscriber::{Audience, Live};
use super::tally::Wait;
use super::{Needs, Prepared, Sample, Server, Unit, Window, Workload};
use crate::bench::meter::Meter;
use crate::bench::payload::Payload;
use crate::bench::reader::START;
use crate::bench::runtime::run_bounded;
use crate::bench::streams::Streams;

/// Between two records, so that all readers wait again; whether they do is not to be seen from here, and
/// one that came late gets its record all the same.
const PAUSE: Duration = Duration::from_millis(15);

/// Sent before the window.
const WARM_UP_RECORDS: u32 = 5;

/// Connecting and slow wakes may take so much longer than the window.
const SLACK: Duration = Duration::from_secs(120);

/// Waking readers of one stream.
#[derive(Clone, Debug)]
pub(crate) struct LongPoll {
    /// Connections that wait.
    pub(crate) readers: u32,
    /// Bytes a record.
    pub(crate) size: usize,
    /// How long.
    pub(crate) window: Window,
}

impl Workload for LongPoll {
    fn title(&self) -> String {
        let Self { readers, size, .. } = self;
        let plural = if *readers == 1 { "" } else { "s" };
        format!("long-poll wake of {readers} reader{plural}, {size} B")
    }

    fn unit(&self) -> Unit {
        Unit::Wake
    }

    fn needs(&self) -> Needs {
        Needs::Polls
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        Ok(Box::new(Ready { work: self, server }))
    }
}

struct Ready<'a> {
    work: &'a LongPoll,
    server: &'a Server,
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        run_bounded(self.work.window.measured + SLACK, self.measure())
    }
}

impl Ready<'_> {
    async fn measure(&self) -> anyhow::Result<Sample> {
        let LongPoll { readers, size, window } = *self.work;
        let base = &self.server.base;
        let payload = Payload::new(size);
        let streams = Streams::new(1, "text/plain");
        streams.create(base).await?;
        let target = streams.target(base, 0);
        let from = (target.as_str(), START);
        let audience = Audience::gather(base, from, &payload, Live::LongPoll, readers).await?;
        let tally = audience.tally();
        let mut publisher = Publisher::new(base, &streams, &payload);
        let mut conn = publisher.connect().await?;
        let mut wake_all = async || {
            tokio::time::sleep(PAUSE).await;
            publisher.publish(&mut conn, Instant::now()).await?;
            let goal = u64::from(publisher.sent()) * u64::from(readers);
            let wait = tally.wait_for(goal, window.patience).await;
            anyhow::Ok((wait, publisher.sent()))
        };

        let (mut wait, mut sent) = (Wait::AllThere, 0);
        while wait == Wait::AllThere && sent < WARM_UP_RECORDS {
            (wait, sent) = wake_all().await?;
        }
        let before = tally.deliveries();
        tally.measure()?;
        let meter = Meter::start(self.server.pid)?;
        // A reader that was not woken stays behind for good: waiting again and again tells no more.
        while wait == Wait::AllThere && meter.begun().elapsed() < window.measured {
            (wait, sent) = wake_all().await?;
        }
        let (last, latency) = tally.measured();
        let usage = meter.stop(last)?;

        let mut sample = Sample::new(tally.deliveries() - before, latency, &usage);
        streams.close(base).await?;
        let verdict = audience.disband(sent).await?;
        sample.faults = Some(verdict.faults);
        sample.notes.extend(verdict.notes);
        streams.delete(base).await?;
        Ok(sample)
    }
}
