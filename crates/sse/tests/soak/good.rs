//! A client that reads all there is, and comes back whenever its stream ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use headwater_sse::Decoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Story;

/// A connection with its request sent, in the version that ends a body with the connection.
pub(crate) async fn connect(address: SocketAddr, path: &str, id: &str) -> Option<TcpStream> {
    let mut socket = TcpStream::connect(address).await.ok()?;
    let id = if id.is_empty() { String::new() } else { format!("Last-Event-ID: {id}\r\n") };
    let request = format!("GET {path} HTTP/1.0\r\n{id}\r\n");
    socket.write_all(request.as_bytes()).await.ok()?;
    Some(socket)
}

/// Reads the head of the response away.
pub(crate) async fn head(socket: &mut TcpStream) -> Option<()> {
    let mut last = [0; 4];
    while last != *b"\r\n\r\n" {
        last.rotate_left(1);
        last[3] = socket.read_u8().await.ok()?;
    }
    Some(())
}

/// Checks every event until the last one that was published.
pub(crate) async fn follow(address: SocketAddr, client: usize, story: Arc<Story>) {
    let mut decoder = Decoder::new();
    // From the first event on: an id from before the first start of all.
    let mut id = "0000000000000000:0".to_owned();
    let mut next = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Some(mut socket) = connect(address, "/replayed", &id).await else { continue };
        story.reconnections.fetch_add(1, Ordering::Relaxed);
        if head(&mut socket).await.is_none() {
            continue;
        }
        while let Ok(length @ 1..) = socket.read(&mut buffer).await {
            let mut bytes = &buffer[..length];
            while let Some(message) = decoder.decode(&mut bytes).unwrap() {
                if message.event_type() == "lost" {
                    assert_eq!(next, 0, "client {client}: {}", message.data());
                    continue;
                }
                let (number, _) = message.data().split_once(' ').unwrap();
                let number: u64 = number.parse().unwrap();
                assert_eq!(number, next, "client {client}");
                next += 1;
            }
            story.progress[client].store(next, Ordering::Relaxed);
            story.came_on.notify_one();
            let is_last = next == story.published.load(Ordering::Relaxed);
            if is_last && story.stopped.load(Ordering::Relaxed) {
                return;
            }
        }
        // What was cut off in the middle is no event, and is sent again.
        id = decoder.last_event_id().to_string();
        decoder.restart();
    }
}
