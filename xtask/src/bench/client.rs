//! A small HTTP/1.1 client for load: keep-alive, one request at a time on a connection, no pipelining.
//!
//! It promises little work per request (one write, one read, no allocation but for the offset of a
//! response) and no copy of a body: bytes go from the read buffer to the caller's sink. That buffer is
//! [lent] to whoever reads a body. It leaves deadlines to the caller, who bounds a whole
//! measurement, and follows no redirects.

mod body;
mod chunked;
mod head;
mod lent;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::base_url::BaseUrl;
pub(crate) use body::Body;
pub(crate) use head::{Framing, Head};

/// A server that sends a longer head than this is not one to measure.
const MAX_HEAD: usize = 64 * 1024;

/// How much of an error's body is repeated in a message.
const MAX_QUOTE: usize = 200;

/// What a read has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Some bytes.
    Some,
    /// The end: the server has closed the connection.
    End,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    socket: TcpStream,
    /// What was read and is not consumed yet: a part of a head, and what came behind it or behind a body.
    buffer: Vec<u8>,
    /// How much of `buffer` has been consumed.
    consumed: usize,
    read_size: usize,
}

impl Conn {
    /// Connects, to read up to `read_size` bytes at a time.
    pub(crate) async fn open(base: &BaseUrl, read_size: usize) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(base.addr())
            .await
            .with_context(|| format!("connecting to {base}"))?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::new(), consumed: 0, read_size })
    }

    /// Sends a request, head and body.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.socket.write_all(request).await.context("sending a request")
    }

    /// Waits for the head of the response.
    pub(crate) async fn head(&mut self) -> anyhow::Result<Head> {
        loop {
            if let Some((head, length)) = Head::parse(self.unread())? {
                self.consumed += length;
                return Ok(head);
            }
            ensure!(self.unread().len() < MAX_HEAD, "a response head longer than {MAX_HEAD} bytes");
            ensure!(self.fill().await? > 0, "the server closed the connection without a response");
        }
    }

    /// Reads the body that `framing` announces to its end, handing its pieces to `sink`.
    pub(crate) async fn body(
        &mut self,
        framing: Framing,
        mut sink: impl FnMut(&[u8]),
    ) -> anyhow::Result<()> {
        let mut body = Body::of(framing);
        while self.part(&mut body, &mut sink).await? == Piece::Some {}
        Ok(())
    }

    /// Hands to `sink` what of a body has been read, or what one read brings.
    pub(crate) async fn part(
        &mut self,
        body: &mut Body,
        mut sink: impl FnMut(&[u8]),
    ) -> anyhow::Result<Piece> {
        if body.is_done() {
            return Ok(Piece::End);
        }
        let piece = self.read(|bytes| body.decode(bytes, &mut sink)).await?;
        if piece == Piece::End {
            body.cut()?;
        }
        Ok(piece)
    }

    /// Hands to `sink` what has been read, or what one read brings.
    pub(crate) async fn piece(&mut self, mut sink: impl FnMut(&[u8])) -> anyhow::Result<Piece> {
        self.read(|bytes| {
            sink(bytes);
            Ok(bytes.len())
        })
        .await
    }

    /// Sends a request, expects one of `statuses`, and drops the body.
    pub(crate) async fn call(&mut self, request: &[u8], statuses: &[u16]) -> anyhow::Result<Head> {
        self.send(request).await?;
        let head = self.head().await?;
        self.expect(&head, statuses).await?;
        self.body(head.framing, |_| ()).await?;
        Ok(head)
    }

    /// An error with the beginning of the body, unless the status is one of `statuses`.
    pub(crate) async fn expect(&mut self, head: &Head, statuses: &[u16]) -> anyhow::Result<()> {
        if statuses.contains(&head.status) {
            return Ok(());
        }
        let mut quote = Vec::new();
        if head.framing != Framing::UntilClose {
            let keep = |piece: &[u8]| {
                quote.extend(piece.iter().take(MAX_QUOTE.saturating_sub(quote.len())));
            };
            self.body(head.framing, keep).await?;
        }
        bail!("the server answered {}: {}", head.status, String::from_utf8_lossy(&quote));
    }

    /// Hands to `take` what has been read, or what one read brings, and keeps what it does not consume.
    async fn read(
        &mut self,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<usize>,
    ) -> anyhow::Result<Piece> {
        if !self.unread().is_empty() {
            self.consumed += take(self.unread())?;
            return Ok(Piece::Some);
        }
        poll_fn(|cx| {
            lent::with(self.read_size, |memory| {
                let mut memory = ReadBuf::new(memory);
                let socket = Pin::new(&mut self.socket);
                ready!(socket.poll_read(cx, &mut memory)).context("reading a response")?;
                let bytes = memory.filled();
                if bytes.is_empty() {
                    return Poll::Ready(Ok(Piece::End));
                }
                let consumed = take(bytes)?;
                self.consumed = 0;
                self.buffer.clear();
                self.buffer.extend_from_slice(bytes.get(consumed..).unwrap_or_default());
                Poll::Ready(Ok(Piece::Some))
            })
        })
        .await
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.consumed..).unwrap_or_default()
    }

    /// Reads more of a head; 0 is the end of the connection.
    async fn fill(&mut self) -> anyhow::Result<usize> {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        self.buffer.reserve(self.read_size);
        self.socket.read_buf(&mut self.buffer).await.context("reading a response")
    }
}
