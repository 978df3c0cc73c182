//! The end of a hub: what was broadcast before arrives, then all are told, and nobody waits without end.

use std::time::{Duration, Instant};

use headwater_ws::{CloseCode, CloseReason, Config, Hub, HubConfig, Message, PublishError, Timing};
use tokio::time::timeout;

use crate::pair::{PATIENCE, connect, connect_with, join, serve};

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
    assert!(hub.register(server).is_err());
    assert_eq!(hub.close(None, PATIENCE).await, 0, "closing twice is closing once");
}

#[tokio::test]
async fn a_peer_that_does_not_read_does_not_hold_up_the_end() {
    let hub = Hub::new(HubConfig::default());
    let timing = Timing::DEFAULT.with_write_within(Duration::from_secs(3));
    let (server, client) = connect_with(Config { timing, ..Config::default() }).await;
    let stuck = serve(hub.register(server).unwrap(), client).await;
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
