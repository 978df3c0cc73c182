//! The closing handshake, from either side, and the close frames that tell what was wrong.

use std::time::{Duration, Instant};

use headwater_ws::{CloseCode, CloseReason, Config, Error, Limits, Message, Rate, Received};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::peer::{PATIENCE, Peer, frame};

/// A server's WebSocket on a real socket.
async fn on_tcp(config: Config) -> (headwater_ws::WebSocket<TcpStream>, Peer<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (ours, _) = listener.accept().await.unwrap();
    let accepted = Default::default();
    let socket = headwater_ws::WebSocket::new(
        ours,
        headwater_ws::Role::Server,
        &accepted,
        Default::default(),
        config,
    );
    (socket, Peer::new(client))
}

#[tokio::test]
async fn every_code_is_echoed_and_the_server_ends_the_stream() {
    let codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    for code in codes.map(Some).into_iter().chain([None]) {
        let (mut socket, mut peer) = on_tcp(Config::default()).await;
        let serving = tokio::spawn(async move {
            let end = socket.recv().await;
            (end, socket.close_reason().map(|reason| reason.code().number()))
        });
        let payload = code.map(u16::to_be_bytes).into_iter().flatten().collect::<Vec<_>>();
        let start = Instant::now();
        peer.send(&frame(8, &payload)).await;
        timeout(PATIENCE, async {
            assert_eq!(peer.close_code().await, code);
            assert!(start.elapsed() < Duration::from_secs(2), "the answer took long");
            assert_eq!(peer.next().await, None, "the server ends the stream");
            assert!(start.elapsed() < Duration::from_secs(3), "the end took long");
            let (end, reason) = serving.await.unwrap();
            assert!(matches!(end, Ok(None)));
            assert_eq!(reason, code);
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_however_much_was_still_to_be_read() {
    let limits = Limits::DEFAULT.with_message_bytes(100).with_control_rate(Some(Rate::new(1, 2)));
    for (bytes, code) in [
        (frame(3, b""), 1002),
        (frame(0, b""), 1002),
        (frame(8, &1005_u16.to_be_bytes()), 1002),
        (frame(1, &[0xFF]), 1007),
        (frame(2, &[0; 101]), 1009),
        (frame(9, b"").repeat(3), 1008),
    ] {
        let (mut socket, mut peer) = on_tcp(Config { limits, ..Config::default() }).await;
        let serving = tokio::spawn(async move { socket.recv().await });
        // A reset would take the close frame away.
        peer.send(&[bytes, vec![0; 100_000]].concat()).await;
        timeout(PATIENCE, async {
            assert_eq!(peer.close_code().await, Some(code));
            drop(peer);
            assert!(matches!(serving.await.unwrap(), Err(Error::Refused(_))));
        })
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn closing_waits_for_the_answer_and_drops_what_comes_before() {
    let (mut socket, mut peer) = on_tcp(Config::default()).await;
    let reason = CloseReason::new(CloseCode::SERVICE_RESTART, "come again");
    let closing = tokio::spawn(async move { socket.close(Some(reason)).await });
    timeout(PATIENCE, async {
        assert_eq!(peer.close_code().await, Some(1012));
        peer.send(&frame(1, b"too late")).await;
        peer.send(&frame(9, b"no answer to this")).await;
        peer.send(&frame(8, &1012_u16.to_be_bytes())).await;
        assert_eq!(peer.next().await, None);
        closing.await.unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_stream_that_ends_without_a_close_is_an_error() {
    let (mut socket, peer) = on_tcp(Config::default()).await;
    drop(peer);
    assert!(matches!(socket.recv().await, Err(Error::Transport(_))));
    assert!(matches!(socket.recv().await, Ok(None)), "and over");
    assert!(matches!(socket.send(&Message::text("x")).await, Err(Error::Closed)));
}

#[tokio::test]
async fn nothing_is_lost_by_cancelling() {
    let (mut socket, mut peer) = on_tcp(Config::default()).await;
    let sending = tokio::spawn(async move {
        for number in 0..200_u32 {
            for byte in frame(1, number.to_string().as_bytes()) {
                peer.send(&[byte]).await;
                tokio::task::yield_now().await;
            }
        }
        let mut echoed = Vec::new();
        while echoed.len() < 200 {
            if let Some(Received::Message(message)) = peer.next().await {
                echoed.push(message);
            }
        }
        echoed
    });
    let mut seen = 0_u32;
    timeout(PATIENCE, async {
        while seen < 200 {
            tokio::select! {
                biased;
                () = tokio::task::yield_now() => {}
                received = socket.recv() => {
                    let message = received.unwrap().unwrap();
                    assert_eq!(message, Message::text(seen.to_string()));
                    socket.queue(&message).unwrap();
                    seen += 1;
                }
            }
        }
        socket.flush().await.unwrap();
        assert_eq!(sending.await.unwrap().len(), 200);
    })
    .await
    .unwrap();
}
