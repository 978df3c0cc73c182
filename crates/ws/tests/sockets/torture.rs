//! Peers that vanish at any moment: nothing is left of them.

use std::net::SocketAddr;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant};

use crate::http::{Serve, serve};
use crate::peer::{PATIENCE, frame};

const HANDSHAKE: &[u8] =
    b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// How many peers vanish, and how many of them at a time.
const RESETS: usize = 100_000;
const AT_ONCE: usize = 32;

/// Resets the connection after so many bytes of a handshake and a message.
async fn vanish(address: SocketAddr, after: usize) {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let bytes = [HANDSHAKE, &frame(1, b"hello")].concat();
    tcp.write_all(&bytes[..after.min(bytes.len())]).await.unwrap();
    if after > bytes.len() {
        // The server has answered: it resets a WebSocket, and not a handshake.
        tcp.read_u8().await.unwrap();
    }
    SockRef::from(&tcp).set_linger(Some(Duration::ZERO)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_during_and_after_the_handshake_leave_nothing() {
    let address = serve(Serve::Http1).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    vanish(address, usize::MAX).await;
    let before = files();
    let vanishing: Vec<_> = (0..AT_ONCE)
        .map(|first| {
            tokio::spawn(async move {
                for round in (first..RESETS).step_by(AT_ONCE) {
                    vanish(address, round % (HANDSHAKE.len() + 40)).await;
                }
            })
        })
        .collect();
    for peer in vanishing {
        peer.await.unwrap();
    }
    let deadline = Instant::now() + PATIENCE;
    while metrics.num_alive_tasks() > 1 || files() > before {
        let (tasks, files) = (metrics.num_alive_tasks(), files());
        assert!(Instant::now() < deadline, "{tasks} tasks and {files} files, {before} before");
        tokio::task::yield_now().await;
    }
}

/// Sockets of this process that are open, of any test: other tests only close theirs.
fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
