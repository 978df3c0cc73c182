//! What can be said on the command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;

use super::server::{Profile, Target};

/// Arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// A server to measure; repeat it to compare, ratios are to the first. One of headwater,
    /// headwater-STORAGE, headwater-STORAGE,sync=TIME, dsr (durable-streams 0.1.5, the protocol
    /// authors' server in Rust), dsr-mem (the same, not durable), node-file, node-mem, null (answers
    /// every append, the floor), hyper-poll (the same for long polls), one of those that broadcast: broker,
    /// hub, axum-sse, hyper-sse, tungstenite,
    /// tungstenite-2w (a second worker), floor, floor-4, floor-16 (so many messages in a write), or
    /// url=NAME=http://127.0.0.1:PORT/v1/stream[,pid=PID] for one that runs already
    /// [default: headwater node-file null; with --quick: headwater null, and those that broadcast]
    #[arg(long = "target", value_name = "TARGET")]
    pub(super) targets: Vec<Target>,

    /// What to measure [default: append,catch-up,fan-out; with --quick: all]
    #[arg(long = "workload", value_enum, value_delimiter = ',', value_name = "WORKLOAD,…")]
    pub(super) workloads: Vec<Kind>,

    /// A short run with small numbers and every check, to see that all this works
    #[arg(long)]
    pub(super) quick: bool,

    /// Measurements of each server in each row [default: 3; with --quick: 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(super) rounds: Option<u32>,

    /// Length of a measurement in seconds [default: 3, of packing: 300; with --quick: 0.3]
    #[arg(long, value_parser = seconds)]
    pub(super) secs: Option<Duration>,

    /// The same work before each measurement, in seconds [default: 1; with --quick: 0.1]
    #[arg(long, value_parser = seconds)]
    pub(super) warm_up: Option<Duration>,

    /// Connections that append [default: 1,16,256; with --quick: 1,16; for json-batch: 16]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(super) connections: Vec<u16>,

    /// Bytes of an appended record
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(26..=1_048_576))]
    pub(super) size: u32,

    /// Streams that appends go to [default: 1; for many-streams: 100000, with --quick: 300]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) streams: Option<u32>,

    /// Records in one append of the workload json-batch
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) batch: u32,

    /// Read everything back after each round of appends; --quick always does
    #[arg(long)]
    pub(super) verify: bool,

    /// MiB to catch up on [default: 100; with --quick: 4]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(super) catch_up_mib: Option<u64>,

    /// Bytes of a record to catch up on
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(26..=1_048_576))]
    pub(super) catch_up_size: u32,

    /// Subscribers of a fan-out; the first number is also paced [default: 1000,100; with --quick: 50]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=15_000))]
    pub(super) subscribers: Vec<u32>,

    /// Bytes of a fanned-out record
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(26..=1_048_576))]
    pub(super) fan_out_size: u32,

    /// Records a second of a paced fan-out [default: 20,200,1000; with --quick: 200]
    #[arg(long = "rate", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) rates: Vec<u32>,

    /// Readers that wait in a long poll [default: 1,100; with --quick: 10]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=15_000))]
    pub(super) waiters: Vec<u32>,

    /// Fail unless the first server is ahead of this other one in every row, by rate and by processor
    /// time
    #[arg(long, value_name = "TARGET")]
    pub(super) demand_ahead: Option<Target>,

    /// Also write everything measured to a file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,

    /// Also write the tables to a file, in markdown
    #[arg(long, value_name = "FILE")]
    pub(super) markdown: Option<PathBuf>,

    /// Where servers put their data while they are measured [default: a folder in target/]
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// Be the server of the target `null`
    #[arg(long, hide = true)]
    pub(super) serve_null: bool,
}

/// A kind of work; the others have rows of their own for each number of connections or pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Kind {
    /// Appends of one record.
    Append,
    /// Appends of JSON arrays of records.
    JsonBatch,
    /// Reading a large stream from its start.
    CatchUp,
    /// SSE to many subscribers, flat out and paced.
    FanOut,
    /// WebSockets of many subscribers, flat out and paced.
    WebSocket,
    /// Subscribers that are sent nothing.
    Idle,
    /// Subscribers beside others that read nothing.
    Stuck,
    /// Waking readers that wait in a long poll.
    LongPoll,
    /// Reading a large stream of JSON from its start.
    CatchUpJson,
    /// Appends at half the most that is possible, while readers catch up.
    Mixed,
    /// Reads of what is recent, while syncs take 5 ms.
    SlowSyncs,
    /// Appends to a hundred thousand streams at random, beside a hundred.
    ManyStreams,
    /// The first answer after kill -9, with a million records in ten thousand streams.
    StartKilled,
    /// The first answer with a million streams that nobody uses.
    StartIdle,
    /// Three hundred empty creates at once.
    Creates,
    /// Storage adapters on their own, without a server, beside a plain file.
    Adapter,
    /// The journal on its own for five minutes: the rate that packing keeps up with.
    Packing,
}

impl Kind {
    /// All, as they are measured one after the other.
    pub(super) const ALL: &[Self] = &[
        Self::Append,
        Self::JsonBatch,
        Self::CatchUp,
        Self::CatchUpJson,
        Self::FanOut,
        Self::WebSocket,
        Self::Idle,
        Self::Stuck,
        Self::LongPoll,
        Self::Mixed,
        Self::SlowSyncs,
        Self::ManyStreams,
        Self::StartKilled,
        Self::StartIdle,
        Self::Creates,
        Self::Adapter,
        Self::Packing,
    ];
}

impl BenchArgs {
    /// With what profile what is our own is built.
    pub(super) fn profile(&self) -> Profile {
        if self.quick { Profile::Dev } else { Profile::Release }
    }
}

/// Bounded, because a benchmark is no siege.
fn seconds(text: &str) -> anyhow::Result<Duration> {
    let seconds: f64 = text.parse()?;
    ensure!((0.05..=300.0).contains(&seconds), "expected 0.05 to 300 seconds");
    Ok(Duration::from_secs_f64(seconds))
}
