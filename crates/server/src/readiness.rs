//! Whether the server can do its work: an empty unit is made durable, as an append would be.

use std::time::Duration;

use headwater_engine::{Engine, ServiceError};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// A probe's answer holds for so long; whoever asks meanwhile gets it too, so that asking often costs nothing.
const HOLDS: Duration = Duration::from_secs(1);

/// A storage that takes longer is not ready. Well above a slow disk's worst sync.
const PATIENCE: Duration = Duration::from_secs(5);

/// The last answer.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    // Held during the probe, so that one is made for all who ask at that time.
    last: Mutex<Option<(Instant, Result<(), ServiceError>)>>,
}

impl Readiness {
    /// Whether work would be taken and done.
    pub(crate) async fn check(&self, engine: &Engine) -> Result<(), ServiceError> {
        takes_work(engine)?;
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && at.elapsed() < HOLDS
        {
            return answer.clone();
        }
        let answer = match timeout(PATIENCE, engine.probe()).await {
            Ok(answer) => answer,
            Err(_) => Err(ServiceError::Overloaded),
        };
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    /// What is known without a write: a drain and a failed storage at once, else the last answer, however old. `None` when
    /// there is none, or a probe is being made.
    pub(crate) fn known(&self, engine: &Engine) -> Option<Result<(), ServiceError>> {
        if let Err(error) = takes_work(engine) {
            return Some(Err(error));
        }
        let last = self.last.try_lock().ok()?;
        last.as_ref().map(|(_, answer)| answer.clone())
    }
}

fn takes_work(engine: &Engine) -> Result<(), ServiceError> {
    if engine.is_draining() {
        return Err(ServiceError::Draining);
    }
    if engine.is_poisoned() { Err(ServiceError::Poisoned) } else { Ok(()) }
}
