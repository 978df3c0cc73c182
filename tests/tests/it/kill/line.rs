//! A client's connection, and how a request over it ended.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use headwater_tests::http::{Call, Conn, Response};
use headwater_tests::server::target;

use super::history::Tick;
use super::record::Id;

/// What all clients share.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) address: SocketAddr,
    pub(super) clock: AtomicU64,
    pub(super) ids: AtomicU64,
    pub(super) acks: AtomicUsize,
    /// Streams that a client saw end with their lifetime.
    pub(super) ended: AtomicUsize,
}

impl Common {
    pub(super) fn tick(&self) -> Tick {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

/// Why a client stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// There was no connection to send the request over.
    NotSent,
    /// The request, begun at this time, was never answered; `sent` is when all of it had left.
    Unanswered { began: Tick, sent: Option<Tick> },
}

impl Stopped {
    /// Whether the server had been sent all of the request when it was killed. What is written to
    /// a connection of a dead server goes unanswered too: its outcome is as unknown to the client,
    /// but no kill interrupted it.
    pub(super) fn in_flight_at(self, killed_at: Tick) -> bool {
        matches!(self, Self::Unanswered { sent: Some(sent), .. } if sent < killed_at)
    }
}

/// An acknowledged request.
#[derive(Debug)]
pub(super) struct Acked {
    pub(super) began: Tick,
    pub(super) at: Tick,
    pub(super) response: Response,
}

/// A client's connection.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) common: &'a Common,
    conn: Option<Conn>,
}

impl<'a> Line<'a> {
    pub(super) fn new(common: &'a Common) -> Self {
        Self { common, conn: None }
    }

    pub(super) fn call(&self, method: &str, stream: &str) -> Call {
        Call::new(self.common.address, method, &target(stream))
    }

    pub(super) fn next_id(&self) -> Id {
        self.common.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a request and waits for its answer, which must have one of these statuses.
    pub(super) fn ask(&mut self, call: Call, statuses: &[u16]) -> Result<Acked, Stopped> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => Conn::open(self.common.address).map_err(|_| Stopped::NotSent)?,
        };
        let began = self.common.tick();
        if conn.write(&call.encode()).is_err() {
            return Err(Stopped::Unanswered { began, sent: None });
        }
        let sent = self.common.tick();
        match call.read_over(&mut conn) {
            Ok(response) => {
                let at = self.common.tick();
                let status = response.status();
                assert!(statuses.contains(&status), "{}: {response}", response.request);
                self.conn = Some(conn);
                Ok(Acked { began, at, response })
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                panic!("no answer by the deadline: {error}")
            }
            Err(_) => Err(Stopped::Unanswered { began, sent: Some(sent) }),
        }
    }
}
