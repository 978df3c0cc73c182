//! What every request can reach.

use headwater_core::cursor;
use headwater_engine::{Clock, Engine, SystemClock};

use crate::config::Config;
use crate::request::body::Bounds;
use crate::requests::RequestIds;

/// The engine, the settings, and the time of day.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) config: Config,
    pub(crate) ids: RequestIds,
    clock: SystemClock,
}

impl App {
    pub(crate) fn new(engine: Engine, config: Config) -> Self {
        Self { engine, config, ids: RequestIds::new(), clock: SystemClock::new() }
    }

    /// Limits on the body of a request.
    pub(crate) fn body_bounds(&self) -> Bounds {
        Bounds { bytes: self.config.max_body_bytes, silence: self.config.body_timeout }
    }

    /// The cursor of a live answer; greater than the one that the client echoes.
    pub(crate) fn cursor(&self, echoed: Option<&str>) -> u64 {
        let jitter = echoed.map_or(0, |_| rand::random());
        cursor::next(self.clock.wall(), echoed, jitter)
    }
}
