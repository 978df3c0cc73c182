//! Bytes on their way to a socket, in memory and in files.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use headwater_core::storage::{FileRange, Portion};
use tokio::net::tcp::OwnedWriteHalf;
use tracing::warn;

/// Pieces of memory that one system call takes: as many as a turn has, of the size in which they are mostly stored, and some small ones.
const PIECES: usize = 8;

/// What is to be written to a socket, in order.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) socket: OwnedWriteHalf,
    pub(super) pieces: VecDeque<Portion>,
}

impl Load {
    /// Writes once, at most so many bytes.
    pub(super) fn write(&mut self, most: usize) -> io::Result<usize> {
        let written = match self.pieces.front() {
            Some(Portion::File(range)) => self.send(range, most)?,
            _ => self.write_memory(most)?,
        };
        self.advance(written as u64);
        Ok(written)
    }

    /// Writes what is in memory before the next file.
    fn write_memory(&self, most: usize) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let (mut left, mut count) = (most, 0);
        let pieces = self.pieces.iter().map_while(Portion::memory);
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            let part = piece.get(..left).unwrap_or(piece);
            *slice = IoSlice::new(part);
            left -= part.len();
            count += 1;
            if left == 0 {
                break;
            }
        }
        self.socket.try_write_vectored(slices.get(..count).unwrap_or_default())
    }

    /// Sends from a file. What is wrong with the file is logged: its reader only sees that the connection ends.
    fn send(&self, range: &FileRange, most: usize) -> io::Result<usize> {
        let sent = sending::send(&self.socket, range, most);
        match &sent {
            Ok(0) => {
                let error =
                    io::Error::new(io::ErrorKind::UnexpectedEof, "the file has become shorter");
                warn!(%error, file = ?range.file(), at = range.offset(), "an answer is broken off");
                return Err(error);
            }
            Err(error) if is_the_files(error) => {
                warn!(%error, file = ?range.file(), at = range.offset(), "an answer is broken off");
            }
            _ => {}
        }
        sent
    }

    fn advance(&mut self, mut bytes: u64) {
        while let Some(piece) = self.pieces.front_mut() {
            let len = piece.len();
            if bytes < len {
                return piece.advance(bytes);
            }
            bytes -= len;
            self.pieces.pop_front();
        }
    }
}

/// Whether an error is one of reading, not of a client that went away.
fn is_the_files(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected, TimedOut, WouldBlock};
    !matches!(error.kind(), BrokenPipe | ConnectionReset | NotConnected | TimedOut | WouldBlock)
}

#[cfg(target_os = "linux")]
mod sending {
    use super::{FileRange, OwnedWriteHalf, io};
    use rustix::fs::sendfile;
    use rustix::io::retry_on_intr;
    use tokio::io::Interest;

    /// Sends some bytes of a file, at most so many, without reading them.
    pub(super) fn send(
        socket: &OwnedWriteHalf,
        range: &FileRange,
        most: usize,
    ) -> io::Result<usize> {
        let len = range.len();
        let most = usize::try_from(len).unwrap_or(usize::MAX).min(most);
        let socket = socket.as_ref();
        socket.try_io(Interest::WRITABLE, || {
            let sent = retry_on_intr(|| {
                let mut offset = range.offset();
                sendfile(socket, range.file(), Some(&mut offset), most)
            });
            Ok(sent?)
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod sending {
    use super::{FileRange, OwnedWriteHalf, io};
    use rustix::io::{pread, retry_on_intr};

    /// What is read at a time.
    const PART_BYTES: usize = 64 * 1024;

    /// Reads some bytes of a file, at most so many, and writes them.
    pub(super) fn send(
        socket: &OwnedWriteHalf,
        range: &FileRange,
        most: usize,
    ) -> io::Result<usize> {
        let len = range.len();
        let most = usize::try_from(len).unwrap_or(usize::MAX).min(most).min(PART_BYTES);
        let mut part = vec![0; most];
        let read = retry_on_intr(|| pread(range.file(), &mut part, range.offset()))?;
        part.truncate(read);
        if part.is_empty() { Ok(0) } else { socket.try_write(&part) }
    }
}
