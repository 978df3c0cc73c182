//! The goals: the journal beside the fastest server known, `durable-streams`, and beside what the machine can do; and the
//! broker and the hub beside servers as one would write them, and beside bare writes.

use super::Limit::{AtLeast, AtMost};
use super::Of::{Itself, Other};
use super::What::{Cpu, Median, Rate, Resident, Tail};
use super::{Bound, Goal, Limit, Of, Ours, What};
use crate::bench::workload::Beside;

const DSR: Of = Other("dsr");
const DSR_MEMORY: Of = Other("dsr-mem");
const NULL: Of = Other("null");
const PLAIN: Of = Other("plain");
const AXUM: Of = Other("axum-sse");
const TUNGSTENITE: Of = Other("tungstenite");
const TWO_WORKERS: Of = Other("tungstenite-2w");
const FLOOR: Of = Other("floor");

const MIB: f64 = 1_048_576.0;
const MB: f64 = 1e6;

/// What memory may hold that is not packed: three times what begins packing, and a group.
const BACKLOG: Bound = own(Beside::Backlog, AtMost(49.0 * MIB));

const fn bound(what: What, of: Of, limit: Limit) -> Bound {
    Bound { what, of, limit }
}

const fn own(what: Beside, limit: Limit) -> Bound {
    bound(What::Beside(what), Itself, limit)
}

const fn durable(row: &'static str, any: &'static [Bound]) -> Goal {
    Goal { row, ours: Ours::Durable, any }
}

const fn broker(row: &'static str, any: &'static [Bound]) -> Goal {
    Goal { row, ours: Ours::Named("broker"), any }
}

const fn hub(row: &'static str, any: &'static [Bound]) -> Goal {
    Goal { row, ours: Ours::Named("hub"), any }
}

const fn interval(row: &'static str, any: &'static [Bound]) -> Goal {
    Goal { row, ours: Ours::Interval, any }
}

const ONE: &str = "append 100 B, 1 connection";
const SIXTEEN: &str = "append 100 B, 16 connections";
const CROWD: &str = "append 100 B, 256 connections";
const JSON: &str = "append JSON arrays of 64 x 100 B, 16 connections";
const CATCH_UP: &str = "catch-up of 100 MiB in records of 1024 B";
const CATCH_UP_JSON: &str = "catch-up of 100 MiB in JSON values of 1024 B";
const MIXED: &str = "append 100 B, 16 connections at half their most, 64 readers of 100 MiB";
const MANY: &str = "append 100 B to 100000 streams at random, 16 connections, beside 100 streams";
const KILLED: &str = "start after kill -9, 10000 streams, 1000000 records of 100 B";
const IDLE: &str = "start after a clean stop, 1000000 streams, 0 records of 100 B";
const CREATES: &str = "300 empty creates at once";
const SLOW: &str = "read what is recent, beside 16 appending 100 B, syncs of 5ms";
const SMALL_ONE: &str = "adapter alone, 200 B, groups of 64, 1 stream";
const SMALL_MANY: &str = "adapter alone, 200 B, groups of 64, 1000 streams";
const LARGE_ONE: &str = "adapter alone, 200 B, groups of 1024, 1 stream";
const LARGE_MANY: &str = "adapter alone, 200 B, groups of 1024, 1000 streams";
const SLOW_PACE: &str = "SSE fan-out of 128 B to 1000 subscribers, 20/s";
const PACE: &str = "SSE fan-out of 128 B to 1000 subscribers, 200/s";
const FAST_PACE: &str = "SSE fan-out of 128 B to 1000 subscribers, 1000/s";
const THOUSAND: &str = "SSE fan-out of 128 B to 1000 subscribers, flat out";
const HUNDRED: &str = "SSE fan-out of 128 B to 100 subscribers, flat out";
const SOCKETS: &str = "WebSocket fan-out of 128 B to 1000 subscribers, flat out";
const SOCKETS_PACE: &str = "WebSocket fan-out of 128 B to 1000 subscribers, 200/s";
const IDLE_SOCKETS: &str = "5000 idle WebSocket subscribers";
const STUCK_SOCKETS: &str =
    "WebSocket fan-out of 128 B to 1000 subscribers, 200/s, beside 64 that read nothing";
const IDLE_EVENTS: &str = "5000 idle SSE subscribers";
const STUCK_EVENTS: &str =
    "SSE fan-out of 128 B to 1000 subscribers, 200/s, beside 1 that read nothing";
const WAKE: &str = "long-poll wake of 1 reader, 100 B";
const WAKES: &str = "long-poll wake of 100 readers, 100 B";
const PACKING: &str = "adapter alone, 200 B, groups of 1024, 1000 streams, for 300 s";
const DISK: &str = "adapter alone, 200 B, groups of 1024, 1000 streams, 1024 MiB and packed";

