//! Clients that send faster than they are served: nothing is lost, nothing piles up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use headwater_ws::{Accepted, Config, Message, Role, Timing, WebSocket};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::{interval, timeout};

use crate::{TURN, is_long, none_left, resident};

/// Two descriptors each.
const CLIENTS: usize = 250;

/// What serving one message takes.
const SERVING: Duration = Duration::from_millis(5);

/// Messages of each client.
fn messages() -> u64 {
    if is_long() { 10_000 } else { 200 }
}

async fn serve(socket: TcpStream, served: Arc<AtomicU64>) {
    let (accepted, rest) = (Accepted::default(), Default::default());
    let mut socket = WebSocket::new(socket, Role::Server, &accepted, rest, Config::default());
    let (mut pace, mut next) = (interval(SERVING), 0);
    while let Some(message) = socket.recv().await.unwrap() {
        assert_eq!(message, Message::text(format!("{next:05}")));
        next += 1;
        served.fetch_add(1, Ordering::Relaxed);
        pace.tick().await;
    }
    assert_eq!(next, messages());
}

async fn flood(socket: TcpStream) {
    // The server is slow to come to it.
    let patience = Duration::from_secs(600);
    let timing = Timing::DEFAULT.with_write_within(patience).with_close_within(patience);
    let (accepted, rest) = (Accepted::default(), Default::default());
    let config = Config { timing, ..Config::default() };
    let mut socket = WebSocket::new(socket, Role::Client, &accepted, rest, config);
    for number in 0..messages() {
        socket.send(&Message::text(format!("{number:05}"))).await.unwrap();
    }
    socket.close(None).await;
}

/// Waits until so many are served.
async fn until(served: &AtomicU64, count: u64) {
    let mut pause = interval(SERVING);
    while served.load(Ordering::Relaxed) < count {
        pause.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_handlers_lose_nothing_and_take_no_memory() {
    let _turn = TURN.lock().await;
    let before = Handle::current().metrics().num_alive_tasks();
    let served = Arc::new(AtomicU64::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (mut serving, mut flooding) = (Vec::new(), Vec::new());
    for _ in 0..CLIENTS {
        let client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        serving.push(tokio::spawn(serve(server, Arc::clone(&served))));
        flooding.push(tokio::spawn(flood(client)));
    }
    let all = CLIENTS as u64 * messages();
    until(&served, all / 10).await;
    let warm = resident();
    until(&served, all).await;
    let end = resident();
    println!(
        "reached: {all} messages to {CLIENTS} slow handlers, none lost; memory {} KiB warm, {} KiB at the end",
        warm / 1024,
        end / 1024
    );
    assert!(end < warm + (8 << 20), "memory grew from {warm} to {end}");
    for task in serving.into_iter().chain(flooding) {
        timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
    }
    none_left(before).await;
}
