//! Bytes that were read and not decoded, in buffers that a thread's connections take in turns.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};

use crate::transport::Transport;

/// A read's size: what small messages come in together, and few system calls for large ones.
const READ: u16 = 16 * 1024;

/// Buffers that a thread keeps. One is in use at a time, but for connections that have more than
/// one message to give out.
const KEPT: usize = 4;

thread_local! {
    static IDLE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug)]
pub(super) enum Inbox {
    Empty,
    /// What the HTTP library had read beyond the handshake, which is rare.
    Given(Box<Bytes>),
    Read {
        buffer: Lent,
        // Small, as is what every connection has a place for.
        start: u16,
        end: u16,
    },
}

/// A buffer that goes back to its thread.
#[derive(Debug)]
pub(super) struct Lent(Box<[u8]>);

impl Lent {
    fn take() -> Self {
        let idle = IDLE.with_borrow_mut(Vec::pop);
        Self(idle.unwrap_or_else(|| vec![0; usize::from(READ)].into_boxed_slice()))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let buffer = mem::take(&mut self.0);
        // A thread that ends has no place for it any more.
        let _ = IDLE.try_with(|idle| {
            let mut idle = idle.borrow_mut();
            if idle.len() < KEPT {
                idle.push(buffer);
            }
        });
    }
}

impl Inbox {
    pub(super) fn new(given: Bytes) -> Self {
        if given.is_empty() { Self::Empty } else { Self::Given(Box::new(given)) }
    }

    /// What is to be decoded next.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Given(bytes) => bytes,
            Self::Read { buffer, start, end } => {
                let range = usize::from(*start)..usize::from(*end);
                buffer.0.get(range).unwrap_or_default()
            }
        }
    }

    /// So many bytes have been decoded. An empty buffer is given back.
    pub(super) fn advance(&mut self, count: usize) {
        match self {
            Self::Empty => {}
            Self::Given(bytes) => bytes.advance(count.min(bytes.len())),
            Self::Read { start, end, .. } => {
                *start = start.saturating_add(u16::try_from(count).unwrap_or(READ)).min(*end);
            }
        }
        if self.bytes().is_empty() {
            self.clear();
        }
    }

    /// Reads once; only when all is decoded. How much is read is told; nothing is the end.
    pub(super) fn poll_fill(
        &mut self,
        transport: &mut impl Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut buffer = Lent::take();
        let read = transport.poll_read(cx, &mut buffer.0);
        if let Poll::Ready(Ok(read @ 1..)) = read {
            // No more than the buffer has.
            let end = u16::try_from(read).unwrap_or(READ);
            *self = Self::Read { buffer, start: 0, end };
        }
        read
    }

    /// Drops what has not been decoded.
    pub(super) fn clear(&mut self) {
        *self = Self::Empty;
    }
}
