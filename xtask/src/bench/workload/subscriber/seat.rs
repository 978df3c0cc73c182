//! One subscriber.

use std::sync::{Arc, Mutex};

use anyhow::{Context, ensure};

use super::ear::Ear;
use super::known::Known;
use super::{Heard, Live, READ_SIZE, Wire};
use crate::bench::base_url::BaseUrl;
use crate::bench::client::{Body, Conn, Framing, Piece};
use crate::bench::payload::Payload;
use crate::bench::sse::EventReader;
use crate::bench::streams::read_request;
use crate::bench::web_socket::{FrameReader, upgrade_request};
use crate::bench::workload::tally::Tally;

/// A server may end a connection about once a minute; no measurement lasts this long.
const MOST_RECONNECTS: u32 = 10;

/// A subscriber's fixed facts.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) base: BaseUrl,
    pub(super) target: Arc<str>,
    /// Where it begins to read, if there is something to read.
    pub(super) offset: Arc<str>,
    pub(super) payload: Arc<Payload>,
    pub(super) tally: Arc<Tally>,
    pub(super) known: Arc<Mutex<Known>>,
    pub(super) live: Live,
}

impl Seat {
    fn ear(&self) -> Ear<'_> {
        Ear::new(&self.payload, &self.tally, &self.known)
    }

    /// Asks for what comes; where a response goes on, its head has come when this returns.
    pub(super) async fn take(&self) -> anyhow::Result<(Conn, Framing)> {
        let mut conn = Conn::open(&self.base, READ_SIZE).await?;
        let framing = match self.live {
            Live::LongPoll => Framing::UntilClose,
            Live::Sse | Live::Broadcast(_) => self.tune_in(&mut conn, &self.offset).await?,
        };
        Ok((conn, framing))
    }

    /// Follows to the end.
    pub(super) async fn follow(&self, conn: Conn, framing: Framing) -> anyhow::Result<Heard> {
        match self.live {
            Live::Sse | Live::Broadcast(Wire::Sse) => self.listen(conn, framing).await,
            Live::Broadcast(Wire::WebSocket) => self.receive(conn).await,
            Live::LongPoll => self.poll(conn).await,
        }
    }

    async fn tune_in(&self, conn: &mut Conn, offset: &str) -> anyhow::Result<Framing> {
        let (request, status) = match self.live {
            Live::Broadcast(Wire::WebSocket) => (upgrade_request(&self.base), 101),
            _ => (read_request(&self.base, &self.target, offset, "&live=sse"), 200),
        };
        conn.send(&request).await?;
        let head = conn.head().await?;
        conn.expect(&head, &[status]).await.context("subscribing")?;
        Ok(head.framing)
    }

    async fn listen(&self, mut conn: Conn, mut framing: Framing) -> anyhow::Result<Heard> {
        let mut ear = self.ear();
        let mut reconnects = 0;
        loop {
            let (mut events, mut body) = (EventReader::default(), Body::of(framing));
            loop {
                let sink = |bytes: &[u8]| ear.hear_events(&mut events, bytes);
                let piece = conn.part(&mut body, sink).await?;
                ear.note();
                if piece == Piece::End {
                    break;
                }
            }
            // What is broadcast is over with the response, which says by its own framing that it is whole.
            let over = matches!(self.live, Live::Broadcast(_)) && framing == Framing::Chunked;
            if over || events.stream_closed() {
                return Ok(ear.heard(reconnects));
            }
            ensure!(events.is_settled(), "a subscription was cut inside an event");
            ensure!(reconnects < MOST_RECONNECTS, "a subscription was ended again and again");
            reconnects += 1;
            let offset = events.next_offset().context("no offset to go on from")?;
            conn = Conn::open(&self.base, READ_SIZE).await?;
            framing = self.tune_in(&mut conn, offset).await?;
        }
    }

    async fn receive(&self, mut conn: Conn) -> anyhow::Result<Heard> {
        let mut ear = self.ear();
        let mut frames = FrameReader::default();
        loop {
            let mut fed = Ok(());
            let sink = |bytes: &[u8]| fed = frames.feed(bytes, |payload| ear.hear(payload));
            let piece = conn.piece(sink).await?;
            fed?;
            ear.note();
            if frames.is_closed() {
                // A server that has closed its side need not hear the answer.
                drop(conn.send(&frames.take_answers()).await);
                return Ok(ear.heard(0));
            }
            ensure!(piece == Piece::Some, "a WebSocket was cut");
            let answers = frames.take_answers();
            if !answers.is_empty() {
                conn.send(&answers).await?;
            }
        }
    }

    async fn poll(&self, mut conn: Conn) -> anyhow::Result<Heard> {
        let mut ear = self.ear();
        let mut offset = self.offset.to_string();
        loop {
            conn.send(&read_request(&self.base, &self.target, &offset, "&live=long-poll")).await?;
            let head = conn.head().await?;
            conn.expect(&head, &[200, 204]).await.context("a long poll")?;
            conn.body(head.framing, |bytes| ear.hear(bytes)).await?;
            ear.note();
            if head.closed {
                return Ok(ear.heard(0));
            }
            offset = head.next_offset.context("a long poll without Stream-Next-Offset")?;
        }
    }
}
