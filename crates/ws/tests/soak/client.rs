//! A connection of a client, which is made by hand so that it can be broken by hand.

use std::net::SocketAddr;

use headwater_ws::{Accepted, Config, Role, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A socket whose handshake is done.
pub(crate) async fn connect(address: SocketAddr, hub: &str, group: &str) -> Option<TcpStream> {
    let mut socket = TcpStream::connect(address).await.ok()?;
    let request = format!(
        "GET /{hub}/{group} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut last = [0; 4];
    while last != *b"\r\n\r\n" {
        last.rotate_left(1);
        last[3] = socket.read_u8().await.ok()?;
    }
    Some(socket)
}

pub(crate) fn web_socket(socket: TcpStream) -> WebSocket<TcpStream> {
    let (accepted, rest) = (Accepted::default(), Default::default());
    WebSocket::new(socket, Role::Client, &accepted, rest, Config::default())
}
