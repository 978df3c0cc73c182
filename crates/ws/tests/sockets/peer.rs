//! The other end, which does what it is told and not what the protocol asks for.

use std::time::{Duration, Instant};

use headwater_ws::{Accepted, Config, Decoder, Limits, Received, Role, WebSocket};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream};

/// What anything on a real socket gets, on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server's WebSocket without compression, and the pipe to it, which holds this many bytes.
pub(crate) fn server(config: Config, pipe: usize) -> (WebSocket<DuplexStream>, Peer) {
    let (ours, theirs) = tokio::io::duplex(pipe);
    let socket =
        WebSocket::new(ours, Role::Server, &Accepted::default(), Default::default(), config);
    (socket, Peer::new(theirs))
}

/// A client made of bytes.
pub(crate) struct Peer<T = DuplexStream> {
    pub(crate) stream: T,
    decoder: Decoder,
    unread: Vec<u8>,
}

impl<T: AsyncRead + AsyncWriteExt + Unpin> Peer<T> {
    pub(crate) fn new(stream: T) -> Self {
        let decoder = Decoder::new(Role::Client, Limits::DEFAULT.with_message_bytes(64 << 20));
        Self { stream, decoder, unread: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// What arrives next; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Received> {
        loop {
            let mut input = &self.unread[..];
            let received = self.decoder.decode(&mut input, Instant::now()).unwrap();
            let left = input.len();
            self.unread.drain(..self.unread.len() - left);
            if received.is_some() {
                return received;
            }
            let mut buffer = vec![0; 65_536];
            match self.stream.read(&mut buffer).await {
                Ok(read @ 1..) => self.unread.extend_from_slice(&buffer[..read]),
                _ => return None,
            }
        }
    }

    /// The code that the other side closes with, if it has one; it does close.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.next().await.expect("a close frame comes before the end") {
                Received::Close(reason) => return reason.map(|reason| reason.code().number()),
                _ => continue,
            }
        }
    }
}

/// A final frame from a client, masked with nothing.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}
