//! What is measured: the arguments with all defaults settled.

mod alone;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::adapter::Alone;
use super::args::{BenchArgs, Kind};
use super::server::{Peer, Profile, Target};
use super::workload::{
    Append, CatchUp, Creates, Ending, FanOut, Idle, LongPoll, ManyStreams, Mixed, Pace, ReadBack,
    SlowSyncs, Start, Stuck, Window, Wire, Workload,
};
use super::writers::Batch;

/// Everything a run does.
pub(crate) struct Plan {
    /// The servers; ratios are to the first.
    pub(crate) targets: Vec<Target>,
    /// The rows.
    pub(crate) work: Vec<Box<dyn Workload>>,
    /// The rows without a server, after the others.
    pub(crate) alone: Vec<Alone>,
    /// Measurements of each server in each row.
    pub(crate) rounds: u32,
    /// How our own server is built.
    pub(crate) profile: Profile,
    most_connections: u64,
}

/// The numbers that `--quick` makes small.
struct Defaults {
    targets: &'static [Target],
    kinds: &'static [Kind],
    rounds: u32,
    window: Window,
    connections: &'static [u16],
    catch_up_mib: u64,
    subscribers: &'static [u32],
    rates: &'static [u32],
    most_published: u32,
    idle: u32,
    stuck: [u32; 2],
    waiters: &'static [u32],
    readers: u32,
    many_streams: u32,
    start: [(u32, u64); 2],
    at_once: u32,
    alone: &'static [(u32, u32)],
    packing: Duration,
    disk_mib: u64,
}

/// As in the project's tables: three seconds are enough for 5 % of precision where an operation costs
/// the server 10 us.
const FULL: Defaults = Defaults {
    targets: &[Target::HEADWATER, Target::NODE_FILE, Target::Null],
    kinds: &[Kind::Append, Kind::CatchUp, Kind::FanOut],
    rounds: 3,
    window: Window {
        warm_up: Duration::from_secs(1),
        measured: Duration::from_secs(3),
        patience: Duration::from_secs(10),
    },
    connections: &[1, 16, 256],
    catch_up_mib: 100,
    subscribers: &[1000, 100],
    rates: &[20, 200, 1000],
    idle: 5000,
    stuck: [1, 64],
    most_published: 20_000,
    waiters: &[1, 100],
    readers: 64,
    many_streams: 100_000,
    start: [(10_000, 1_000_000), (1_000_000, 0)],
    at_once: 300,
    alone: &[(64, 1), (64, 1000), (1024, 1), (1024, 1000)],
    packing: Duration::from_secs(300),
    disk_mib: 1024,
};

/// A few seconds in all, unoptimised.
const QUICK: Defaults = Defaults {
    targets: &[
        Target::HEADWATER,
        Target::Null,
        Target::Peer(Peer::BROKER),
        Target::Peer(Peer::HUB),
        Target::Peer(Peer::AXUM_SSE),
        Target::Peer(Peer::HYPER_SSE),
        Target::Peer(Peer::HYPER_POLL),
        Target::Peer(Peer::TUNGSTENITE),
        Target::Peer(Peer::FLOOR),
    ],
    kinds: Kind::ALL,
    rounds: 1,
    window: Window {
        warm_up: Duration::from_millis(100),
        measured: Duration::from_millis(300),
        patience: Duration::from_secs(5),
    },
    connections: &[1, 16],
    catch_up_mib: 4,
    subscribers: &[50],
    rates: &[200],
    idle: 50,
    stuck: [1, 3],
    most_published: 200,
    waiters: &[10],
    readers: 4,
    many_streams: 300,
    start: [(50, 500), (300, 0)],
    at_once: 30,
    alone: &[(64, 10)],
    packing: Duration::from_millis(500),
    disk_mib: 2,
};

/// The few streams that many are compared with.
const FEW_STREAMS: u32 = 100;

/// Connections that append to many streams, or beside readers.
const SOME_CONNECTIONS: u16 = 16;

