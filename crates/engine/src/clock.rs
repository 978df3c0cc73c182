//! Time, in the two ways the engine needs it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use headwater_core::Timestamp;

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// Civil time, for stamps. It may step in either direction.
    fn wall(&self) -> Timestamp;
    /// Time that only elapses: civil time at the start of the process plus what has passed since. Everything that
    /// expires is judged by it, so a clock that is set forward ends nothing early.
    fn steady(&self) -> Timestamp;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
    wall_at_start: Timestamp,
}

impl SystemClock {
    /// Notes the present as the start.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now(), wall_at_start: civil() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        civil()
    }

    fn steady(&self) -> Timestamp {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp(self.wall_at_start.0.saturating_add(elapsed))
    }
}

fn civil() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
