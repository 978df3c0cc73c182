//! What an adapter tells of itself while it is measured: how much waits to be packed, and how long the disk took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{
    Counter, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use super::Fault;

/// Bytes that are durable and not packed.
const BACKLOG: &str = "headwater_unpacked_bytes";

/// How long a sync took.
const SYNC: &str = "headwater_sync_seconds";

/// What was told. Written by the adapter's threads and read by the driver's; nothing depends on its order.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    now: AtomicU64,
    most: AtomicU64,
    syncs: AtomicU64,
    sync_nanos: AtomicU64,
}

/// Adds up what syncs took.
struct Syncs(Arc<Gauges>);

/// Keeps the backlog.
struct Backlog(Arc<Gauges>);

struct Listener(Arc<Gauges>);

impl Gauges {
    /// Listens to everything in this process from now on; an adapter has to be opened later.
    pub(crate) fn listen() -> Result<Arc<Self>, Fault> {
        let gauges = Arc::new(Self::default());
        metrics::set_global_recorder(Listener(Arc::clone(&gauges)))
            .map_err(|_| "something listens already")?;
        Ok(gauges)
    }

    /// Bytes that were not packed, when last told and at most.
    pub(crate) fn backlog(&self) -> (u64, u64) {
        (self.now.load(Ordering::Relaxed), self.most.load(Ordering::Relaxed))
    }

    /// How many syncs, and how long they took in all.
    pub(crate) fn syncs(&self) -> (u64, u64) {
        (self.syncs.load(Ordering::Relaxed), self.sync_nanos.load(Ordering::Relaxed))
    }
}

impl GaugeFn for Backlog {
    // Only set is used for it.
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.0.now.store(value as u64, Ordering::Relaxed);
        self.0.most.fetch_max(value as u64, Ordering::Relaxed);
    }
}

impl HistogramFn for Syncs {
    fn record(&self, value: f64) {
        self.0.syncs.fetch_add(1, Ordering::Relaxed);
        self.0.sync_nanos.fetch_add((value * 1e9) as u64, Ordering::Relaxed);
    }
}

impl Recorder for Listener {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        match key.name() {
            BACKLOG => Gauge::from_arc(Arc::new(Backlog(Arc::clone(&self.0)))),
            _ => Gauge::noop(),
        }
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        match key.name() {
            SYNC => Histogram::from_arc(Arc::new(Syncs(Arc::clone(&self.0)))),
            _ => Histogram::noop(),
        }
    }
}
