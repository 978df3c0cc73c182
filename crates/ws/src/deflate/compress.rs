//! Compressing, where it makes a message smaller.

use std::cell::RefCell;

use flate2::{Compress, Compression, FlushCompress};

use super::params::{Direction, Level, WindowBits};
use super::{KEPT, TAIL};

/// Room for what a payload that does not compress grows by.
const MORE: usize = 1024;

thread_local! {
    /// Compressors at the start of a stream.
    static IDLE: RefCell<Vec<Compressor>> = const { RefCell::new(Vec::new()) };
}

/// The payload of a compressed message, as it goes on the wire.
type Compressed = Vec<u8>;

/// What this end compresses with: lent for a message, or kept for all of them.
#[derive(Debug)]
pub(crate) struct Outbound {
    direction: Direction,
    level: Level,
    kept: Option<Compressor>,
}

impl Outbound {
    pub(crate) fn new(direction: Direction, level: Level) -> Self {
        Self { direction, level, kept: None }
    }

    /// The window that the peer has for what is compressed without context.
    pub(crate) fn window_bits(&self) -> WindowBits {
        self.direction.window_bits
    }

    /// Compresses a message, if that makes it smaller.
    pub(crate) fn compress(&mut self, payload: &[u8]) -> Option<Compressed> {
        if !self.direction.context_takeover || self.direction.window_bits == WindowBits::MIN {
            return compress_once(payload, self.direction.window_bits, self.level);
        }
        let compressor = self
            .kept
            .get_or_insert_with(|| Compressor::new(self.direction.window_bits, self.level));
        let compressed = compressor.compress(payload);
        if compressed.is_none() {
            // The peer never sees what the compressor has just taken into its window.
            compressor.inner.reset();
        }
        compressed
    }

    /// What a message is compressed with that is sent in fragments; nothing where no message is compressed.
    pub(crate) fn begin(&mut self) -> Option<Stream> {
        let Direction { window_bits, context_takeover } = self.direction;
        if window_bits == WindowBits::MIN {
            return None;
        }
        let kept = if context_takeover { self.kept.take() } else { None };
        Some(Stream(kept.unwrap_or_else(|| {
            if context_takeover {
                Compressor::new(window_bits, self.level)
            } else {
                Compressor::lent(window_bits, self.level)
            }
        })))
    }

    /// The message is complete.
    pub(crate) fn end(&mut self, Stream(compressor): Stream) {
        if self.direction.context_takeover {
            self.kept = Some(compressor);
        } else {
            compressor.end_loan();
        }
    }

    /// The peer gets a compressed message that was not made here. From now on its window is not
    /// what this compressor takes it for, so this one begins anew.
    pub(crate) fn forget_context(&mut self) {
        if let Some(compressor) = &mut self.kept {
            compressor.inner.reset();
        }
    }
}

/// What a message in fragments is compressed with.
#[derive(Debug)]
pub(crate) struct Stream(Compressor);

impl Stream {
    /// A fragment after which there is another. The peer can inflate all of it when it has it.
    pub(crate) fn compress(&mut self, payload: &[u8]) -> Option<Compressed> {
        self.0.compress_all(payload)
    }

    /// The last fragment, which may have nothing in it.
    pub(crate) fn compress_last(&mut self, payload: &[u8]) -> Option<Compressed> {
        if payload.is_empty() {
            // With what ends every flush, which the peer adds, an empty block: zlib itself flushes nothing twice.
            return Some(vec![0]);
        }
        without_tail(self.0.compress_all(payload)?)
    }
}

/// What a flush came to, as the last fragment of a message has it.
fn without_tail(mut flushed: Compressed) -> Option<Compressed> {
    let length = flushed.strip_suffix(&TAIL)?.len();
    flushed.truncate(length);
    Some(flushed)
}

/// Compresses a message that refers to no other, if that makes it smaller.
pub(crate) fn compress_once(payload: &[u8], bits: WindowBits, level: Level) -> Option<Compressed> {
    if bits == WindowBits::MIN {
        return None;
    }
    let mut compressor = Compressor::lent(bits, level);
    let compressed = compressor.compress(payload);
    compressor.end_loan();
    compressed
}

/// In a box, as inflaters are.
#[derive(Debug)]
struct Compressor {
    inner: Box<Compress>,
    bits: WindowBits,
    level: Level,
}

impl Compressor {
    fn new(bits: WindowBits, level: Level) -> Self {
        let compression = Compression::new(level.number());
        let inner = Box::new(Compress::new_with_window_bits(compression, false, bits.number()));
        Self { inner, bits, level }
    }

    fn lent(bits: WindowBits, level: Level) -> Self {
        let fits = |idle: &Self| idle.bits == bits && idle.level == level;
        let idle =
            IDLE.with_borrow_mut(|idle| idle.iter().position(fits).map(|at| idle.swap_remove(at)));
        idle.unwrap_or_else(|| Self::new(bits, level))
    }

    fn end_loan(mut self) {
        IDLE.with_borrow_mut(|idle| {
            if idle.len() == KEPT {
                // Whoever wants one like it will want it soon; the oldest goes.
                idle.remove(0);
            }
            self.inner.reset();
            idle.push(self);
        });
    }

    /// A message, if that makes it smaller.
    fn compress(&mut self, payload: &[u8]) -> Option<Compressed> {
        let compressed = without_tail(self.compress_all(payload)?)?;
        (compressed.len() < payload.len()).then_some(compressed)
    }

    /// Always to the end, also of what turns out no smaller: a reset does not rid zlib-rs 0.6.8 of
    /// output that it still holds, and the buffer for that is the smaller ever after.
    fn compress_all(&mut self, payload: &[u8]) -> Option<Compressed> {
        let mut out = Vec::with_capacity(payload.len() + TAIL.len());
        let start = self.inner.total_in();
        loop {
            let read = usize::try_from(self.inner.total_in() - start).ok()?;
            let rest = payload.get(read..)?;
            self.inner.compress_vec(rest, &mut out, FlushCompress::Sync).ok()?;
            // With room left, all is read and nothing is held back.
            if out.len() < out.capacity() {
                return Some(out);
            }
            out.reserve(MORE);
        }
    }
}
