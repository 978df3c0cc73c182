//! The end of a hub: what was broadcast before arrives, then all are told, and nobody waits without end.

use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use headwater_ws::{
    Backlog, CloseCode, CloseReason, Config, Hub, HubConfig, Message, OnSlow, PublishError, Timing,
    WhenSlow,
};
use tokio::time::timeout;

use crate::pair::{PATIENCE, connect, connect_with, eventually, join, serve};

#[tokio::test]
async fn all_get_what_was_broadcast_and_then_the_reason() {
    let hub = Hub::new(HubConfig::default());
    let mut members = Vec::new();
    for _ in 0..10 {
        members.push(join(&hub, &[]).await);
    }
    for number in 0..100 {
        hub.broadcast(Message::text(number.to_string())).unwrap();
    }
    let closing = tokio::spawn({
        let hub = hub.clone();
        let reason = CloseReason::new(CloseCode::SERVICE_RESTART, "back soon");
        async move { hub.close(Some(reason), PATIENCE).await }
    });
    for mut member in members {
        for number in 0..100 {
            assert_eq!(member.text().await.unwrap(), number.to_string());
        }
        assert_eq!(member.text().await, None);
        assert_eq!(member.client.close_reason().unwrap().code(), CloseCode::SERVICE_RESTART);
        assert!(matches!(timeout(PATIENCE, member.task).await.unwrap().unwrap(), Ok(None)));
    }
    assert_eq!(timeout(PATIENCE, closing).await.unwrap().unwrap(), 0);
    assert_eq!(hub.broadcast(Message::text("late")), Err(PublishError::Closed));
    let (server, _client) = connect().await;
    assert!(hub.register(server, ()).is_err());
    assert_eq!(hub.close(None, PATIENCE).await, 0, "closing twice is closing once");
}

#[tokio::test]
async fn a_peer_that_does_not_read_does_not_hold_up_the_end() {
    let hub = Hub::new(HubConfig::default());
    let timing = Timing::DEFAULT.with_write_within(Duration::from_secs(3));
    let (server, client) = connect_with(Config { timing, ..Config::default() }).await;
    let stuck = serve(hub.register(server, ()).unwrap(), client).await;
    let mut fast = join(&hub, &[]).await;
    for _ in 0..20 {
        hub.broadcast(Message::binary(vec![b'x'; 10_000])).unwrap();
        assert_eq!(fast.text().await.unwrap().len(), 10_000);
    }
    let start = Instant::now();
    let bound = Duration::from_secs(2);
    let closing = tokio::spawn({
        let hub = hub.clone();
        async move { hub.close(None, bound).await }
    });
    assert_eq!(fast.text().await, None);
    assert_eq!(timeout(PATIENCE, closing).await.unwrap().unwrap(), 1, "one is left");
    assert!(start.elapsed() >= bound);
    // It ends by its own deadline.
    assert!(timeout(PATIENCE, stuck.task).await.is_ok());
    assert_eq!(hub.count(), 0);
}

#[tokio::test]
async fn closing_waits_for_a_broadcast_that_waits() {
    let backlog = Backlog::new(4, 1 << 20);
    let hub = Hub::new(HubConfig { backlog, when_slow: WhenSlow::Always(OnSlow::Wait) });
    let (server, _client) = connect().await;
    // Not polled: it takes nothing.
    let stuck = hub.register(server, ()).unwrap();
    for _ in 0..4 {
        hub.broadcast_within(Message::text("there is room"), PATIENCE).await.unwrap();
    }
    let (start, patience) = (Instant::now(), Duration::from_millis(400));
    let mut waits = Box::pin(hub.broadcast_within(Message::text("the last"), patience));
    assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let closing = tokio::spawn({
        let hub = hub.clone();
        async move { hub.close(None, PATIENCE).await }
    });
    // Until nobody is let in.
    while let Ok(early) = hub.register(connect().await.0, ()) {
        drop(early);
    }
    assert_eq!(hub.broadcast(Message::text("late")), Err(PublishError::Closed));
    assert_eq!(stuck.depth().0, 4, "those are still there");
    // Who hindered is closed when its time is over, and the broadcast is done before the hub is closed.
    assert!(timeout(PATIENCE, waits).await.unwrap().is_ok());
    assert!(start.elapsed() >= patience);
    assert!(!closing.is_finished());
    drop(stuck);
    assert_eq!(timeout(PATIENCE, closing).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn closing_that_nobody_waits_for_goes_on_when_the_broadcast_is_done() {
    let backlog = Backlog::new(4, 1 << 20);
    let hub = Hub::new(HubConfig { backlog, when_slow: WhenSlow::Always(OnSlow::Wait) });
    let mut member = join(&hub, &[]).await;
    hub.broadcast_filtered(Message::text("for all"), |_, ()| {
        let closing = std::pin::pin!(hub.close(None, PATIENCE));
        // Polled once, and dropped.
        assert!(closing.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        true
    })
    .unwrap();
    assert_eq!(member.text().await.unwrap(), "for all");
    assert_eq!(member.text().await, None);
}

#[tokio::test]
async fn who_was_removed_is_not_waited_for() {
    let backlog = Backlog::new(4, 1 << 20);
    let hub = Hub::new(HubConfig { backlog, when_slow: WhenSlow::Always(OnSlow::Remove) });
    let stuck = join(&hub, &["g"]).await;
    while hub.numbers().disconnected == 0 {
        hub.broadcast(Message::text("x".repeat(10_000))).unwrap();
        tokio::task::yield_now().await;
    }
    eventually("it is no member", || hub.count() + hub.group_count("g") == 0).await;
    assert_eq!(timeout(PATIENCE, hub.close(None, 2 * PATIENCE)).await.unwrap(), 0);
    assert!(!stuck.task.is_finished());
}

#[tokio::test]
async fn the_last_clone_ends_the_task() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = metrics.num_alive_tasks();
    let hub: Hub<tokio::net::TcpStream> = Hub::new(HubConfig::default());
    let other = hub.clone();
    drop(hub);
    other.broadcast(Message::text("nobody")).unwrap();
    drop(other);
    let end = Instant::now() + PATIENCE;
    while metrics.num_alive_tasks() > before {
        assert!(Instant::now() < end, "the hub's task lives on");
        tokio::task::yield_now().await;
    }
}
