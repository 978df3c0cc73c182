//! Numbers that other implementations hold themselves to, held here; those that need more have files of their own.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use headwater_ws::{Config, Deflate, Error, Limits, Message, Overdue, Timing};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::peer::{PATIENCE, Peer, server};
use crate::writing::pair;

/// 100 echoes and one of 256 KiB, compressed; then the peer resets, which is an error and no end.
#[tokio::test]
async fn a_hundred_echoes_and_a_reset() {
    for deflate in [None, Some(Deflate::DEFAULT)] {
        let [mut server, mut client] = pair(deflate, Limits::DEFAULT).await;
        let serving = tokio::spawn(async move {
            loop {
                match server.recv().await {
                    Ok(Some(message)) => server.send(&message).await.unwrap(),
                    end => return end,
                }
            }
        });
        let large = Message::text("a frame of 256 KiB: ".repeat(13_108));
        let small =
            (0..100).map(|number| Message::text(format!("hello for the {number:03}rd time")));
        for message in small.chain([large]) {
            client.send(&message).await.unwrap();
            let echoed = timeout(PATIENCE, client.recv()).await.unwrap().unwrap();
            assert!(echoed == Some(message));
        }
        SockRef::from(client.transport()).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        match timeout(PATIENCE, serving).await.unwrap().unwrap() {
            Err(Error::Transport(error)) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            other => panic!("{other:?}"),
        }
    }
}

/// 200 ms of silence on a real socket: over within three seconds.
#[tokio::test]
async fn an_idle_connection_is_closed_soon() {
    let idle = Duration::from_millis(200);
    let timing = Timing::DEFAULT.with_idle_after(Some(idle));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (ours, _) = listener.accept().await.unwrap();
    let config = Config { timing, ..Config::default() };
    let (accepted, role) = (Default::default(), headwater_ws::Role::Server);
    let start = Instant::now();
    let mut socket =
        headwater_ws::WebSocket::new(ours, role, &accepted, Default::default(), config);
    let serving = tokio::spawn(async move { socket.recv().await });
    let mut peer = Peer::new(client);
    assert_eq!(peer.close_code().await, Some(1001));
    drop(peer);
    let end = timeout(PATIENCE, serving).await.unwrap().unwrap();
    assert!(matches!(end, Err(Error::Overdue(Overdue::Idle))), "{end:?}");
    let took = start.elapsed();
    assert!(took >= idle && took < Duration::from_secs(3), "{took:?}");
}

/// A ping to a peer that takes nothing, with 100 ms for it.
#[tokio::test(start_paused = true)]
async fn a_control_frame_that_nobody_takes_fails_at_its_deadline() {
    let deadline = Duration::from_millis(100);
    let timing = Timing::DEFAULT.with_write_within(deadline);
    let (mut socket, _peer) = server(Config { timing, ..Config::default() }, 1);
    let start = tokio::time::Instant::now();
    let sent = socket.ping(Default::default()).await;
    assert!(matches!(sent, Err(Error::Overdue(Overdue::Write))), "{sent:?}");
    assert_eq!(start.elapsed(), deadline);
}
