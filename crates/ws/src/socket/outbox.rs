//! Frames that wait to be written, all of them in one write.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};

use crate::transport::Transport;

/// Buffers in one write; the kernel takes 1,024, and few come together outside of a hub.
const VECTORED: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Written, but perhaps held back by the transport.
    unflushed: bool,
}

impl Extend<Bytes> for Outbox {
    fn extend<I: IntoIterator<Item = Bytes>>(&mut self, frames: I) {
        for frame in frames {
            self.bytes += frame.len();
            self.frames.push_back(frame);
        }
    }
}

impl Outbox {
    /// Bytes that the transport has not taken.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0 && !self.unflushed
    }

    /// Writes until nothing is left, and gives the queue's memory back then.
    pub(super) fn poll_write(
        &mut self,
        transport: &mut impl Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.bytes > 0 {
            let mut slices = [IoSlice::new(&[]); VECTORED];
            let frames = self.frames.iter();
            for (slice, frame) in slices.iter_mut().zip(frames) {
                *slice = IoSlice::new(frame);
            }
            let used = self.frames.len().min(VECTORED);
            let slices = slices.get(..used).unwrap_or_default();
            let written = ready!(transport.poll_write(cx, slices))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.advance(written);
        }
        if self.unflushed {
            ready!(transport.poll_flush(cx))?;
            self.unflushed = false;
        }
        self.frames = VecDeque::new();
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, written: usize) {
        self.bytes -= written;
        let mut written = written;
        while let Some(frame) = self.frames.front_mut() {
            if written < frame.len() {
                frame.advance(written);
                return;
            }
            written -= frame.len();
            self.frames.pop_front();
        }
    }
}
