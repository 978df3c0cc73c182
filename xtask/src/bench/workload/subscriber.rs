//! Readers that follow a stream live, over SSE, long-poll or WebSocket, and count and check what they get.
//!
//! Every reader starts before the first record and reads until it is told that the stream is closed, or that
//! what is broadcast is over, so what it saw can be compared with everything that was published: a gap, a repetition or a swap is
//! found wherever it lies. A connection that ends at a clean point before that is taken up again at the
//! offset reached; one that is cut in the middle of an event is an error.

mod ear;
mod known;
mod seat;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;

use super::Wire;
use super::tally::Tally;
use crate::bench::base_url::BaseUrl;
use crate::bench::ledger::{Faults, Ledger};
use crate::bench::payload::Payload;
use crate::bench::scanner::Leftovers;
use known::Known;
use seat::Seat;

/// Takes a few hundred small records that were sent in one write, and fits beside other things in a processor's second cache.
const READ_SIZE: usize = 32 * 1024;

/// How long a reader may take to see the end of a stream that was closed.
const CLOSING: Duration = Duration::from_secs(10);

/// How readers follow the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Live {
    /// One response that goes on.
    Sse,
    /// One request for each wake.
    LongPoll,
    /// Whatever is broadcast from now on.
    Broadcast(Wire),
}

/// The readers of one stream.
#[derive(Debug)]
pub(super) struct Audience {
    tally: Arc<Tally>,
    tasks: JoinSet<anyhow::Result<Heard>>,
}

/// What one reader saw.
#[derive(Debug)]
struct Heard {
    ledger: Ledger,
    leftovers: Leftovers,
    reconnects: u32,
}

/// What was wrong with what all readers saw, and what they report.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) faults: Faults,
    pub(super) notes: Vec<String>,
}

impl Audience {
    /// Connects `size` readers who begin at `offset`; but for long polls, each has had the head of its response when this
    /// returns.
    pub(super) async fn gather(
        base: &BaseUrl,
        (target, offset): (&str, &str),
        payload: &Payload,
        live: Live,
        size: u32,
    ) -> anyhow::Result<Self> {
        let seat = Seat {
            base: base.clone(),
            target: target.into(),
            offset: offset.into(),
            payload: Arc::new(payload.clone()),
            tally: Arc::new(Tally::new()),
            known: Arc::new(Mutex::new(Known::default())),
            live,
        };
        let mut tasks = JoinSet::new();
        for _ in 0..size {
            let (conn, framing) = seat.take().await?;
            let seat = seat.clone();
            tasks.spawn(async move {
                seat.follow(conn, framing).await.inspect_err(|_| seat.tally.fail())
            });
        }
        Ok(Self { tally: seat.tally, tasks })
    }

    /// What the readers have got.
    pub(super) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Waits until every reader has seen the end of the stream, and compares what it saw with the
    /// `published` records. Close the stream before.
    pub(super) async fn disband(mut self, published: u32) -> anyhow::Result<Verdict> {
        let mut verdict = Verdict::default();
        let mut reconnects = 0;
        while !self.tasks.is_empty() {
            let joined = tokio::time::timeout(CLOSING, self.tasks.join_next()).await;
            let left = self.tasks.len();
            let joined = joined.with_context(|| format!("{left} readers did not see the end"))?;
            let Some(joined) = joined else { break };
            let heard = joined.context("a reader")??;
            let mut faults = heard.ledger.finish([(0, u64::from(published))]);
            // Text is delivered as it was written: there is nothing between records.
            faults.add_leftovers(heard.leftovers);
            if !faults.is_none() && verdict.faults.is_none() {
                verdict.notes.push(format!("the first reader with a fault: {faults}"));
            }
            verdict.faults += faults;
            reconnects += heard.reconnects;
        }
        if reconnects > 0 {
            verdict.notes.push(format!("{reconnects} connections were taken up again"));
        }
        Ok(verdict)
    }
}