/// What a sync takes on a disk that is slow.
const SLOW_SYNC: Duration = Duration::from_millis(5);

/// Bursts of creates in a round.
const BURSTS: u32 = 10;

/// Fillers of a start, and a burst of creates, may be more than all connections that can be chosen.
const CONNECTIONS_AT_LEAST: u64 = 300;

/// Records a second beside subscribers that read nothing.
const STUCK_PACE: Pace = Pace::PerSecond(200.0);

/// Batches are for throughput, which one connection does not show.
const BATCH_CONNECTIONS: &[u16] = &[16];

/// A slow server is measured on what it could be filled with in this time.
const FILL_LIMIT: Duration = Duration::from_secs(240);

impl Plan {
    /// Settles the defaults.
    pub(crate) fn new(args: &BenchArgs) -> Self {
        let settled = Settled::new(args);
        let Settled { defaults, connections, waiters, subscribers, .. } = &settled;
        let (mut work, mut rows) = (Vec::new(), Vec::new());
        for kind in given(&args.workloads, defaults.kinds) {
            work.extend(settled.work(kind));
            rows.extend(settled.alone(kind));
        }
        let most = connections.iter().map(|connections| u64::from(*connections));
        let most = most.chain(waiters.iter().map(|readers| u64::from(*readers)));
        let most = most.chain(subscribers.iter().map(|subscribers| u64::from(*subscribers)));
        let most = most.chain([CONNECTIONS_AT_LEAST, u64::from(defaults.idle)]);
        // Nothing has to be built or installed for rows that have no server.
        let targets = given(&args.targets, defaults.targets);
        Self {
            targets: if work.is_empty() { Vec::new() } else { targets },
            work,
            alone: rows,
            rounds: args.rounds.unwrap_or(defaults.rounds),
            profile: args.profile(),
            most_connections: most.max().unwrap_or_default(),
        }
    }

    /// Connections open at a time.
    pub(crate) fn most_connections(&self) -> u64 {
        self.most_connections
    }
}

/// The arguments, and what they leave open.
struct Settled<'a> {
    args: &'a BenchArgs,
    defaults: Defaults,
    window: Window,
    connections: Vec<u16>,
    waiters: Vec<u32>,
    subscribers: Vec<u32>,
}

impl<'a> Settled<'a> {
    fn new(args: &'a BenchArgs) -> Self {
        let defaults = if args.quick { QUICK } else { FULL };
        let window = Window {
            warm_up: args.warm_up.unwrap_or(defaults.window.warm_up),
            measured: args.secs.unwrap_or(defaults.window.measured),
            patience: defaults.window.patience,
        };
        let connections = given(&args.connections, defaults.connections);
        let waiters = given(&args.waiters, defaults.waiters);
        let subscribers = given(&args.subscribers, defaults.subscribers);
        Self { args, defaults, window, connections, waiters, subscribers }
    }

