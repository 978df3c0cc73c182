//! How a connection is taken from the HTTP library.
//!
//! The body of an answer that may go on without the library offers its session here, in place of its next piece. The library then writes
//! what it has, and when it has written it the connection's task drops it: the socket, which it held, is found here beside the
//! session.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::sse::Session;

/// What is handed over on one connection, if anything is.
///
/// All of it happens in the connection's task, so that relaxed flags are enough: they are asked each time it is woken.
#[derive(Debug, Default)]
pub(super) struct Handover {
    offered: AtomicBool,
    /// Whether the socket has not taken all of what the library has written.
    waits: AtomicBool,
    // Held to put and to take.
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    session: Option<Box<Session>>,
    socket: Option<TcpStream>,
}

impl Handover {
    /// Offers the rest of an answer.
    pub(super) fn offer(&self, session: Box<Session>) {
        self.slot.lock().session = Some(session);
        self.offered.store(true, Ordering::Relaxed);
    }

    /// Whether the rest of an answer is offered.
    pub(super) fn is_offered(&self) -> bool {
        self.offered.load(Ordering::Relaxed)
    }

    /// Whether a write waits for the socket.
    pub(super) fn waits(&self, waits: bool) {
        self.waits.store(waits, Ordering::Relaxed);
    }

    /// Whether the rest is offered, and all before it has been written. To be asked when the library has just been polled: it
    /// flushes whatever it has, so it either waits for the socket or has nothing.
    pub(super) fn is_ready(&self) -> bool {
        self.is_offered() && !self.waits.load(Ordering::Relaxed)
    }

    /// Leaves the socket here.
    pub(super) fn leave(&self, socket: TcpStream) {
        self.slot.lock().socket = Some(socket);
    }

    /// What was handed over, when the library has been dropped.
    pub(super) fn take(&self) -> Option<(TcpStream, Box<Session>)> {
        let mut slot = self.slot.lock();
        slot.socket.take().zip(slot.session.take())
    }
}
