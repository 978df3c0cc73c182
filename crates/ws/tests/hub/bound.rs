//! How long whoever broadcasts waits for one that takes nothing, among others that read.

use std::time::Duration;

use headwater_ws::{Backlog, Hub, HubConfig, Message, OnSlow, WhenSlow};
use tokio::time::Instant;

use crate::pair::duplex;

/// 16 that read and one that does not, for which 200 ms are given: between 150 and 300 ms, for one and for all of it.
#[tokio::test(start_paused = true)]
async fn one_that_takes_nothing_costs_its_time_once() {
    const ROOM: usize = 4;
    let hub = Hub::new(HubConfig {
        backlog: Backlog::new(ROOM, 1 << 20),
        when_slow: WhenSlow::Always(OnSlow::Wait),
    });
    let (server, _peer) = duplex();
    // Not polled: it takes nothing.
    let _stuck = hub.register(server, ()).unwrap();
    let fast: Vec<_> = (0..16)
        .map(|_| {
            let (server, mut client) = duplex();
            let mut member = hub.register(server, ()).unwrap();
            tokio::spawn(async move { member.recv().await });
            tokio::spawn(async move {
                for number in 0..3 * ROOM {
                    let message = client.recv().await.unwrap().unwrap();
                    assert_eq!(message, Message::text(number.to_string()));
                }
            })
        })
        .collect();
    let (start, within) = (Instant::now(), Duration::from_millis(200));
    for number in 0..3 * ROOM {
        hub.broadcast_within(Message::text(number.to_string()), within).await.unwrap();
    }
    let took = start.elapsed();
    let bounds = Duration::from_millis(150)..=Duration::from_millis(300);
    assert!(bounds.contains(&took), "{took:?}");
    for reading in fast {
        reading.await.unwrap();
    }
    assert_eq!((hub.numbers().dropped, hub.numbers().disconnected), (0, 1));
}
