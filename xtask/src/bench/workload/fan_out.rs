//! One writer and many subscribers, over SSE or WebSocket.
//!
//! Flat out, the writer goes as fast as its acknowledgements come, or as what it sent arrives, and the figure is deliveries a
//! second and what each costs; latency is backlog then. Paced, there is no backlog, and the figures are the
//! latency from the moment a record was due to its arrival, and the cost of a delivery alone.

use super::channel::{Channel, SLACK};
pub(crate) use super::publisher::Pace;
use super::{Beside, Needs, Prepared, Sample, Server, Unit, Window, Wire, Workload};
use crate::bench::meter::Meter;
use crate::bench::payload::Payload;
use crate::bench::reader::START;
use crate::bench::runtime::run_bounded;

/// Sent before the window, so that every subscriber has had something.
const WARM_UP_RECORDS: u32 = 10;

/// A fan-out of records of one size.
#[derive(Clone, Debug)]
pub(crate) struct FanOut {
    /// How subscribers are reached.
    pub(crate) wire: Wire,
    /// Connections.
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
        let Self { wire, subscribers, size, pace, .. } = self;
        format!("{wire} fan-out of {size} B to {subscribers} subscribers, {pace}")
    }

    fn unit(&self) -> Unit {
        Unit::Delivery
    }

    fn needs(&self) -> Needs {
        Needs::Subscribers(self.wire)
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
        run_bounded(self.work.window.measured + SLACK, async {
            let channel = Channel::open(self.server).await?;
            let sample = self.work.measure(self.server, &channel, START).await?;
            channel.remove().await?;
            Ok(sample)
        })
    }
}

impl FanOut {
    /// Measures on a channel that holds nothing behind `offset`, and ends it.
    pub(super) async fn measure(
        &self,
        server: &Server,
        channel: &Channel<'_>,
        offset: &str,
    ) -> anyhow::Result<Sample> {
        let Self { wire, subscribers, size, pace, most, window } = *self;
        let payload = Payload::new(size);
        let audience = channel.gather(wire, offset, &payload, subscribers).await?;
        let tally = audience.tally();
        let everyone = |records: u32| u64::from(records) * u64::from(subscribers);

        let source = channel.source(&payload, &audience, subscribers);
        let (source, _) = source.run(window.warm_up, WARM_UP_RECORDS, Pace::FlatOut).await?;
        tally.wait_for(everyone(source.sent()), window.patience).await;
        let (warm, before) = (source.sent(), tally.deliveries());

        tally.measure()?;
        let meter = Meter::start(server.pid)?;
        let (source, told) = source.run(window.measured, most, pace).await?;
        let sending = meter.begun().elapsed();
        let sent = source.sent();
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
        if let Some(told) = told {
            sample.beside.extend([
                Beside::Publish.of(told.p50 as f64),
                Beside::PublishTail.of(told.p99 as f64),
                Beside::PublishLongest.of(told.max as f64),
                Beside::PublishPreempted.of(f64::from(told.preempted)),
                Beside::PublishUndisturbedTail.of(told.undisturbed_p99 as f64),
            ]);
            if told.dropped > 0 {
                sample.notes.push(format!("{} not sent to everybody", told.dropped));
            }
        }
        channel.end().await?;
        let verdict = audience.disband(sent).await?;
        sample.faults = Some(verdict.faults);
        sample.notes.extend(verdict.notes);
        Ok(sample)
    }
}