/// All of them.
pub(crate) const GOALS: &[Goal] = &[
    durable(SMALL_ONE, &[bound(Rate, PLAIN, AtLeast(0.8))]),
    durable(SMALL_ONE, &[BACKLOG]),
    durable(LARGE_ONE, &[bound(Rate, PLAIN, AtLeast(0.8))]),
    durable(LARGE_ONE, &[BACKLOG]),
    durable(SMALL_MANY, &[bound(Rate, PLAIN, AtLeast(0.65))]),
    durable(SMALL_MANY, &[BACKLOG]),
    durable(LARGE_MANY, &[bound(Rate, PLAIN, AtLeast(0.65))]),
    durable(LARGE_MANY, &[BACKLOG]),
    durable(PACKING, &[BACKLOG]),
    durable(DISK, &[own(Beside::Disk, AtMost(1.2))]),
    durable(ONE, &[bound(Median, DSR, AtMost(1.1))]),
    durable(SIXTEEN, &[bound(Rate, DSR, AtLeast(1.15))]),
    durable(SIXTEEN, &[bound(Cpu, DSR, AtMost(0.8))]),
    durable(CROWD, &[bound(Rate, DSR, AtLeast(1.0))]),
    durable(CROWD, &[bound(Cpu, DSR, AtMost(0.95)), bound(Cpu, NULL, AtMost(1.3))]),
    durable(JSON, &[bound(Rate, DSR, AtLeast(1.25))]),
    interval(SIXTEEN, &[bound(Rate, DSR_MEMORY, AtLeast(0.9)), bound(Cpu, NULL, AtMost(1.3))]),
    interval(CROWD, &[bound(Rate, DSR_MEMORY, AtLeast(0.9)), bound(Cpu, NULL, AtMost(1.3))]),
    durable(CATCH_UP, &[bound(Rate, DSR, AtLeast(0.95))]),
    durable(CATCH_UP, &[bound(Cpu, DSR, AtMost(1.1))]),
    durable(CATCH_UP_JSON, &[bound(Rate, DSR, AtLeast(0.95))]),
    durable(CATCH_UP_JSON, &[bound(Cpu, DSR, AtMost(1.1))]),
    durable(SLOW_PACE, &[bound(Cpu, Itself, AtMost(7500.0))]),
    durable(SLOW_PACE, &[bound(Cpu, DSR, AtMost(0.8))]),
    durable(PACE, &[bound(Cpu, DSR, AtMost(1.0))]),
    durable(PACE, &[bound(Tail, DSR, AtMost(1.0))]),
    // A million a second, less what the end of the window cuts off.
    durable(FAST_PACE, &[bound(Rate, Itself, AtLeast(0.98e6))]),
    durable(FAST_PACE, &[bound(Tail, DSR, AtMost(0.5))]),
    durable(FAST_PACE, &[bound(Cpu, Itself, AtMost(1000.0))]),
    durable(THOUSAND, &[bound(Rate, Itself, AtLeast(2e6)), bound(Rate, DSR, AtLeast(1.25))]),
    durable(THOUSAND, &[bound(Cpu, Itself, AtMost(600.0))]),
    durable(HUNDRED, &[bound(Rate, DSR, AtLeast(1.2))]),
    durable(IDLE_EVENTS, &[own(Beside::IdleSubscriber, AtMost(1024.0))]),
    durable(STUCK_EVENTS, &[own(Beside::TailOfAlone, AtMost(1.5))]),
    broker(THOUSAND, &[bound(Rate, AXUM, AtLeast(5.0))]),
    broker(THOUSAND, &[bound(Cpu, Itself, AtMost(500.0))]),
    broker(PACE, &[own(Beside::PublishTail, AtMost(100e3))]),
    broker(STUCK_EVENTS, &[own(Beside::TailOfAlone, AtMost(1.5))]),
    broker(STUCK_EVENTS, &[own(Beside::PublishLongest, AtMost(1e6))]),
    hub(SOCKETS, &[bound(Rate, TUNGSTENITE, AtLeast(5.0))]),
    hub(SOCKETS, &[bound(Rate, TWO_WORKERS, AtLeast(5.0))]),
    hub(SOCKETS, &[bound(Cpu, Itself, AtMost(500.0))]),
    hub(SOCKETS_PACE, &[bound(Cpu, FLOOR, AtMost(1.05))]),
    hub(SOCKETS_PACE, &[bound(Tail, Itself, AtMost(15e6))]),
    hub(STUCK_SOCKETS, &[own(Beside::TailOfAlone, AtMost(1.5))]),
    hub(STUCK_SOCKETS, &[own(Beside::PublishLongest, AtMost(1e6))]),
    hub(IDLE_SOCKETS, &[own(Beside::IdleSubscriber, AtMost(1536.0))]),
    durable(WAKE, &[bound(Median, DSR, AtMost(0.8))]),
    durable(WAKES, &[bound(Median, DSR, AtMost(0.85))]),
    durable(WAKES, &[bound(Cpu, Itself, AtMost(18e3))]),
    durable(MIXED, &[own(Beside::Kept, AtLeast(0.9))]),
    // Half a sync: nobody who reads waits for one.
    durable(SLOW, &[bound(Tail, Itself, AtMost(2.5e6))]),
    durable(MANY, &[own(Beside::OfFew, AtLeast(0.8))]),
    durable(MANY, &[own(Beside::IdleStream, AtMost(400.0))]),
    durable(MANY, &[own(Beside::Files, AtMost(1000.0))]),
    durable(KILLED, &[bound(Median, Itself, AtMost(0.5e9))]),
    durable(IDLE, &[bound(Median, Itself, AtMost(2e9))]),
    durable(IDLE, &[bound(Resident, Itself, AtMost(200.0 * MB))]),
    durable(IDLE, &[own(Beside::Peak, AtMost(400.0 * MB))]),
    durable(CREATES, &[bound(Median, Itself, AtMost(50e6))]),
];
