//! What subscribers follow, and who publishes to it: a new stream, with a writer that appends; or what a server broadcasts
//! that is told what to publish.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::broadcaster::{Broadcaster, Told, ask};
use super::publisher::{Pace, Publisher};
use super::subscriber::{Audience, Live};
use super::{Ability, Server, Wire};
use crate::bench::payload::Payload;
use crate::bench::reader::START;
use crate::bench::runtime::run_bounded;
use crate::bench::streams::Streams;

/// Connecting, and draining what a slow server has queued, may take so much longer than the window.
pub(super) const SLACK: Duration = Duration::from_secs(180);

/// How long a server may take to count in subscribers whose handshake is over.
const COUNTING: Duration = Duration::from_secs(10);

/// Between two looks at that number.
const LOOK: Duration = Duration::from_millis(5);

/// What is followed. For a broadcast there is nothing to make or remove.
#[derive(Debug)]
pub(super) struct Channel<'a> {
    server: &'a Server,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Stream(Streams),
    Broadcast(SocketAddr),
}

/// Subscribers since the server's start; none where they are there with the head of their response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joined(u64);

/// Who publishes. It holds no connection between two runs, so that it may change threads.
#[derive(Debug)]
pub(super) enum Source {
    Appends(Publisher),
    Tells(Broadcaster),
}

impl<'a> Channel<'a> {
    /// Something new to follow.
    pub(super) async fn open(server: &'a Server) -> anyhow::Result<Self> {
        let kind = match (server.ability, server.control) {
            (Ability::Broadcast { .. }, Some(control)) => Kind::Broadcast(control),
            (Ability::Broadcast { .. }, None) => anyhow::bail!("no control connection"),
            _ => {
                let streams = Streams::new(1, "text/plain");
                streams.create(&server.base).await?;
                Kind::Stream(streams)
            }
        };
        Ok(Self { server, kind })
    }

    /// Publishes to nobody who reads, to fill what lies between the server and those who do not. Returns the offset behind it.
    pub(super) async fn flood(&self, records: u32, size: usize) -> anyhow::Result<String> {
        let payload = Payload::new(size);
        match &self.kind {
            Kind::Stream(streams) => {
                let mut publisher = Publisher::new(&self.server.base, streams, &payload);
                let mut conn = publisher.connect().await?;
                let mut offset = None;
                for _ in 0..records {
                    offset = publisher.publish(&mut conn, Instant::now()).await?.next_offset;
                }
                offset.context("an append without Stream-Next-Offset")
            }
            Kind::Broadcast(control) => {
                let mut broadcaster = Broadcaster::new(*control, &payload);
                blocking(move || broadcaster.run(SLACK, records, Pace::FlatOut)).await?;
                Ok(START.to_owned())
            }
        }
    }

    /// Subscribers that begin at `offset` of a stream, or with what is broadcast from now on; the server has them all.
    pub(super) async fn gather(
        &self,
        wire: Wire,
        offset: &str,
        payload: &Payload,
        size: u32,
    ) -> anyhow::Result<Audience> {
        let live = match &self.kind {
            Kind::Stream(_) => Live::Sse,
            Kind::Broadcast(_) => Live::Broadcast(wire),
        };
        let before = self.joined().await?;
        let (base, target) = (&self.server.base, self.target());
        let audience = Audience::gather(base, (&target, offset), payload, live, size).await?;
        self.wait_for(before, size).await?;
        Ok(audience)
    }

    /// Where a subscriber asks for it.
    pub(super) fn target(&self) -> String {
        match &self.kind {
            Kind::Stream(streams) => streams.target(&self.server.base, 0),
            Kind::Broadcast(_) => self.server.base.target("events"),
        }
    }

    /// Waits until so many subscribers have joined since `before`: a server that broadcasts counts one a moment after its
    /// handshake.
    pub(super) async fn wait_for(&self, before: Joined, subscribers: u32) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let joined = self.joined().await?.0 - before.0;
            if joined >= u64::from(subscribers) || matches!(self.kind, Kind::Stream(_)) {
                return Ok(());
            }
            ensure!(begun.elapsed() < COUNTING, "{joined} of {subscribers} subscribers");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How many have subscribed, as a server that broadcasts counts them.
    pub(super) async fn joined(&self) -> anyhow::Result<Joined> {
        let Kind::Broadcast(control) = self.kind else { return Ok(Joined(0)) };
        let count = blocking(move || ask(control, "joined")).await?;
        Ok(Joined(count.parse().with_context(|| format!("{count:?} subscribers"))?))
    }

    /// One that publishes `payload`'s records for these subscribers.
    pub(super) fn source(&self, payload: &Payload, audience: &Audience, size: u32) -> Source {
        match &self.kind {
            Kind::Stream(streams) => {
                Source::Appends(Publisher::new(&self.server.base, streams, payload))
            }
            Kind::Broadcast(control) => {
                let tally = Arc::clone(audience.tally());
                Source::Tells(Broadcaster::new(*control, payload).with_window(tally, size))
            }
        }
    }

    /// Tells all subscribers that this is the end.
    pub(super) async fn end(&self) -> anyhow::Result<()> {
        match &self.kind {
            Kind::Stream(streams) => streams.close(&self.server.base).await,
            Kind::Broadcast(control) => {
                let control = *control;
                let said = blocking(move || ask(control, "end")).await?;
                ensure!(said == "ended", "the server said {said:?}");
                Ok(())
            }
        }
    }

    /// Leaves nothing behind.
    pub(super) async fn remove(self) -> anyhow::Result<()> {
        match &self.kind {
            Kind::Stream(streams) => streams.delete(&self.server.base).await,
            Kind::Broadcast(_) => Ok(()),
        }
    }
}

impl Source {
    /// How many records have been published.
    pub(super) fn sent(&self) -> u32 {
        match self {
            Self::Appends(publisher) => publisher.sent(),
            Self::Tells(broadcaster) => broadcaster.sent(),
        }
    }

    /// Publishes for `time`, at most `most` records, on a thread of its own, so that it neither waits for the subscribers' reads
    /// nor delays them. A server that was told to says what it took.
    pub(super) async fn run(
        mut self,
        time: Duration,
        most: u32,
        pace: Pace,
    ) -> anyhow::Result<(Self, Option<Told>)> {
        let (sender, done) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let told = match &mut self {
                Self::Appends(publisher) => {
                    run_bounded(time + SLACK, publisher.run(time, most, pace)).map(|()| None)
                }
                Self::Tells(broadcaster) => broadcaster.run(time, most, pace).map(Some),
            };
            // The receiver is gone if the round was given up.
            let _ = sender.send(told.map(|told| (self, told)));
        });
        done.await.context("the publisher's thread")?
    }
}

/// Runs what blocks beside the subscribers.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a control connection")?
}
