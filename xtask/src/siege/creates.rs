//! Empty creates that are sent at once, each on a connection of its own: how long until the last is answered.

use std::time::Duration;

use serde::Serialize;

use super::stage::Stage;
use crate::bench::creates::Creators;
use crate::bench::runtime::run_bounded;
use crate::bench::stats::median;

/// How many at once.
pub(super) const AT_ONCE: u32 = 300;

/// How often.
const ROUNDS: u32 = 20;

/// For all rounds together.
const LIMIT: Duration = Duration::from_secs(120);

/// From the first request sent to the last answer, in seconds, in each round.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Creates {
    pub(super) rounds: Vec<f64>,
}

impl Creates {
    /// The median of the rounds, in seconds.
    pub(super) fn median(&self) -> f64 {
        median(self.rounds.iter().copied()).unwrap_or(f64::INFINITY)
    }

    /// The longest of the rounds, in seconds.
    pub(super) fn longest(&self) -> f64 {
        self.rounds.iter().copied().fold(0.0, f64::max)
    }
}

/// Measures on a fresh server that keeps its streams in memory.
pub(super) fn measure(stage: &Stage) -> anyhow::Result<Creates> {
    let server = stage.start("memory")?;
    let base = server.base.clone();
    let rounds = run_bounded(LIMIT, async {
        let mut creators = Creators::connect(&base, AT_ONCE).await?;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(creators.burst("siege").await?.as_secs_f64());
        }
        Ok(rounds)
    })?;
    server.stop()?;
    Ok(Creates { rounds })
}
