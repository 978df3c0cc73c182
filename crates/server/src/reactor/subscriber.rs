//! One reader: a socket, a position, and what the socket has not taken yet.

use std::io::Read;
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use bytes::Bytes;
use headwater_engine::Mark;

use super::Stand;
use super::chunk::LAST;
use super::timers::Step;
use super::unsent::{Unsent, Written};
use super::view::{Found, View};
use crate::sse::Reader;

/// What is still read of a client before its connection is closed: the kernel answers what is left unread with a reset, which takes
/// along what the client has not read either.
const UNREAD_BYTES: usize = 64 * 1024;

/// A reader on a socket of its own.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) socket: mio::net::TcpStream,
    /// Its group, and its place among the members.
    pub(super) group: usize,
    pub(super) place: usize,
    pub(super) mark: Mark,
    pub(super) reader: Reader,
    pub(super) stand: Stand,
    /// When it is looked at next, for whatever reason.
    pub(super) timer: Option<Step>,
    unsent: Unsent,
    /// Whether the answer ends with what is left.
    ending: bool,
}

/// What becomes of a reader that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has all there is.
    Waits,
    /// There is more for it than it was given at once.
    HasMore,
    /// Its socket takes no more for now.
    Blocked,
    /// What comes next is not in memory any more.
    Behind,
    /// Its answer has been sent.
    Ended,
    /// Its client is gone.
    Gone,
}

impl Subscriber {
    pub(super) fn new(
        socket: mio::net::TcpStream,
        group: usize,
        mark: Mark,
        reader: Reader,
        stand: Stand,
    ) -> Self {
        let (place, timer, unsent, ending) = (0, None, Unsent::default(), false);
        Self { socket, group, place, mark, reader, stand, timer, unsent, ending }
    }

    /// Since when its socket takes nothing of what is left for it.
    pub(super) fn blocked(&self) -> Option<Instant> {
        self.unsent.since()
    }

    /// Tells it what is new, as much as goes at once. Returns how many bytes of the body that were, too.
    pub(super) fn attend(&mut self, view: &mut View<'_>) -> (Fate, usize) {
        if self.blocked().is_some() || self.ending {
            return (Fate::Waits, 0);
        }
        let cursor = view.cursor(self.reader.cursor);
        let text = match view.next(self.mark, cursor) {
            Found::Nothing => return (Fate::Waits, 0),
            Found::Behind => return (Fate::Behind, 0),
            // It is told when it comes back for it.
            Found::GivenUp => return (self.end(view.now), 0),
            Found::Text(text) => text,
        };
        (self.mark, self.reader.cursor) = (text.mark, cursor);
        self.ending = text.is_over;
        let fate = match self.send(text.bytes, view.now) {
            Fate::Waits if view.has_more(self.mark) => Fate::HasMore,
            fate => fate,
        };
        (fate, text.body)
    }

    /// Ends its answer.
    pub(super) fn end(&mut self, now: Instant) -> Fate {
        if self.ending {
            return Fate::Waits;
        }
        self.ending = true;
        self.send(LAST, now)
    }

    /// Sends bytes behind those that are left.
    pub(super) fn send(&mut self, bytes: Bytes, now: Instant) -> Fate {
        if !bytes.is_empty() {
            self.reader.quiet_since = now.into();
        }
        let written = self.unsent.write(&mut self.socket, bytes, now);
        self.fate(written)
    }

    /// Writes what is left.
    pub(super) fn flush(&mut self, now: Instant) -> Fate {
        let written = self.unsent.flush(&mut self.socket, now);
        self.fate(written)
    }

    fn fate(&self, written: Written) -> Fate {
        match written {
            Written::All if self.ending => Fate::Ended,
            Written::All => Fate::Waits,
            Written::Part => Fate::Blocked,
            Written::Nothing => Fate::Gone,
        }
    }
}

/// Closes a connection behind an answer that has been written.
pub(super) fn farewell(mut socket: TcpStream) {
    // A client that is gone needs no farewell.
    let _ = socket.shutdown(Shutdown::Write);
    let (mut scratch, mut left) = ([0; 4096], UNREAD_BYTES);
    while let Ok(read @ 1..) = socket.read(&mut scratch)
        && left > 0
    {
        left = left.saturating_sub(read);
    }
}

/// Closes one whose client takes nothing: what is left to be sent is not worth the memory.
pub(super) fn forget(socket: &TcpStream) {
    // What the kernel cannot be told, it does without.
    let _ = socket2::SockRef::from(socket).set_linger(Some(std::time::Duration::ZERO));
}
