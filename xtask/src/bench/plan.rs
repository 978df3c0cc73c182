//! What is measured: the arguments with all defaults settled.

use std::time::Duration;

use super::args::{BenchArgs, Kind};
use super::server::{Profile, Target};
use super::workload::{Append, CatchUp, FanOut, LongPoll, Pace, ReadBack, Window, Workload};
use super::writers::Batch;

/// Everything a run does.
pub(crate) struct Plan {
    /// The servers; ratios are to the first.
    pub(crate) targets: Vec<Target>,
    /// The rows.
    pub(crate) work: Vec<Box<dyn Workload>>,
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
    subscribers: u32,
    most_published: u32,
    waiters: &'static [u32],
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
    subscribers: 1000,
    most_published: 20_000,
    waiters: &[1, 100],
};

/// A few seconds in all, unoptimised.
const QUICK: Defaults = Defaults {
    targets: &[Target::HEADWATER, Target::Null],
    kinds: &[Kind::Append, Kind::JsonBatch, Kind::CatchUp, Kind::FanOut, Kind::LongPoll],
    rounds: 1,
    window: Window {
        warm_up: Duration::from_millis(100),
        measured: Duration::from_millis(300),
        patience: Duration::from_secs(5),
    },
    connections: &[1, 16],
    catch_up_mib: 4,
    subscribers: 50,
    most_published: 200,
    waiters: &[10],
};

/// Batches are for throughput, which one connection does not show.
const BATCH_CONNECTIONS: &[u16] = &[16];

/// A slow server is measured on what it could be filled with in this time.
const FILL_LIMIT: Duration = Duration::from_secs(240);

impl Plan {
    /// Settles the defaults.
    pub(crate) fn new(args: &BenchArgs) -> Self {
        let defaults = if args.quick { QUICK } else { FULL };
        let window = Window {
            warm_up: args.warm_up.unwrap_or(defaults.window.warm_up),
            measured: args.secs.unwrap_or(defaults.window.measured),
            patience: defaults.window.patience,
        };
        let connections = given(&args.connections, defaults.connections);
        let waiters = given(&args.waiters, defaults.waiters);
        let subscribers = args.subscribers.unwrap_or(defaults.subscribers);

        let mut work: Vec<Box<dyn Workload>> = Vec::new();
        for kind in given(&args.workloads, defaults.kinds) {
            match kind {
                Kind::Append => {
                    work.extend(appends(args, Batch::Single, &connections, window));
                }
                Kind::JsonBatch => {
                    let connections = given(&args.connections, BATCH_CONNECTIONS);
                    let batch = Batch::JsonArray(args.batch);
                    work.extend(appends(args, batch, &connections, window));
                }
                Kind::CatchUp => work.push(Box::new(CatchUp {
                    bytes: args.catch_up_mib.unwrap_or(defaults.catch_up_mib) << 20,
                    size: args.catch_up_size as usize,
                    fill_limit: FILL_LIMIT,
                    window,
                })),
                Kind::FanOut => {
                    for pace in [Pace::FlatOut, Pace::PerSecond(f64::from(args.rate))] {
                        work.push(Box::new(FanOut {
                            subscribers,
                            size: args.fan_out_size as usize,
                            pace,
                            most: defaults.most_published,
                            window,
                        }));
                    }
                }
                Kind::LongPoll => {
                    for &readers in &waiters {
                        work.push(Box::new(LongPoll { readers, size: args.size as usize, window }));
                    }
                }
            }
        }
        let most = connections.iter().map(|connections| u64::from(*connections));
        let most = most.chain(waiters.iter().map(|readers| u64::from(*readers)));
        Self {
            targets: given(&args.targets, defaults.targets),
            work,
            rounds: args.rounds.unwrap_or(defaults.rounds),
            profile: args.profile(),
            most_connections: most.chain([u64::from(subscribers)]).max().unwrap_or_default(),
        }
    }

    /// Connections open at a time.
    pub(crate) fn most_connections(&self) -> u64 {
        self.most_connections
    }
}

fn given<T: Clone>(given: &[T], default: &[T]) -> Vec<T> {
    if given.is_empty() { default.to_vec() } else { given.to_vec() }
}

fn appends(
    args: &BenchArgs,
    batch: Batch,
    connections: &[u16],
    window: Window,
) -> Vec<Box<dyn Workload>> {
    let check = if args.verify || args.quick { ReadBack::Everything } else { ReadBack::Nothing };
    let row = |connections: &u16| -> Box<dyn Workload> {
        Box::new(Append {
            connections: *connections,
            size: args.size as usize,
            batch,
            streams: args.streams,
            window,
            check,
        })
    };
    connections.iter().map(row).collect()
}
