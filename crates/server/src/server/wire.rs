//! The socket of a connection: small answers are written at once, large ones are carried.
//!
//! The HTTP library hands over an answer piece by piece. Of a large one all pieces are known beforehand ([`Announced`]), so when
//! the first one is to be written, all of them are given to the carriers, and what the library then hands over is merely counted
//! off against what has been written. One that is the only one of the whole server is written here, if all of it is in memory.
//!
//! Of what is left in a file the library has only a stand-in ([`stand_in`]). That never gets to the socket: outside of an answer that
//! is carried it ends the connection.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use headwater_core::storage::Portion;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tracing::error;

use super::activity::Activity;
use super::carriers::{Carried, Carriers, Counted};
use super::load::Load;
use super::patient::Socket;
use super::stand_in::stands_in;

/// The pieces of a large answer that the HTTP library is going to write, before the first of them is.
#[derive(Debug, Default)]
pub(super) struct Announced(
    // Held to put and to take. One for a connection: of answers that are pipelined only one is next.
    Mutex<Next>,
);

#[derive(Debug, Default)]
struct Next {
    pieces: Option<Vec<Portion>>,
    /// Whether an answer was announced while another one had not begun. The library never does that; if it did, one could be taken for the
    /// other, because all stand-ins look alike. So none is taken any more.
    mixed: bool,
}

/// A socket.
#[derive(Debug)]
pub(super) struct Wire {
    /// There until this is dropped.
    reading: Option<OwnedReadHalf>,
    writing: Writing,
    activity: Arc<Activity>,
    carriers: Arc<Carriers>,
}

/// Who writes.
#[derive(Debug)]
enum Writing {
    /// The connection itself.
    Here(OwnedWriteHalf, Option<Alone>),
    Carried(Ahead),
    /// Nobody any more: a load was lost.
    Lost,
}

/// A large answer that the connection itself writes.
#[derive(Debug)]
struct Alone {
    left: u64,
    _counted: Counted,
}

/// An answer that is being carried.
#[derive(Debug)]
struct Ahead {
    carried: Carried,
    _counted: Counted,
    /// What is written and the library has not been told of.
    untold: usize,
    /// What it has not been told of, written or not.
    left: u64,
}

impl Announced {
    /// Announces the next answer, if it is large. What was announced and did not come is forgotten: a small answer may begin in the
    /// same memory.
    pub(super) fn put(&self, pieces: Option<Vec<Portion>>) {
        let mut next = self.0.lock();
        next.mixed |= pieces.is_some() && next.pieces.is_some();
        next.pieces = pieces;
    }

    /// The answer and what comes before it, if it is what these slices begin: the very memory, not merely the same bytes.
    fn take(&self, slices: &[IoSlice<'_>]) -> Option<VecDeque<Portion>> {
        let mut next = self.0.lock();
        if next.mixed {
            return None;
        }
        let first = next.pieces.as_ref()?.first()?;
        let begins = |slice: &IoSlice<'_>| match first {
            Portion::Memory(bytes) => slice.as_ptr() == bytes.as_ptr(),
            Portion::File(_) => stands_in(slice),
        };
        let at = slices.iter().position(begins)?;
        let before = slices.get(..at)?;
        if before.iter().any(|slice| stands_in(slice)) {
            return None;
        }
        let before = before.iter().filter(|slice| !slice.is_empty());
        let before = before.map(|slice| Bytes::copy_from_slice(slice).into());
        Some(before.chain(next.pieces.take()?).collect())
    }
}

impl Writing {
    /// Begins a large answer.
    fn begin(&mut self, pieces: VecDeque<Portion>, carriers: &Carriers) {
        let Self::Here(socket, _) = std::mem::replace(self, Self::Lost) else { return };
        let left = pieces.iter().map(Portion::len).sum();
        let counted = carriers.count();
        // To send from a file may wait for a disk.
        if counted.is_alone() && pieces.iter().all(|piece| piece.memory().is_some()) {
            *self = Self::Here(socket, Some(Alone { left, _counted: counted }));
            return;
        }
        *self = match carriers.carry(Load { socket, pieces }) {
            Ok(carried) => Self::Carried(Ahead { carried, _counted: counted, untold: 0, left }),
            Err(load) => Self::Here(load.socket, None),
        };
    }
}

/// Writes at once, and notes when a large answer is through.
fn write_here(
    socket: &mut OwnedWriteHalf,
    alone: &mut Option<Alone>,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    if slices.iter().any(|slice| stands_in(slice)) {
        error!("a file was to be sent that the socket does not know of; its connection ends");
        return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
    }
    let written = ready!(Pin::new(socket).poll_write_vectored(cx, slices))?;
    if let Some(answer) = alone {
        answer.left = answer.left.saturating_sub(written as u64);
        if answer.left == 0 {
            *alone = None;
        }
    }
    Poll::Ready(Ok(written))
}

impl Ahead {
    /// How many of the bytes that the library hands over are written.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        carriers: &Carriers,
        handed: usize,
    ) -> Poll<io::Result<usize>> {
        if self.untold == 0 {
            self.untold = ready!(self.carried.poll_written(cx, carriers))?;
        }
        let told = self.untold.min(handed);
        self.untold -= told;
        self.left = self.left.saturating_sub(told as u64);
        Poll::Ready(Ok(told))
    }
}

impl Wire {
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>, carriers: Arc<Carriers>) -> Self {
        let (reading, writing) = stream.into_split();
        Self { reading: Some(reading), writing: Writing::Here(writing, None), activity, carriers }
    }
}

impl Drop for Wire {
    /// Leaves the socket to whoever goes on with the answer.
    fn drop(&mut self) {
        if !self.activity.handover.is_offered() {
            return;
        }
        let writing = std::mem::replace(&mut self.writing, Writing::Lost);
        if let (Some(reading), Writing::Here(writing, _)) = (self.reading.take(), writing)
            && let Ok(socket) = reading.reunite(writing)
            && let Ok(socket) = socket.into_std()
        {
            self.activity.handover.leave(socket);
        }
    }
}

impl Socket for Wire {
    fn forget_unsent(&self) {
        if let Some(reading) = &self.reading {
            let _ = reading.as_ref().set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.reading {
            Some(reading) => Pin::new(reading).poll_read(cx, buf),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { writing, activity, carriers, .. } = &mut *self;
        if let Writing::Here(_, None) = writing
            && let Some(pieces) = activity.announced.take(slices)
        {
            writing.begin(pieces, carriers);
        }
        let ahead = match writing {
            Writing::Here(socket, alone) => return write_here(socket, alone, cx, slices),
            Writing::Carried(ahead) => ahead,
            Writing::Lost => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        };
        let handed = slices.iter().map(|slice| slice.len()).sum();
        let told = ready!(ahead.poll(cx, carriers, handed))?;
        if ahead.left == 0
            && let Writing::Carried(ahead) = std::mem::replace(writing, Writing::Lost)
            && let Some(socket) = ahead.carried.into_socket()
        {
            *writing = Writing::Here(socket, None);
        }
        Poll::Ready(Ok(told))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What was handed over is with the kernel.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.writing {
            Writing::Here(socket, _) => Pin::new(socket).poll_shutdown(cx),
            // It is shut when the load is dropped.
            Writing::Carried(_) | Writing::Lost => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests;
