//! One connection that does not read, among others that do: what becomes of it, and that nobody else notices.

use std::time::{Duration, Instant};

use headwater_ws::{Backlog, Hub, HubConfig, Message, OnSlow, WhenSlow};
use tokio::time::timeout;

use crate::pair::{PATIENCE, Served, eventually, join};

const BACKLOG: usize = 16;

/// Broadcasts 200 messages of 10 KiB to one connection that does not read and four that do, and waits for those four
/// each time.
async fn flood(on_slow: OnSlow) -> (Hub<tokio::net::TcpStream>, Served, Vec<Served>) {
    let hub = Hub::new(HubConfig {
        backlog: Backlog::new(BACKLOG, 10 << 20),
        when_slow: WhenSlow::Always(on_slow),
    });
    let stuck = join(&hub, &[]).await;
    let mut fast = Vec::new();
    for _ in 0..4 {
        fast.push(join(&hub, &[]).await);
    }
    for number in 0..200 {
        let text = format!("{number:010240}");
        let start = Instant::now();
        if on_slow == OnSlow::Wait {
            hub.broadcast_within(Message::text(text.clone()), Duration::from_millis(50))
                .await
                .unwrap();
        } else {
            hub.broadcast(Message::text(text.clone())).unwrap();
            assert!(start.elapsed() < PATIENCE / 10, "broadcasting does not wait");
        }
        for member in &mut fast {
            assert_eq!(member.text().await.as_deref(), Some(text.as_str()));
        }
    }
    (hub, stuck, fast)
}

/// The numbers that arrive at last, when the stuck client reads: up to this one, or all until the connection is closed. The
/// longer its window was shut, the later its kernel is asked whether it has opened.
async fn rest(stuck: &mut Served, last: u64) -> Vec<u64> {
    let mut seen = Vec::new();
    while seen.last() != Some(&last) {
        let next = timeout(PATIENCE, stuck.client.recv()).await.expect("a message, or an end");
        let Ok(Some(message)) = next else { break };
        seen.push(str::from_utf8(message.as_bytes()).unwrap().parse().unwrap());
    }
    seen
}

#[tokio::test]
async fn drop_keeps_what_came_first() {
    let (hub, mut stuck, _fast) = flood(OnSlow::Drop).await;
    let dropped = hub.numbers().dropped;
    let seen = rest(&mut stuck, 199 - dropped).await;
    assert!(seen.iter().copied().eq(0..200 - dropped), "{seen:?}");
    assert!(dropped > 100, "{dropped}");
    hub.broadcast(Message::text("200")).unwrap();
    assert_eq!(stuck.text().await.unwrap(), "200", "it goes on");
}

#[tokio::test]
async fn drop_oldest_keeps_what_came_last() {
    let (hub, mut stuck, _fast) = flood(OnSlow::DropOldest).await;
    let seen = rest(&mut stuck, 199).await;
    let dropped = hub.numbers().dropped;
    assert!(seen.is_sorted() && seen.len() as u64 + dropped == 200, "{seen:?} {dropped}");
    assert!(seen.iter().rev().take(BACKLOG).rev().copied().eq(200 - BACKLOG as u64..200));
}

#[tokio::test]
async fn remove_keeps_the_connection() {
    let (hub, mut stuck, _fast) = flood(OnSlow::Remove).await;
    // What was begun is sent to its end, as far as the client takes it; then it is no member any more.
    let mut seen = 0;
    let leaving = eventually("it has left", || hub.numbers().members == 4);
    let reading = async {
        while stuck.client.recv().await.unwrap().is_some() {
            seen += 1;
        }
    };
    tokio::select! { () = leaving => {}, () = reading => panic!("it was closed") }
    assert!(seen < 200, "{seen}");
    stuck.client.send(&Message::text("still there")).await.unwrap();
    assert!(!stuck.task.is_finished());
}

#[tokio::test]
async fn close_says_why() {
    for on_slow in [OnSlow::Close, OnSlow::Wait] {
        let (hub, mut stuck, _fast) = flood(on_slow).await;
        let seen = rest(&mut stuck, 199).await;
        assert!(seen.len() < 200 && hub.numbers().members == 4, "{seen:?}");
        let reason = stuck.client.close_reason().expect("it is told");
        assert_eq!(reason.code().number(), 1008);
        assert!(matches!(timeout(PATIENCE, stuck.task).await.unwrap().unwrap(), Ok(None)));
    }
}
