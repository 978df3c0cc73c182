//! A client that looks at the very bytes.

use std::net::SocketAddr;
use std::time::Duration;

use headwater_sse::{Event, PreparedEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Long enough for a loaded machine; what takes longer never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An event with this data.
pub(crate) fn event(data: &str) -> PreparedEvent {
    PreparedEvent::new(&Event::new().data(data))
}

/// A connection that has sent its request.
pub(crate) async fn get(address: SocketAddr, headers: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

/// Reads until `enough` of what came so far, or the end.
pub(crate) async fn read_until(
    socket: &mut TcpStream,
    enough: impl Fn(&str) -> bool + Send,
) -> String {
    let mut seen = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&seen).into_owned();
            if enough(&text) {
                return text;
            }
            match socket.read(&mut buffer).await {
                Ok(0) => return text,
                Ok(length) => seen.extend(buffer.iter().take(length)),
                Err(error) => panic!("{error} after {text:?}"),
            }
        }
    };
    timeout(PATIENCE, reading).await.unwrap()
}
