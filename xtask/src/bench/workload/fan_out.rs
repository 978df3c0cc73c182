//! One writer and many subscribers over SSE.
//!
//! Flat out, the writer goes as fast as its acknowledgements come, and the figure is deliveries a second
//! and what each costs; latency is backlog then. Paced, there is no backlog, and the figures are the
//! latency from the moment a record was due to its arrival, and the cost of a delivery alone.

use std::time::Duration;

use anyhow::Context;

pub(crate) use super::publisher::Pace;
use super::publisher::Publisher;
use super::subscriber::{Audience, Live};
use super::{Ability, Prepared, Sample, Server, Unit, Window, Workload};
use crate::bench::meter::Meter;
use crate::bench::payload::Payload;
use crate::bench::runtime::run_bounded;
use crate::bench::streams::Streams;

/// Sent before the window, so that every subscriber has had something.
const WARM_UP_RECORDS: u32 = 10;

/// Connecting, and draining what a slow server has queued, may take so much longer than the window.
const SLACK: Duration = Duration::from_secs(180);

/// A fan-out of records of one size.
#[derive(Clone, Debug)]
pub(crate) struct FanOut {
    /// SSE connections.
    pub(crate) subscribers: u32,
    /// Bytes a record.
    pub(crate) size: usize,
    /// How fast the writer sends.
    pub(crate) pace: Pace,
    /// It stops at so many records, however fast they are acknowledged.
    pub(crate) most: u32,
    /// How long it sends.
    pub(crate) window: Window,
}

impl Workload for FanOut {
    fn title(&self) -> String {
        let Self { subscribers, size, .. } = self;
        let pace = match self.pace {
            Pace::FlatOut => "flat out".to_owned(),
            Pace::PerSecond(rate) => format!("{rate}/s"),
        };
        format!("SSE fan-out of {size} B to {subscribers} subscribers, {pace}")
    }

    fn unit(&self) -> Unit {
        Unit::Delivery
    }

    fn needs(&self) -> Ability {
        Ability::Everything
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        Ok(Box::new(Ready { work: self, server }))
    }
}

struct Ready<'a> {
    work: &'a FanOut,
    server: &'a Server,
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        run_bounded(self.work.window.measured + SLACK, self.measure())
    }
}

impl Ready<'_> {
    async fn measure(&self) -> anyhow::Result<Sample> {
        let FanOut { subscribers, size, pace, most, window } = *self.work;
        let base = &self.server.base;
        let payload = Payload::new(size);
        let streams = Streams::new(1, "text/plain");
        streams.create(base).await?;
        let target = streams.target(base, 0);
        let audience = Audience::gather(base, &target, &payload, Live::Sse, subscribers).await?;
        let tally = audience.tally();
        let everyone = |records: u32| u64::from(records) * u64::from(subscribers);

        let publisher = Publisher::new(base, &streams, &payload);
        let publisher = apart(publisher, window.warm_up, WARM_UP_RECORDS, Pace::FlatOut).await?;
        tally.wait_for(everyone(publisher.sent()), window.patience).await;
        let (warm, before) = (publisher.sent(), tally.deliveries());

        tally.measure()?;
        let meter = Meter::start(self.server.pid)?;
        let publisher = apart(publisher, window.measured, most, pace).await?;
        let sending = meter.begun().elapsed();
        let sent = publisher.sent();
        tally.wait_for(everyone(sent), window.patience).await;
        let (last, latency) = tally.measured();
        let usage = meter.stop(last)?;

        let mut sample = Sample::new(tally.deliveries() - before, latency, &usage);
        sample.notes.push(match pace {
            Pace::FlatOut => {
                format!("{:.0} published a second", f64::from(sent - warm) / sending.as_secs_f64())
            }
            Pace::PerSecond(rate) => {
                let due = (window.measured.as_secs_f64() * rate).ceil().min(f64::from(most));
                format!("{} of {due} published in time", sent - warm)
            }
        });
        streams.close(base).await?;
        let verdict = audience.disband(sent).await?;
        sample.faults = Some(verdict.faults);
        sample.notes.extend(verdict.notes);
        streams.delete(base).await?;
        Ok(sample)
    }
}

/// Runs the publisher on a thread of its own, so that it neither waits for the subscribers' reads nor
/// delays them.
async fn apart(
    mut publisher: Publisher,
    time: Duration,
    most: u32,
    pace: Pace,
) -> anyhow::Result<Publisher> {
    let (sender, done) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let work = async move {
            publisher.run(time, most, pace).await?;
            Ok(publisher)
        };
        // The receiver is gone if the round was given up.
        let _ = sender.send(run_bounded(time + SLACK, work));
    });
    done.await.context("the publisher's thread")?
}
