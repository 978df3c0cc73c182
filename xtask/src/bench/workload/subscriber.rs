//! Readers that follow a stream live, over SSE or long-poll, and count and check what they get.
//!
//! Every reader starts before the first record and reads until it is told that the stream is closed, so
//! what it saw can be compared with everything that was published: a gap, a repetition or a swap is
//! found wherever it lies. A connection that ends at a clean point before that is taken up again at the
//! offset reached; one that is cut in the middle of an event is an error.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::task::JoinSet;

use super::tally::Tally;
use crate::bench::base_url::BaseUrl;
use crate::bench::client::{Conn, Framing};
use crate::bench::ledger::{Faults, Ledger};
use crate::bench::payload::Payload;
use crate::bench::reader::START;
use crate::bench::scanner::{Leftovers, Scanner};
use crate::bench::sse::EventReader;
use crate::bench::streams::read_request;

/// Takes a few hundred small records that were sent in one write; a thousand readers have 32 MB of it.
const READ_SIZE: usize = 32 * 1024;

/// A server may end a connection about once a minute; no measurement lasts this long.
const MOST_RECONNECTS: u32 = 10;

/// How long a reader may take to see the end of a stream that was closed.
const CLOSING: Duration = Duration::from_secs(10);

/// How readers follow the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Live {
    /// One response that goes on.
    Sse,
    /// One request for each wake.
    LongPoll,
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

/// A reader's fixed facts.
#[derive(Clone, Debug)]
struct Seat {
    base: BaseUrl,
    target: Arc<str>,
    payload: Arc<Payload>,
    tally: Arc<Tally>,
}

impl Audience {
    /// Connects `size` readers; those over SSE have had the head of their response when this returns.
    pub(super) async fn gather(
        base: &BaseUrl,
        target: &str,
        payload: &Payload,
        live: Live,
        size: u32,
    ) -> anyhow::Result<Self> {
        let seat = Seat {
            base: base.clone(),
            target: target.into(),
            payload: Arc::new(payload.clone()),
            tally: Arc::new(Tally::new()),
        };
        let mut tasks = JoinSet::new();
        for _ in 0..size {
            let mut conn = Conn::open(base, READ_SIZE).await?;
            let framing = match live {
                Live::Sse => Some(seat.tune_in(&mut conn, START).await?),
                Live::LongPoll => None,
            };
            let seat = seat.clone();
            tasks.spawn(async move {
                let heard = match framing {
                    Some(framing) => seat.listen(conn, framing).await,
                    None => seat.poll(conn).await,
                };
                heard.inspect_err(|_| seat.tally.fail())
            });
        }
        Ok(Self { tally: seat.tally, tasks })
    }

    /// What the readers have got.
    pub(super) fn tally(&self) -> &Tally {
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

impl Seat {
    async fn tune_in(&self, conn: &mut Conn, offset: &str) -> anyhow::Result<Framing> {
        conn.send(&read_request(&self.base, &self.target, offset, "&live=sse")).await?;
        let head = conn.head().await?;
        conn.expect(&head, &[200]).await.context("subscribing")?;
        Ok(head.framing)
    }

    async fn listen(&self, mut conn: Conn, mut framing: Framing) -> anyhow::Result<Heard> {
        let mut scanner = Scanner::new(&self.payload);
        let mut ledger = Ledger::default();
        let mut marks = Vec::new();
        let mut reconnects = 0;
        loop {
            let mut events = EventReader::default();
            let sink = |bytes: &[u8]| {
                events.feed(bytes, |payload| {
                    scanner.feed(payload, |mark| {
                        ledger.see(mark);
                        marks.push(mark);
                    });
                });
                self.tally.note(&marks, Instant::now());
                marks.clear();
            };
            conn.body(framing, sink).await?;
            if events.stream_closed() {
                return Ok(Heard { ledger, leftovers: scanner.finish(), reconnects });
            }
            ensure!(events.is_settled(), "a subscription was cut inside an event");
            ensure!(reconnects < MOST_RECONNECTS, "a subscription was ended again and again");
            reconnects += 1;
            let offset = events.next_offset().context("no offset to go on from")?;
            conn = Conn::open(&self.base, READ_SIZE).await?;
            framing = self.tune_in(&mut conn, offset).await?;
        }
    }

    async fn poll(&self, mut conn: Conn) -> anyhow::Result<Heard> {
        let mut scanner = Scanner::new(&self.payload);
        let mut ledger = Ledger::default();
        let mut marks = Vec::new();
        let mut offset = START.to_owned();
        loop {
            conn.send(&read_request(&self.base, &self.target, &offset, "&live=long-poll")).await?;
            let head = conn.head().await?;
            conn.expect(&head, &[200, 204]).await.context("a long poll")?;
            let sink = |bytes: &[u8]| {
                scanner.feed(bytes, |mark| {
                    ledger.see(mark);
                    marks.push(mark);
                });
            };
            conn.body(head.framing, sink).await?;
            self.tally.note(&marks, Instant::now());
            marks.clear();
            if head.closed {
                return Ok(Heard { ledger, leftovers: scanner.finish(), reconnects: 0 });
            }
            offset = head.next_offset.context("a long poll without Stream-Next-Offset")?;
        }
    }
}
