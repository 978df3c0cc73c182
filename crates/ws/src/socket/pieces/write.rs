//! A message that is written in fragments.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::marker::PhantomData;

use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;

use super::Piece;
use crate::close::{CloseCode, CloseReason};
use crate::encode::Place;
use crate::message::Message;
use crate::socket::{Error, WebSocket};
use crate::transport::Transport;

/// The most bytes of a fragment, before it is compressed. Peers bound the fragments of a message, this crate at 1,024, so they are not
/// small; and a pong waits for one of them, so they are not large.
const FRAGMENT: usize = 64 * 1024;

/// Pieces of fewer bytes are copied together: to keep one by itself takes some tens of bytes and a turn of its own.
const SMALL: usize = 4096;

/// Writes one message of unknown length, in fragments of 64 KiB.
///
/// It has the connection for itself: no other message can be sent before this one is [finished](Self::finish). The peer's pings are
/// answered and its close is honoured between the fragments; its messages can be [received](Self::recv).
///
/// A fragment is sent as soon as there is enough for one, and [`write`](Self::write) waits until the transport has it. So a writer keeps
/// less than a fragment, and what was given with the last call or queued.
///
/// **Dropped without `finish`**, a message of which nothing has been sent has never been. One that has begun cannot be taken back, and
/// the peer must not take it for complete: the connection is closed with code 1011. What is sent on it afterwards is refused
/// with [`Error::Closed`]; [`WebSocket::close`] or [`WebSocket::recv`] do the rest of closing.
///
/// With compression agreed on, all fragments are compressed as one stream, whatever they come to: when the first is sent, nobody knows
/// the rest. A message that fits into one fragment is sent as [`WebSocket::send`] sends it.
///
/// A second message meanwhile does not compile:
///
/// ```compile_fail,E0499
/// # use headwater_ws::{Error, Message, Transport, WebSocket};
/// # async fn two<T: Transport>(socket: &mut WebSocket<T>) -> Result<(), Error> {
/// let mut message = socket.write_text()?;
/// socket.send(&Message::text("another")).await?;
/// message.write("more").await?;
/// message.finish().await
/// # }
/// ```
#[derive(Debug)]
pub struct MessageWriter<'a, T: Transport, P: Piece> {
    socket: &'a mut WebSocket<T>,
    /// Has been given and not been encoded, in order; what is small is in `small`, behind it.
    waiting: VecDeque<Bytes>,
    small: BytesMut,
    /// Of both.
    bytes: usize,
    progress: Progress,
    piece: PhantomData<P>,
}

/// What the peer may know of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Nothing,
    Begun,
    Finished,
}

impl<T: Transport> WebSocket<T> {
    /// Begins a text message of unknown length.
    pub fn write_text(&mut self) -> Result<MessageWriter<'_, T, ByteString>, Error> {
        MessageWriter::new(self)
    }

    /// Begins a binary message of unknown length.
    ///
    /// ```
    /// # use headwater_ws::{Error, Transport, WebSocket};
    /// # use bytes::BytesMut;
    /// # use tokio::io::{AsyncRead, AsyncReadExt};
    /// /// Sends what a program writes, as one message.
    /// async fn relay<T: Transport>(
    ///     socket: &mut WebSocket<T>,
    ///     output: &mut (impl AsyncRead + Unpin),
    /// ) -> Result<(), Error> {
    ///     let mut message = socket.write_binary()?;
    ///     let mut buffer = BytesMut::with_capacity(16 * 1024);
    ///     while output.read_buf(&mut buffer).await? > 0 {
    ///         message.write(buffer.split()).await?;
    ///         buffer.reserve(16 * 1024);
    ///     }
    ///     message.finish().await
    /// }
    /// ```
    pub fn write_binary(&mut self) -> Result<MessageWriter<'_, T, Bytes>, Error> {
        MessageWriter::new(self)
    }
}

impl<'a, T: Transport, P: Piece> MessageWriter<'a, T, P> {
    fn new(socket: &'a mut WebSocket<T>) -> Result<Self, Error> {
        socket.demand_room_for_message()?;
        Ok(Self {
            socket,
            waiting: VecDeque::new(),
            small: BytesMut::new(),
            bytes: 0,
            progress: Progress::Nothing,
            piece: PhantomData,
        })
    }