    /// The rows of a kind that have servers.
    fn work(&self, kind: Kind) -> Vec<Box<dyn Workload>> {
        let Self { args, defaults, window, .. } = self;
        let (size, window) = (args.size as usize, *window);
        let start = |(streams, records), ending| Start { streams, records, size, ending };
        match kind {
            Kind::Append => self.appends(Batch::Single, &self.connections),
            Kind::JsonBatch => {
                let connections = given(&args.connections, BATCH_CONNECTIONS);
                self.appends(Batch::JsonArray(args.batch), &connections)
            }
            Kind::CatchUp => vec![Box::new(self.catch_up(Batch::Single))],
            Kind::CatchUpJson => vec![Box::new(self.catch_up(Batch::JsonArray(args.batch)))],
            Kind::FanOut => self.fan_outs(Wire::Sse),
            Kind::WebSocket => self.fan_outs(Wire::WebSocket),
            Kind::Idle => {
                let row = |wire| boxed(Idle { wire, subscribers: defaults.idle });
                [Wire::Sse, Wire::WebSocket].map(row).into()
            }
            Kind::Stuck => {
                let [events, sockets] = defaults.stuck;
                vec![self.stuck(Wire::Sse, events), self.stuck(Wire::WebSocket, sockets)]
            }
            Kind::LongPoll => {
                let row = |&readers| boxed(LongPoll { readers, size, window });
                self.waiters.iter().map(row).collect()
            }
            Kind::Mixed => vec![Box::new(Mixed {
                writers: SOME_CONNECTIONS,
                size,
                readers: defaults.readers,
                bytes: args.catch_up_mib.unwrap_or(defaults.catch_up_mib) << 20,
                window,
            })],
            Kind::SlowSyncs => vec![Box::new(SlowSyncs {
                writers: SOME_CONNECTIONS,
                size,
                sync: SLOW_SYNC,
                window,
            })],
            Kind::ManyStreams => vec![Box::new(ManyStreams {
                connections: SOME_CONNECTIONS,
                size,
                streams: args.streams.unwrap_or(defaults.many_streams),
                few: FEW_STREAMS,
                window,
                check: self.check(),
            })],
            Kind::StartKilled => vec![Box::new(start(defaults.start[0], Ending::Killed))],
            Kind::StartIdle => vec![Box::new(start(defaults.start[1], Ending::Stopped))],
            Kind::Creates => {
                vec![Box::new(Creates { at_once: defaults.at_once, bursts: BURSTS })]
            }
            Kind::Adapter | Kind::Packing => Vec::new(),
        }
    }

    fn check(&self) -> ReadBack {
        if self.args.verify || self.args.quick { ReadBack::Everything } else { ReadBack::Nothing }
    }

    fn catch_up(&self, batch: Batch) -> CatchUp {
        CatchUp {
            bytes: self.args.catch_up_mib.unwrap_or(self.defaults.catch_up_mib) << 20,
            size: self.args.catch_up_size as usize,
            batch,
            fill_limit: FILL_LIMIT,
            window: self.window,
        }
    }

    fn fan_outs(&self, wire: Wire) -> Vec<Box<dyn Workload>> {
        let row = |(subscribers, pace)| boxed(self.fan_out(wire, subscribers, pace));
        // The most subscribers are what a pace is a load with.
        let first = self.subscribers.iter().take(1);
        let rates = given(&self.args.rates, self.defaults.rates);
        let paced = first.flat_map(|subscribers| {
            rates.iter().map(|rate| (*subscribers, Pace::PerSecond(f64::from(*rate))))
        });
        let flat_out = self.subscribers.iter().map(|subscribers| (*subscribers, Pace::FlatOut));
        paced.chain(flat_out).map(row).collect()
    }

    fn fan_out(&self, wire: Wire, subscribers: u32, pace: Pace) -> FanOut {
        FanOut {
            wire,
            subscribers,
            size: self.args.fan_out_size as usize,
            pace,
            most: self.defaults.most_published,
            window: self.window,
        }
    }

    /// The most subscribers, at a pace that a server has time for.
    fn stuck(&self, wire: Wire, stuck: u32) -> Box<dyn Workload> {
        let subscribers = self.subscribers.first().copied().unwrap_or_default();
        boxed(Stuck { stuck, fan_out: self.fan_out(wire, subscribers, STUCK_PACE) })
    }

    fn appends(&self, batch: Batch, connections: &[u16]) -> Vec<Box<dyn Workload>> {
        let row = |connections: &u16| {
            boxed(Append {
                connections: *connections,
                size: self.args.size as usize,
                batch,
                streams: self.args.streams.unwrap_or(1),
                window: self.window,
                check: self.check(),
            })
        };
        connections.iter().map(row).collect()
    }
}

fn boxed(work: impl Workload + 'static) -> Box<dyn Workload> {
    Box::new(work)
}

fn given<T: Clone>(given: &[T], default: &[T]) -> Vec<T> {
    if given.is_empty() { default.to_vec() } else { given.to_vec() }
}
