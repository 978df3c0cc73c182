//! Pings, silence and peers that do not read, in simulated time.

use std::time::Duration;

use headwater_ws::{Config, Error, Message, Overdue, Received, Timing};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep, timeout};

use crate::peer::{frame, server};

fn config(timing: Timing) -> Config {
    Config { timing, ..Config::default() }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_asked_and_one_that_lives_stays() {
    let (mut socket, mut peer) = server(config(Timing::DEFAULT), 1024);
    let serving = tokio::spawn(async move { socket.recv().await });
    let mut asked = Vec::new();
    for _ in 0..50 {
        let before = Instant::now();
        assert!(matches!(peer.next().await, Some(Received::Ping(_))));
        asked.push(before.elapsed());
        peer.send(&frame(0xA, b"")).await;
    }
    let (least, most) = (asked.iter().min().unwrap(), asked.iter().max().unwrap());
    assert!(*least >= seconds(22) && *most <= seconds(28), "{least:?} {most:?}");
    assert!(*most - *least > Duration::from_millis(200), "not all at the same time");
    peer.send(&frame(1, b"hello")).await;
    assert_eq!(serving.await.unwrap().unwrap(), Some(Message::text("hello")));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_is_gone() {
    let (mut socket, mut peer) = server(config(Timing::DEFAULT), 1024);
    let start = Instant::now();
    let end = tokio::spawn(async move { socket.recv().await });
    assert!(matches!(peer.next().await, Some(Received::Ping(_))));
    assert_eq!(peer.close_code().await, Some(1008));
    assert!(matches!(end.await.unwrap(), Err(Error::Overdue(Overdue::Pong))));
    let took = start.elapsed();
    assert!(took > seconds(32) && took < seconds(38), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn any_byte_is_a_sign_of_life() {
    let (mut socket, mut peer) = server(config(Timing::DEFAULT), 1024);
    let end = tokio::spawn(async move { socket.recv().await });
    // A message that comes slowly: a byte every twenty seconds, no ping in between.
    for byte in frame(1, b"slow!") {
        sleep(seconds(20)).await;
        peer.send(&[byte]).await;
    }
    assert_eq!(end.await.unwrap().unwrap(), Some(Message::text("slow!")));
    assert_eq!(peer.next().await, None, "no ping was sent");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let timing = Timing::DEFAULT.with_ping_after(None).with_idle_after(Some(seconds(60)));
    let (mut socket, mut peer) = server(config(timing), 1024);
    let end = tokio::spawn(async move {
        assert_eq!(socket.recv().await.unwrap(), Some(Message::text("x")));
        socket.recv().await
    });
    sleep(seconds(59)).await;
    peer.send(&frame(1, b"x")).await;
    let start = Instant::now();
    assert_eq!(peer.close_code().await, Some(1001));
    assert_eq!(start.elapsed().as_secs(), 60);
    drop(peer);
    assert!(matches!(end.await.unwrap(), Err(Error::Overdue(Overdue::Idle))));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_waited_for_ten_seconds() {
    let (mut socket, mut peer) = server(config(Timing::DEFAULT), 1024);
    let start = Instant::now();
    let sent = tokio::spawn(async move {
        let result = socket.send(&Message::binary(vec![0; 100_000])).await;
        (result, socket)
    });
    // Some of it is taken after nine seconds: then there are ten more.
    sleep(seconds(9)).await;
    peer.stream.read_exact(&mut [0; 1024]).await.unwrap();
    let (result, mut socket) = sent.await.unwrap();
    assert!(matches!(result, Err(Error::Overdue(Overdue::Write))), "{result:?}");
    assert_eq!(start.elapsed().as_secs(), 19);
    assert!(matches!(socket.send(&Message::text("x")).await, Err(Error::Closed)));
    assert!(matches!(socket.recv().await, Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn a_reader_notices_a_peer_that_does_not_read_even_while_it_sends() {
    let (mut socket, peer) = server(config(Timing::DEFAULT), 1024);
    let (mut reads, mut writes) = tokio::io::split(peer.stream);
    socket.queue(&Message::binary(vec![0; 100_000])).unwrap();
    let sending = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        while writes.write_all(&frame(1, b"more")).await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
    });
    let start = Instant::now();
    let end = loop {
        match socket.recv().await {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert!(matches!(end, Err(Error::Overdue(Overdue::Write))), "{end:?}");
    assert!(start.elapsed() >= seconds(10) && start.elapsed() < seconds(11));
    drop(socket);
    sending.await.unwrap();
    assert_eq!(reads.read(&mut [0; 1024]).await.unwrap(), 1024);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_pings_and_takes_no_pongs_waits_for_itself() {
    let limits = headwater_ws::Limits::DEFAULT.with_control_rate(None);
    let (mut socket, mut peer) = server(Config { limits, ..config(Timing::DEFAULT) }, 4096);
    let pings = frame(9, &[7; 125]).repeat(100);
    let flood = tokio::spawn(async move {
        let mut sent = 0_usize;
        loop {
            use tokio::io::AsyncWriteExt;
            match timeout(seconds(5), peer.stream.write_all(&pings)).await {
                Ok(Ok(())) => sent += pings.len(),
                _ => return (sent, peer),
            }
        }
    });
    let end = socket.recv().await;
    assert!(matches!(end, Err(Error::Overdue(Overdue::Write))), "{end:?}");
    let (sent, _) = flood.await.unwrap();
    assert!(sent < 256 * 1024, "{sent} bytes were taken");
}

#[tokio::test(start_paused = true)]
async fn closing_has_a_bound() {
    // It says nothing, it reads nothing, or it talks on.
    for (pipe, talks) in [(1024, false), (1, false), (1024, true)] {
        let (mut socket, mut peer) = server(Config::default(), pipe);
        let talking = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            while talks && peer.stream.write_all(&frame(1, b"and")).await.is_ok() {
                sleep(Duration::from_millis(50)).await;
            }
            peer
        });
        let start = Instant::now();
        socket.close(None).await;
        assert_eq!(start.elapsed(), Timing::DEFAULT.close_within, "{pipe} {talks}");
        drop(socket);
        talking.await.unwrap();
    }
}