    /// Adds to the message, and waits until all fragments that are full have been sent.
    ///
    /// Cancelled, it is sent by the next call.
    pub async fn write(&mut self, piece: impl Into<P>) -> Result<(), Error> {
        self.queue(piece);
        loop {
            self.settle().await?;
            if self.bytes < FRAGMENT {
                return Ok(());
            }
            self.queue_fragment(Place::Before)?;
        }
    }

    /// Sends all that has been written, in a fragment that is not full if need be. Few of these are worth their while: peers bound how
    /// many fragments a message has.
    pub async fn flush(&mut self) -> Result<(), Error> {
        loop {
            self.settle().await?;
            if self.bytes == 0 {
                return Ok(());
            }
            self.queue_fragment(Place::Before)?;
        }
    }

    /// Completes the message and waits until the transport has all of it.
    ///
    /// Cancelled while more than a fragment is left, the message is dropped unfinished; later than that, the next call of any method of
    /// the connection sends it.
    pub async fn finish(mut self) -> Result<(), Error> {
        while self.bytes > FRAGMENT {
            self.settle().await?;
            self.queue_fragment(Place::Before)?;
        }
        self.queue_fragment(Place::Last)?;
        self.settle().await
    }

    /// Adds to the message without waiting; it is sent while another method is waited for. [`queued`](Self::queued) is to be looked
    /// at before.
    pub fn queue(&mut self, piece: impl Into<P>) {
        self.keep(piece.into().into_wire());
    }

    /// How many bytes have been given and not been sent.
    pub fn queued(&self) -> usize {
        self.bytes + self.socket.queued()
    }

    /// The peer's next message, as [`WebSocket::recv`], while full fragments are sent. A peer that waits until its own messages are
    /// read may read nothing before: who talks to one selects between this and what it [queues](Self::queue).
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        poll_fn(|cx| {
            loop {
                let received = self.socket.poll_recv(cx);
                if received.is_ready() || self.bytes < FRAGMENT || !self.socket.is_flushed() {
                    return received;
                }
                self.queue_fragment(Place::Before)?;
            }
        })
        .await
    }

    /// Waits until the transport has all that is encoded.
    async fn settle(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.socket.poll_flush_answering(cx)).await
    }

    fn keep(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        if piece.len() < SMALL {
            self.small.extend_from_slice(&piece);
            return;
        }
        if !self.small.is_empty() {
            self.waiting.push_back(self.small.split().freeze());
        }
        self.waiting.push_back(piece);
    }

    fn queue_fragment(&mut self, place: Place) -> Result<(), Error> {
        let payload = self.take_fragment();
        self.socket.queue_fragment(P::KIND.0, payload, place)?;
        self.progress = match place {
            Place::Before => Progress::Begun,
            Place::Last => Progress::Finished,
        };
        Ok(())
    }

    /// Takes what the next fragment has: a part of what was given where that is enough, else all there is up to a fragment.
    fn take_fragment(&mut self) -> Bytes {
        let length = self.bytes.min(FRAGMENT);
        self.bytes -= length;
        if let Some(first) = self.waiting.front_mut()
            && first.len() >= length
        {
            let fragment = first.split_to(length);
            if first.is_empty() {
                self.waiting.pop_front();
            }
            return fragment;
        }
        if self.waiting.is_empty() {
            return self.small.split_to(length.min(self.small.len())).freeze();
        }
        let mut fragment = BytesMut::with_capacity(length);
        while let Some(first) = self.waiting.front_mut() {
            let count = first.len().min(length - fragment.len());
            fragment.extend_from_slice(first.get(..count).unwrap_or_default());
            first.advance(count);
            if !first.is_empty() {
                return fragment.freeze();
            }
            self.waiting.pop_front();
        }
        let rest = (length - fragment.len()).min(self.small.len());
        fragment.extend_from_slice(&self.small.split_to(rest));
        fragment.freeze()
    }
}

impl<T: Transport, P: Piece> Drop for MessageWriter<'_, T, P> {
    fn drop(&mut self) {
        if self.progress == Progress::Begun {
            let text = ByteString::from_static("a message was begun and not finished");
            self.socket.start_close(Some(&CloseReason::new(CloseCode::INTERNAL_ERROR, text)));
        }
    }
}
