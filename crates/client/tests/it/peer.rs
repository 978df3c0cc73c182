//! A peer that does with each request what it was told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headwater_client::{Client, Options, RemoteReplay};
use headwater_core::{Backoff, Retention};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is done with a request that was read to its end.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// It is answered with these bytes.
    Answer(String),
    /// It is answered with these bytes, and the connection is closed.
    BreakOff(String),
    /// It is never answered.
    Hang,
    /// It is answered without an end.
    Endless,
}

/// The connection is closed without an answer.
pub(crate) fn close() -> Act {
    Act::BreakOff(String::new())
}

/// An answer.
pub(crate) fn answer(status: &str, headers: &[&str], body: &str) -> Act {
    let mut text = format!("HTTP/1.1 {status}\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !status.starts_with("204") {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    Act::Answer(format!("{text}\r\n{body}"))
}

/// A refusal as the server writes it.
pub(crate) fn refusal(status: &str, code: &str, retry: &str, outcome: &str) -> Act {
    let body = format!(
        "{{\"error\":{{\"code\":\"{code}\",\"message\":\"no\",\"retry\":\"{retry}\",\"outcome\":\"{outcome}\"}}}}"
    );
    answer(status, &[], &body)
}

/// A token of the lineage 1.
pub(crate) fn token(position: u64) -> String {
    format!("0000000000000001_{position:016}")
}

/// The answer to an append that ends there.
pub(crate) fn appended(position: u64) -> Act {
    answer("204 No Content", &[&next(position)], "")
}

/// The header that says where to go on.
pub(crate) fn next(position: u64) -> String {
    format!("stream-next-offset: {}", token(position))
}

/// What the peer has seen.
#[derive(Debug, Default)]
struct Seen {
    acts: Mutex<VecDeque<Act>>,
    /// The first line of each request.
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

/// A listening peer.
#[derive(Debug)]
pub(crate) struct Peer {
    address: SocketAddr,
    seen: Arc<Seen>,
}

impl Peer {
    /// Does these one after the other, and closes the connection of every further request.
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen =
            Arc::new(Seen { acts: Mutex::new(acts.into_iter().collect()), ..Seen::default() });
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&shared);
                tokio::spawn(async move {
                    seen.connections.fetch_add(1, Ordering::Relaxed);
                    let open = seen.open.fetch_add(1, Ordering::Relaxed) + 1;
                    seen.most_open.fetch_max(open, Ordering::Relaxed);
                    serve(stream, &seen).await;
                    seen.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first lines of all requests, without that which created the stream.
    pub(crate) fn requests(&self) -> Vec<String> {
        let requests = self.seen.requests.lock().unwrap();
        requests.iter().filter(|line| !line.starts_with("PUT ")).cloned().collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn most_open(&self) -> usize {
        self.seen.most_open.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, seen: &Seen) {
    let mut read = Vec::new();
    while let Some(line) = request(&mut stream, &mut read).await {
        seen.requests.lock().unwrap().push(line);
        let act = seen.acts.lock().unwrap().pop_front().unwrap_or_else(close);
        match act {
            Act::Answer(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Act::BreakOff(text) => return stream.write_all(text.as_bytes()).await.unwrap(),
            // Until the client has had enough.
            Act::Hang => drop(stream.read(&mut [0; 1]).await),
            Act::Endless => {
                let mut text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
                while stream.write_all(text.as_bytes()).await.is_ok() {
                    text = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
                }
                return;
            }
        }
    }
}

/// Reads a request to its end; `None` when no other one comes.
async fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<String> {
    loop {
        let text = String::from_utf8_lossy(read).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let end = head.len() + 4 + length.map_or(0, |length| length.parse().unwrap());
            if read.len() >= end {
                read.drain(..end);
                return head.lines().next().map(str::to_owned);
            }
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}

/// Deadlines that a test can wait for and that a busy machine keeps, and pauses that it does not notice.
pub(crate) fn hasty() -> Options {
    Options {
        attempt: Duration::from_millis(1500),
        patience: Duration::from_secs(4),
        news: Duration::from_millis(1500),
        backoff: Backoff::new(Duration::from_millis(1), Duration::from_millis(20)),
        largest_answer: 64 * 1024,
        requests: NonZeroUsize::MIN.saturating_add(3),
    }
}

pub(crate) fn client(peer: &Peer, options: Options) -> Client {
    Client::new(format!("http://{}", peer.address()).parse().unwrap(), options)
}

/// A peer that creates the stream, and then does these; and the log.
pub(crate) async fn log(acts: impl IntoIterator<Item = Act>) -> (Peer, RemoteReplay) {
    let created = answer("201 Created", &[&next(0)], "");
    let peer = Peer::start([created].into_iter().chain(acts)).await;
    let client = client(&peer, hasty());
    let log = RemoteReplay::open(client, "events", Retention::default()).await.unwrap();
    (peer, log)
}
