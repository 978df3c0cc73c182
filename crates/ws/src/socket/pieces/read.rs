//! A message that is read piece by piece.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use bytestring::ByteString;

use super::Piece;
use crate::decode::{Arrived, Kind, Want};
use crate::message::Message;
use crate::socket::{Error, WebSocket};
use crate::transport::Transport;

/// A message that has begun to come, by its kind.
#[derive(Debug)]
pub enum Incoming<'a, T> {
    /// Text, in pieces of whole characters.
    Text(MessageReader<'a, T, ByteString>),
    /// Bytes.
    Binary(MessageReader<'a, T, Bytes>),
}

/// Reads one message piece by piece, as it comes: what it takes is one piece, whatever the message has.
///
/// A piece is never empty and has at most 16 KiB, unless a [`recv`](WebSocket::recv) that was cancelled had kept more. The
/// [limits](crate::Limits) hold for the message as they do for one that is kept, so they have to be as high as messages may be large;
/// what a peer sends beyond them, or wrong, is an error after the pieces that were right.
///
/// Dropped before the end, it leaves the rest of the message to be read, checked and forgotten by the next call that reads: the
/// connection goes on with the message after it. No memory is kept for the rest, and the peer is not told.
#[derive(Debug)]
pub struct MessageReader<'a, T, P> {
    socket: &'a mut WebSocket<T>,
    is_complete: bool,
    piece: PhantomData<P>,
}

impl<T: Transport> WebSocket<T> {
    /// Waits until the next message begins, and reads it piece by piece; `None` once both ends have closed.
    ///
    /// ```
    /// # use headwater_ws::{Error, Incoming, Transport, WebSocket};
    /// # use tokio::io::{AsyncWrite, AsyncWriteExt};
    /// /// Stores what a client uploads, however much it is.
    /// async fn store<T: Transport>(
    ///     socket: &mut WebSocket<T>,
    ///     file: &mut (impl AsyncWrite + Unpin),
    /// ) -> Result<(), Error> {
    ///     while let Some(incoming) = socket.recv_pieces().await? {
    ///         // Dropped, a text is passed over.
    ///         let Incoming::Binary(mut message) = incoming else { continue };
    ///         while let Some(piece) = message.next().await? {
    ///             file.write_all(&piece).await?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub async fn recv_pieces(&mut self) -> Result<Option<Incoming<'_, T>>, Error> {
        let kind = poll_fn(|cx| self.poll_begin(cx)).await?;
        Ok(kind.map(|kind| match kind {
            Kind::Text => Incoming::Text(MessageReader::new(self)),
            Kind::Binary => Incoming::Binary(MessageReader::new(self)),
        }))
    }

    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Kind>, Error>> {
        Poll::Ready(Ok(match ready!(self.poll_arrival(Want::Begin, cx))? {
            Some(Arrived::Begun(kind)) => Some(kind),
            _ => None,
        }))
    }
}

impl<'a, T: Transport, P: Piece> MessageReader<'a, T, P> {
    fn new(socket: &'a mut WebSocket<T>) -> Self {
        Self { socket, is_complete: false, piece: PhantomData }
    }

    /// The next piece; `None` when the message is complete. An error is the end of the connection, and [`Error::Closed`] that the peer
    /// closed without completing the message.
    ///
    /// Pings are answered meanwhile. Cancelled, nothing is lost.
    pub async fn next(&mut self) -> Result<Option<P>, Error> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next piece, or the task is woken when it is worth asking again. See [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<P>, Error>> {
        if self.is_complete {
            return Poll::Ready(Ok(None));
        }
        Poll::Ready(match ready!(self.socket.poll_arrival(Want::Piece, cx))? {
            Some(Arrived::Piece(bytes)) => Ok(Some(P::from_wire(bytes)?)),
            Some(_) => {
                self.is_complete = true;
                Ok(None)
            }
            None => Err(Error::Closed),
        })
    }

    /// Sends a message meanwhile: how far this one has come, for example. See [`WebSocket::send`].
    pub async fn send(&mut self, message: &Message) -> Result<(), Error> {
        self.socket.send(message).await
    }
}
