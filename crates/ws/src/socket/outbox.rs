//! Frames that wait to be written, all of them in one write, in a queue that a thread's connections take in turns.

use std::array;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};

use crate::transport::Transport;

/// Buffers in one write; the kernel takes 1,024, and few come together outside of a hub.
const VECTORED: usize = 64;

/// Queues that a thread keeps. One is in use at a time, but for connections whose peers do not read.
const KEPT: usize = 4;

thread_local! {
    #[allow(clippy::vec_box, reason = "a connection has one by its box, so that it is small without")]
    static IDLE: RefCell<Vec<Box<Queue>>> = const { RefCell::new(Vec::new()) };
}

/// Small while there is nothing in it.
#[derive(Debug, Default)]
pub(super) struct Outbox(Option<Box<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Written, but perhaps held back by the transport.
    unflushed: bool,
}

impl Extend<Bytes> for Outbox {
    fn extend<I: IntoIterator<Item = Bytes>>(&mut self, frames: I) {
        let queue = self.0.get_or_insert_with(Queue::lent);
        for frame in frames {
            queue.bytes += frame.len();
            queue.frames.push_back(frame);
        }
    }
}

impl Outbox {
    /// Bytes that the transport has not taken.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|queue| queue.bytes == 0 && !queue.unflushed)
    }

    /// Writes until nothing is left, and gives the queue back then.
    pub(super) fn poll_write(
        &mut self,
        transport: &mut impl Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(queue) = &mut self.0 else { return Poll::Ready(Ok(())) };
        ready!(queue.poll_write(transport, cx))?;
        if let Some(queue) = self.0.take() {
            queue.end_loan();
        }
        Poll::Ready(Ok(()))
    }

    /// Writes frames that others keep. Only what is left of them is queued, so that nothing is counted or allocated for a peer that
    /// reads.
    pub(super) fn poll_write_kept<'a>(
        &mut self,
        frames: impl IntoIterator<Item = &'a Bytes>,
        transport: &mut impl Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut frames = frames.into_iter();
        while self.0.is_none()
            && let Some(first) = frames.next()
        {
            let Some(second) = frames.next() else {
                self.write_or_queue(&[first], transport, cx)?;
                break;
            };
            let mut chunk = [second; VECTORED];
            chunk[0] = first;
            let places = chunk.iter_mut().skip(2);
            let more = places.zip(&mut frames).map(|(place, frame)| *place = frame).count();
            let chunk = chunk.get(..2 + more).unwrap_or_default();
            self.write_or_queue(chunk, transport, cx)?;
        }
        if self.0.is_none() {
            return Poll::Ready(Ok(()));
        }
        self.queue(frames);
        self.poll_write(transport, cx)
    }

    /// Writes once; what is not taken then is queued.
    fn write_or_queue(
        &mut self,
        frames: &[&Bytes],
        transport: &mut impl Transport,
        cx: &mut Context<'_>,
    ) -> io::Result<()> {
        let wrote = match frames {
            [one] => transport.poll_write(cx, &[IoSlice::new(one)]),
            several => {
                let slices: [_; VECTORED] = array::from_fn(|place| {
                    IoSlice::new(several.get(place).map_or(&[], |frame| frame))
                });
                transport.poll_write(cx, slices.get(..several.len()).unwrap_or_default())
            }
        };
        let mut written = match wrote {
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(written) => written?,
            Poll::Pending => {
                self.queue(frames.iter().copied());
                return Ok(());
            }
        };
        for frame in frames {
            if written < frame.len() {
                self.extend([frame.slice(written..)]);
            }
            written = written.saturating_sub(frame.len());
        }
        if self.0.is_none() && transport.poll_flush(cx)?.is_ready() {
            return Ok(());
        }
        self.0.get_or_insert_with(Queue::lent).unflushed = true;
        Ok(())
    }

    fn queue<'a>(&mut self, frames: impl IntoIterator<Item = &'a Bytes>) {
        let mut frames = frames.into_iter().peekable();
        if frames.peek().is_some() {
            self.extend(frames.cloned());
        }
    }
}

impl Queue {
    fn lent() -> Box<Self> {
        IDLE.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    /// Goes back to its thread, empty, unless it has become large.
    fn end_loan(self: Box<Self>) {
        if self.frames.capacity() > VECTORED {
            return;
        }
        IDLE.with_borrow_mut(|idle| {
            if idle.len() < KEPT {
                idle.push(self);
            }
        });
    }

    fn poll_write(
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
