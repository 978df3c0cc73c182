//! The kinds of work that are measured, one file each.
//!
//! A workload prepares a server once (fills a stream, say) and is then measured on it in rounds. Each
//! round is bounded in time and in number of requests, checks what it got back, and leaves no stream
//! behind.

mod append;
mod beside;
mod broadcaster;
mod catch_up;
mod channel;
mod creates;
mod fan_out;
mod idle;
mod long_poll;
mod many_streams;
mod mixed;
mod publisher;
mod readers;
mod slow_syncs;
mod start;
mod stuck;
mod subscriber;
mod tally;

use std::time::Duration;

use serde::Serialize;

use super::ledger::Faults;
use super::meter::Usage;
pub(crate) use super::server::Wire;
use super::server::{Ability, Needs, Server};
use super::stats::Quantiles;
pub(crate) use append::{Append, ReadBack};
pub(crate) use beside::{Beside, Figure};
pub(crate) use catch_up::CatchUp;
pub(crate) use creates::Creates;
pub(crate) use fan_out::{FanOut, Pace};
pub(crate) use idle::Idle;
pub(crate) use long_poll::LongPoll;
pub(crate) use many_streams::ManyStreams;
pub(crate) use mixed::Mixed;
pub(crate) use slow_syncs::SlowSyncs;
pub(crate) use start::{Ending, Start};
pub(crate) use stuck::Stuck;

/// How long the measured part of a round lasts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// The same work before it, not counted.
    pub(crate) warm_up: Duration,
    /// The counted part.
    pub(crate) measured: Duration,
    /// A record that has not come when nothing has for so long will not come.
    pub(crate) patience: Duration,
}

/// A row of the report.
pub(crate) trait Workload {
    /// What is done, for the report.
    fn title(&self) -> String;

    /// What is counted.
    fn unit(&self) -> Unit;

    /// What a server must be able to do.
    fn needs(&self) -> Needs;

    /// Gets a server ready.
    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>>;
}

/// A workload on a server that is ready for it.
pub(crate) trait Prepared {
    /// Measures once.
    fn round(&mut self) -> anyhow::Result<Sample>;
}

/// What a workload counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Acknowledged appends.
    Append,
    /// Acknowledged records, several in each append.
    Record,
    /// Bytes read.
    Byte,
    /// Records received, by all subscribers together.
    Delivery,
    /// Waiting readers woken.
    Wake,
    /// Streams created.
    Create,
    /// Starts of a server.
    Start,
    /// Answered reads.
    Read,
    /// Subscribers connected.
    Subscriber,
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    /// How many units.
    pub(crate) count: u64,
    /// In how many seconds.
    pub(crate) seconds: f64,
    /// Latencies in nanoseconds, where there are any.
    pub(crate) latency: Option<Quantiles>,
    /// Processor time of the server for one unit, in nanoseconds.
    pub(crate) server_nanos: Option<f64>,
    /// Processor time of the load generator for one unit, in nanoseconds.
    pub(crate) client_nanos: f64,
    /// Cores busy with something else, if the server's process is known.
    pub(crate) others: Option<f64>,
    /// The server's resident memory at the end, in bytes.
    pub(crate) resident: Option<u64>,
    /// What else the work is about.
    pub(crate) beside: Vec<Figure>,
    /// What the checks found; `None` where there was nothing to read back.
    pub(crate) faults: Option<Faults>,
    /// What the reader of the report should know.
    pub(crate) notes: Vec<String>,
}

impl Sample {
    /// A sample of `count` units over a window.
    fn new(count: u64, latency: Option<Quantiles>, usage: &Usage) -> Self {
        let per_unit = |time: Duration| time.as_secs_f64() * 1e9 / count.max(1) as f64;
        Self {
            count,
            seconds: usage.wall.as_secs_f64(),
            latency,
            server_nanos: usage.server.map(per_unit),
            client_nanos: per_unit(usage.client),
            others: usage.others,
            resident: usage.resident,
            beside: Vec::new(),
            faults: None,
            notes: Vec::new(),
        }
    }

    /// Units a second.
    pub(crate) fn rate(&self) -> f64 {
        self.count as f64 / self.seconds.max(f64::EPSILON)
    }
}
