//! The floor: one small write for each subscriber, in a loop, by one thread that does nothing else.
//!
//! Nobody who writes to sockets can be cheaper, unless more messages go into one write: the floor of 4 and of 16 gathers so many
//! first. It speaks both SSE and WebSocket, whichever a subscriber asks for.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::control::Topic;

/// No subscriber of ours asks for more.
const MOST_HEAD: usize = 8 * 1024;

/// A message of WebSocket: text, whole.
const TEXT: u8 = 0x81;

/// The end of it: code 1000.
const CLOSE: &[u8] = &[0x88, 2, 0x03, 0xe8];

/// Up to here a length fits the second byte of a frame, and up to 65,535 two more.
const SHORT: usize = 125;
const TWO_BYTES: u8 = 126;
const EIGHT_BYTES: u8 = 127;

/// The server. Its runtime has one thread: a write that blocks holds up nothing that is measured.
pub(crate) struct Server {
    subscribers: Mutex<Subscribers>,
    /// Messages in one write.
    at_once: usize,
}

#[derive(Default)]
struct Subscribers {
    events: Vec<TcpStream>,
    sockets: Vec<TcpStream>,
    gathered: Vec<Bytes>,
    joined: u64,
}

impl Server {
    /// A server that puts so many messages into one write.
    pub(crate) fn new(at_once: usize) -> Self {
        Self { subscribers: Mutex::default(), at_once }
    }

    fn subscribers(&self) -> MutexGuard<'_, Subscribers> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn admit(&self, mut socket: tokio::net::TcpStream) -> anyhow::Result<()> {
        socket.set_nodelay(true)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = socket.read_buf(&mut head).await?;
            ensure!(read > 0 && head.len() < MOST_HEAD, "no head of a request");
        }
        let head = String::from_utf8(head)?;
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim())
        });
        let mut socket = socket.into_std()?;
        socket.set_nonblocking(false)?;
        let mut subscribers = self.subscribers();
        subscribers.joined += 1;
        match key {
            Some(key) => {
                let accept = derive_accept_key(key.as_bytes());
                write!(
                    socket,
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: {accept}\r\n\r\n"
                )?;
                subscribers.sockets.push(socket);
            }
            None => {
                socket.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
                )?;
                subscribers.events.push(socket);
            }
        }
        Ok(())
    }
}

impl Topic for Server {
    async fn serve(self: Arc<Self>, listener: TcpListener) -> anyhow::Result<()> {
        loop {
            let (socket, _) = listener.accept().await?;
            // A subscriber that asks for nothing is its own affair.
            drop(self.admit(socket).await);
        }
    }

    async fn publish(&self, message: Bytes) {
        let mut subscribers = self.subscribers();
        subscribers.gathered.push(message);
        if subscribers.gathered.len() >= self.at_once {
            subscribers.write();
        }
    }

    async fn flush(&self) {
        self.subscribers().write();
    }

    fn joined(&self) -> u64 {
        self.subscribers().joined
    }

    fn dropped(&self) -> u64 {
        0
    }

    async fn end(&self) {
        let mut subscribers = self.subscribers();
        let Subscribers { events, sockets, .. } = &mut *subscribers;
        sweep(events, b"0\r\n\r\n");
        sweep(sockets, CLOSE);
        events.clear();
        sockets.clear();
    }
}

impl Subscribers {
    fn write(&mut self) {
        let gathered = std::mem::take(&mut self.gathered);
        // A chunk of nothing would be the end.
        if gathered.is_empty() {
            return;
        }
        if !self.events.is_empty() {
            let events: Vec<u8> = gathered.iter().flat_map(|message| event(message)).collect();
            let chunk = [format!("{:x}\r\n", events.len()).as_bytes(), &events, b"\r\n"].concat();
            sweep(&mut self.events, &chunk);
        }
        if !self.sockets.is_empty() {
            let frames: Vec<u8> = gathered.iter().flat_map(|message| frame(message)).collect();
            sweep(&mut self.sockets, &frames);
        }
    }
}

/// One write to each; who has gone is forgotten.
fn sweep(sockets: &mut Vec<TcpStream>, bytes: &[u8]) {
    sockets.retain_mut(|socket| socket.write_all(bytes).is_ok());
}

fn event(message: &[u8]) -> Vec<u8> {
    [b"data: ", message, b"\n\n"].concat()
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![TEXT];
    match (message.len(), u16::try_from(message.len())) {
        (short @ ..=SHORT, _) => frame.push(short as u8),
        (_, Ok(length)) => {
            frame.push(TWO_BYTES);
            frame.extend(length.to_be_bytes());
        }
        (length, Err(_)) => {
            frame.push(EIGHT_BYTES);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(message);
    frame
}
