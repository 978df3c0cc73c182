//! Control frames beside large messages.

use std::time::{Duration, Instant};

use headwater_ws::{
    Acceptor, Config, Connector, Deflate, Limits, Message, Origins, Received, Role, WebSocket,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::peer::{PATIENCE, frame};

#[tokio::test]
async fn a_pong_comes_soon_beside_compressed_messages_of_a_mebibyte() {
    let (request, pending) = Connector::new()
        .with_deflate(Deflate::DEFAULT)
        .request(&"ws://x/".parse().unwrap())
        .unwrap();
    let acceptor = Acceptor::new(Origins::any()).with_deflate(Deflate::DEFAULT);
    let (response, accepted) = acceptor.accept(&request).unwrap();
    let limits = Limits::DEFAULT.with_message_bytes(4 << 20).with_inflated_bytes(4 << 20);
    let mut decoder = pending.check(&response).unwrap().decoder(Role::Client, limits);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let mut server =
        WebSocket::new(server, Role::Server, &accepted, Default::default(), Config::default());
    // Letters at random: they get smaller by less than a half.
    let text: String = (0_u64..1 << 20)
        .map(|n| char::from(b'a' + (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 59) as u8 % 26))
        .collect();
    let large = Message::text(text);
    for _ in 0..2 {
        server.queue(&large).unwrap();
    }
    // Answers pings while it writes.
    let serving = tokio::spawn(async move { server.recv().await });
    client.write_all(&frame(9, b"soon?")).await.unwrap();
    let (start, mut seen, mut unread) = (Instant::now(), Vec::new(), Vec::new());
    let reading = async {
        while seen.len() < 3 {
            let mut buffer = vec![0; 65_536];
            let read = client.read(&mut buffer).await.unwrap();
            unread.extend_from_slice(&buffer[..read]);
            let mut input = &unread[..];
            while let Some(received) = decoder.decode(&mut input, Instant::now()).unwrap() {
                seen.push((received, start.elapsed()));
            }
            unread = input.to_vec();
        }
    };
    timeout(PATIENCE, reading).await.unwrap();
    let messages = seen.iter().filter(|(what, _)| *what == Received::Message(large.clone()));
    assert_eq!(messages.count(), 2);
    let pong = seen.iter().find(|(what, _)| matches!(what, Received::Pong(_))).unwrap();
    // Compressing and writing all of it takes some hundredths of a second.
    assert!(pong.1 < Duration::from_secs(1), "{:?}", pong.1);
    drop(client);
    assert!(serving.await.unwrap().is_err());
}
