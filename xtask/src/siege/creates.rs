//! Empty creates that are sent at once, each on a connection of its own: how long until the last is answered.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use tokio::task::JoinSet;

use super::stage::Stage;
use crate::bench::base_url::BaseUrl;
use crate::bench::client::Conn;
use crate::bench::runtime::run_bounded;
use crate::bench::stats::median;

/// How many at once.
pub(super) const AT_ONCE: u32 = 300;

/// How often.
const ROUNDS: u32 = 20;

/// An answer to a create is short.
const ANSWER: usize = 4 * 1024;

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
        let mut conns = Vec::new();
        for _ in 0..AT_ONCE {
            conns.push(Conn::open(&base, ANSWER).await?);
        }
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            let (took, used) = all_at_once(&base, conns, round).await?;
            rounds.push(took.as_secs_f64());
            conns = used;
        }
        Ok(rounds)
    })?;
    server.stop()?;
    Ok(Creates { rounds })
}

async fn all_at_once(
    base: &BaseUrl,
    conns: Vec<Conn>,
    round: u32,
) -> anyhow::Result<(Duration, Vec<Conn>)> {
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for (nth, mut conn) in conns.into_iter().enumerate() {
        let target = base.target(&format!("create-{round}-{nth}"));
        let request = format!(
            "PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
            base.authority()
        );
        tasks.spawn(async move {
            conn.call(request.as_bytes(), &[201]).await?;
            anyhow::Ok((conn, Instant::now()))
        });
    }
    let (mut conns, mut last) = (Vec::new(), begun);
    while let Some(done) = tasks.join_next().await {
        let (conn, answered) = done.context("a create")??;
        last = last.max(answered);
        conns.push(conn);
    }
    Ok((last.saturating_duration_since(begun), conns))
}
