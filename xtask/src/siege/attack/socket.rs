//! A connection of an attacker.

use std::io;

use tokio::net::{TcpSocket, TcpStream};

use crate::bench::base_url::BaseUrl;

/// What an attacker takes before it stops reading, as small as the system allows: the rest stays with the server.
const RECEIVE_BUFFER: u32 = 4096;

/// Connects, to receive as little as possible.
pub(super) async fn connect(base: &BaseUrl) -> io::Result<TcpStream> {
    let addr = base.addr();
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let stream = socket.connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the other side has hung up or said anything: what it says to an attacker is a refusal.
pub(super) fn is_cut(stream: &TcpStream) -> bool {
    let mut taken = [0; 16];
    match stream.try_read(&mut taken) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}
