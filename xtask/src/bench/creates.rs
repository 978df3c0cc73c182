//! Empty creates that are sent at once, each on a connection of its own.

use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::JoinSet;

use super::base_url::BaseUrl;
use super::client::Conn;

/// An answer to a create is short.
const ANSWER: usize = 4 * 1024;

/// Connections to create on, again and again.
#[derive(Debug)]
pub(crate) struct Creators {
    base: BaseUrl,
    conns: Vec<Conn>,
    /// Bursts so far.
    bursts: u32,
}

impl Creators {
    /// Connects so many.
    pub(crate) async fn connect(base: &BaseUrl, count: u32) -> anyhow::Result<Self> {
        let mut conns = Vec::new();
        for _ in 0..count {
            conns.push(Conn::open(base, ANSWER).await?);
        }
        Ok(Self { base: base.clone(), conns, bursts: 0 })
    }

    /// Creates a new stream on each connection; how long from the first request to the last answer.
    ///
    /// # Errors
    /// As soon as one fails; nothing can be created afterwards.
    pub(crate) async fn burst(&mut self, tag: &str) -> anyhow::Result<Duration> {
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for (nth, mut conn) in self.conns.drain(..).enumerate() {
            let target = self.base.target(&format!("create-{tag}-{}-{nth}", self.bursts));
            let request = format!(
                "PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
                self.base.authority()
            );
            tasks.spawn(async move {
                conn.call(request.as_bytes(), &[201]).await?;
                anyhow::Ok((conn, Instant::now()))
            });
        }
        self.bursts += 1;
        let mut last = begun;
        while let Some(done) = tasks.join_next().await {
            let (conn, answered) = done.context("a create")??;
            last = last.max(answered);
            self.conns.push(conn);
        }
        Ok(last.saturating_duration_since(begun))
    }
}
