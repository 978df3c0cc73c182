//! The one writer of a fan-out: it sends a record, waits for the answer, and sends the next, as fast as
//! the answers come or at a fixed pace.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::bench::base_url::BaseUrl;
use crate::bench::client::{Conn, Head};
use crate::bench::payload::{Mark, Payload, clock};
use crate::bench::streams::{DONE, Streams};

/// An answer to an append fits many times.
const READ_SIZE: usize = 4 * 1024;

/// How fast records are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Each as soon as the last one was answered.
    FlatOut,
    /// So many a second.
    PerSecond(f64),
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FlatOut => f.write_str("flat out"),
            Self::PerSecond(rate) => write!(f, "{rate}/s"),
        }
    }
}

/// The writer of one stream. It holds no connection between two runs, so that it may change threads.
#[derive(Debug)]
pub(super) struct Publisher {
    base: BaseUrl,
    head: Vec<u8>,
    payload: Payload,
    next: u32,
}

impl Publisher {
    /// Its first record will be number 0 of the first of `streams`.
    pub(super) fn new(base: &BaseUrl, streams: &Streams, payload: &Payload) -> Self {
        Self {
            base: base.clone(),
            head: streams.append_head(base, 0, payload.size()),
            payload: payload.clone(),
            next: 0,
        }
    }

    /// A connection to publish on.
    pub(super) async fn connect(&self) -> anyhow::Result<Conn> {
        Conn::open(&self.base, READ_SIZE).await
    }

    /// How many records have been acknowledged.
    pub(super) fn sent(&self) -> u32 {
        self.next
    }

    /// Sends one record, marked as sent at `at`, and returns the head of the answer.
    pub(super) async fn publish(&mut self, conn: &mut Conn, at: Instant) -> anyhow::Result<Head> {
        let mut request = self.head.clone();
        let mark = Mark { writer: 0, seq: self.next, nanos: clock(at) };
        self.payload.write(mark, &mut request);
        let head = conn.call(&request, DONE).await.context("publishing")?;
        self.next += 1;
        Ok(head)
    }

    /// Sends records for `time`, at most `most` of them.
    ///
    /// A paced record is marked with the time it was due, not with the time the server let it go out, so
    /// that a stall counts for every record it held up. Between records this blocks its thread, which
    /// wakes more precisely than a timer of the runtime: run it on a thread of its own.
    pub(super) async fn run(
        &mut self,
        time: Duration,
        most: u32,
        pace: Pace,
    ) -> anyhow::Result<()> {
        let mut conn = self.connect().await?;
        let begun = Instant::now();
        for nth in 0..most {
            let due = match pace {
                Pace::FlatOut => Instant::now(),
                Pace::PerSecond(rate) => begun + Duration::from_secs_f64(f64::from(nth) / rate),
            };
            if due.saturating_duration_since(begun) >= time || begun.elapsed() >= time {
                break;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.publish(&mut conn, due).await?;
        }
        Ok(())
    }
}
