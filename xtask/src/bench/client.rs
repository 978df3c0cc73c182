//! A small HTTP/1.1 client for load: keep-alive, one request at a time on a connection, no pipelining.
//!
//! It promises little work per request (one write, one read, no allocation but for the offset of a
//! response) and no copy of a body: bytes go from the read buffer to the caller's sink. It leaves
//! deadlines to the caller, who bounds a whole measurement, and follows no redirects.

mod chunked;
mod head;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::base_url::BaseUrl;
use chunked::Dechunker;
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
        Ok(Self { socket, buffer: Vec::with_capacity(read_size), consumed: 0, read_size })
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
        match framing {
            Framing::Length(length) => self.sized_body(length, &mut sink).await,
            Framing::Chunked => self.chunked_body(&mut sink).await,
            Framing::UntilClose => {
                while self.piece(&mut sink).await? == Piece::Some {}
                Ok(())
            }
        }
    }

    /// Hands to `sink` what has been read, or what one read brings.
    pub(crate) async fn piece(&mut self, sink: impl FnOnce(&[u8])) -> anyhow::Result<Piece> {
        if self.unread().is_empty() && self.fill().await? == 0 {
            return Ok(Piece::End);
        }
        sink(self.unread());
        self.consumed = self.buffer.len();
        Ok(Piece::Some)
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

    async fn sized_body(
        &mut self,
        mut left: u64,
        sink: &mut impl FnMut(&[u8]),
    ) -> anyhow::Result<()> {
        while left > 0 {
            if self.unread().is_empty() {
                ensure!(self.fill().await? > 0, "the body ended {left} bytes early");
            }
            let unread = self.unread();
            let take = unread.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            sink(unread.get(..take).unwrap_or_default());
            self.consumed += take;
            left -= take as u64;
        }
        Ok(())
    }

    async fn chunked_body(&mut self, sink: &mut impl FnMut(&[u8])) -> anyhow::Result<()> {
        let mut dechunker = Dechunker::default();
        loop {
            let consumed = dechunker.decode(self.unread(), sink)?;
            self.consumed += consumed;
            if dechunker.is_done() {
                return Ok(());
            }
            ensure!(self.fill().await? > 0, "the body ended inside a chunk");
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.consumed..).unwrap_or_default()
    }

    /// Reads once; 0 is the end of the connection.
    async fn fill(&mut self) -> anyhow::Result<usize> {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        self.buffer.reserve(self.read_size);
        self.socket.read_buf(&mut self.buffer).await.context("reading a response")
    }
}
