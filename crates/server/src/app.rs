//! What every request can reach.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use headwater_core::cursor;
use headwater_engine::{Clock, Engine, ServiceError, SystemClock};
use headwater_storage::journal::Backups;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::Config;
use crate::gate::{Gate, Stays};
use crate::metrics::Metrics;
use crate::reactor::Reactor;
use crate::readiness::Readiness;
use crate::request::body::Bounds;
use crate::requests::RequestIds;
use crate::server::carriers::Carriers;

/// The engine, the settings, the limits by number, and the time of day.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) config: Config,
    pub(crate) ids: RequestIds,
    pub(crate) metrics: Metrics,
    pub(crate) connections: Arc<Gate>,
    pub(crate) requests: Arc<Gate>,
    pub(crate) readers: Arc<Stays>,
    pub(crate) backups: Option<Backups>,
    /// The place of the one backup that is made at a time: each reads as fast as its client takes it.
    pub(crate) backing_up: Arc<Semaphore>,
    pub(crate) carriers: Arc<Carriers>,
    pub(crate) reactor: Reactor,
    readiness: Readiness,
    started: Instant,
    clock: SystemClock,
}

impl App {
    pub(crate) fn new(engine: Engine, config: Config) -> Self {
        Self {
            connections: Gate::new(config.max_connections),
            requests: Gate::new(config.max_requests),
            readers: Stays::new(config.max_live_readers),
            carriers: Arc::new(Carriers::new()),
            reactor: Reactor::new(config.event_threads),
            engine,
            config,
            ids: RequestIds::new(),
            metrics: Metrics::new(),
            backups: None,
            backing_up: Arc::new(Semaphore::new(1)),
            readiness: Readiness::default(),
            started: Instant::now(),
            clock: SystemClock::new(),
        }
    }

    /// Limits on the body of a request.
    pub(crate) fn body_bounds(&self) -> Bounds {
        Bounds {
            bytes: self.config.max_body_bytes,
            silence: self.config.body_timeout,
            rate: self.config.min_body_rate,
        }
    }

    /// The cursor of a live answer; greater than the one that the client echoes.
    pub(crate) fn cursor(&self, echoed: Option<&str>) -> u64 {
        let jitter = echoed.map_or(0, |_| rand::random());
        cursor::next(self.clock.wall(), echoed, jitter)
    }

    /// Whether work would be taken and done.
    pub(crate) async fn ready(&self) -> Result<(), ServiceError> {
        let ready = self.readiness.check(&self.engine).await;
        self.tell_ready(&ready);
        ready
    }

    fn tell_ready(&self, ready: &Result<(), ServiceError>) {
        self.metrics.ready.set(if ready.is_ok() { 1.0 } else { 0.0 });
    }

    /// Since when the server serves.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Brings the gauges that nobody moves up to date.
    pub(crate) async fn observe(&self) {
        // Looking at metrics writes nothing and waits for no disk, once anybody has asked.
        match self.readiness.known(&self.engine) {
            Some(ready) => self.tell_ready(&ready),
            None => drop(self.ready().await),
        }
        let number = |count: usize| count as f64;
        self.metrics.connections.set(number(self.connections.inside()));
        self.metrics.in_flight.set(number(self.requests.inside()));
        self.engine.observe();
        if let Some(data_dir) = self.config.data_dir.clone() {
            let size = tokio::task::spawn_blocking(move || size_on_disk(&data_dir)).await;
            self.metrics.store_bytes.set(size.unwrap_or(0) as f64);
        }
    }
}

/// Bytes that the files under a directory take. What cannot be looked at, because it is gone already, takes nothing.
fn size_on_disk(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => size_on_disk(&entry.path()),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}
