//! Everything at once: nothing is lost that was promised, nothing hangs, and nothing is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headwater_ws::{Backlog, Hub, HubConfig, Message, OnSlow, PublishError, WhenSlow};
use tokio::io::DuplexStream;
use tokio::runtime::Handle;
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::pair::{PATIENCE, duplex, eventually, join, join_fast};

/// A hub that drops nothing of what these tests broadcast.
fn roomy() -> Hub<DuplexStream> {
    Hub::new(HubConfig { backlog: Backlog::new(10_000, 64 << 20), ..HubConfig::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn members_come_and_go_while_others_broadcast() {
    let hub = roomy();
    let (server, mut stays) = duplex();
    let mut member = hub.register(server, ()).unwrap();
    let served = tokio::spawn(async move { member.recv().await });
    let workers: Vec<_> = (0..32)
        .map(|worker| {
            let hub = hub.clone();
            tokio::spawn(async move {
                for round in 0..50 {
                    let (server, mut client) = duplex();
                    let mut member = hub.register(server, ()).unwrap();
                    assert!(member.join("some"));
                    hub.broadcast(Message::text(format!("{worker} {round}"))).unwrap();
                    let own = tokio::select! {
                        _ = member.recv() => panic!("nobody spoke"),
                        received = client.recv() => received.unwrap(),
                    };
                    assert!(own.is_some(), "at least its own");
                }
            })
        })
        .collect();
    for worker in workers {
        timeout(PATIENCE, worker).await.unwrap().unwrap();
    }
    // One order for all of it: each worker's messages come as it broadcast them, and none is missing.
    let mut next = [0; 32];
    for _ in 0..32 * 50 {
        let message = timeout(PATIENCE, stays.recv()).await.unwrap().unwrap().unwrap();
        let text = str::from_utf8(message.as_bytes()).unwrap();
        let (worker, round) = text.split_once(' ').unwrap();
        let next = &mut next[worker.parse::<usize>().unwrap()];
        assert_eq!(round.parse::<usize>().unwrap(), *next, "of worker {worker}");
        *next += 1;
    }
    assert_eq!((hub.count(), hub.group_count("some"), hub.numbers().dropped), (1, 0, 0));
    served.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn broadcasts_race_with_closing() {
    for _ in 0..20 {
        let hub = roomy();
        let mut peers = Vec::new();
        for _ in 0..4 {
            let (server, client) = duplex();
            let mut member = hub.register(server, ()).unwrap();
            tokio::spawn(async move { while let Ok(Some(_)) = member.recv().await {} });
            peers.push(client);
        }
        let start = Arc::new(Barrier::new(9));
        let broadcasters: Vec<_> = (0..8)
            .map(|_| {
                let (hub, start) = (hub.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    let sent = (0..100).map(|_| hub.broadcast(Message::text("x")));
                    let sent: Vec<_> = sent.collect();
                    // Once refused, always refused.
                    assert!(sent.is_sorted_by_key(|sent| sent.is_err()));
                    assert!(
                        sent.iter()
                            .flat_map(|sent| sent.err())
                            .all(|error| error == PublishError::Closed)
                    );
                    sent.iter().filter(|sent| sent.is_ok()).count()
                })
            })
            .collect();
        start.wait().await;
        let closing = tokio::spawn({
            let hub = hub.clone();
            async move { hub.close(None, PATIENCE).await }
        });
        let mut accepted = 0;
        for broadcaster in broadcasters {
            accepted += broadcaster.await.unwrap();
        }
        for mut peer in peers {
            let mut seen = 0;
            while timeout(PATIENCE, peer.recv()).await.unwrap().unwrap().is_some() {
                seen += 1;
            }
            assert_eq!(seen, accepted, "all that was accepted came before the end");
        }
        assert_eq!(closing.await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn registering_races_with_closing_and_leaves_no_task() {
    let before = Handle::current().metrics().num_alive_tasks();
    for _ in 0..5 {
        let hub = roomy();
        let start = Arc::new(Barrier::new(41));
        let members: Vec<_> = (0..40)
            .map(|_| {
                let (hub, start) = (hub.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    for _ in 0..5 {
                        let (server, mut client) = duplex();
                        let Ok(mut member) = hub.register(server, ()) else { return };
                        // Whoever was let in is told of the end.
                        let (member, client) = tokio::join!(member.recv(), client.recv());
                        assert!(matches!((member, client), (Ok(None), Ok(None))));
                    }
                })
            })
            .collect();
        start.wait().await;
        let both = async { tokio::join!(hub.close(None, PATIENCE), hub.close(None, PATIENCE)) };
        assert_eq!(timeout(PATIENCE, both).await.unwrap(), (0, 0));
        for member in members {
            timeout(PATIENCE, member).await.unwrap().unwrap();
        }
        assert_eq!(hub.count(), 0);
    }
    eventually("no task is left", || Handle::current().metrics().num_alive_tasks() <= before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_gone_is_noticed_and_the_others_are_reached() {
    let hub = Hub::new(HubConfig::default());
    let gone = join(&hub, &["g"]).await;
    let mut others = Vec::new();
    for _ in 0..16 {
        others.push(join(&hub, &["g"]).await);
    }
    drop(gone.client);
    for number in 0..10 {
        hub.broadcast(Message::text(number.to_string())).unwrap();
        for other in &mut others {
            assert_eq!(other.text().await.unwrap(), number.to_string());
        }
    }
    assert!(timeout(PATIENCE, gone.task).await.unwrap().unwrap().is_err());
    assert_eq!((hub.count(), hub.group_count("g")), (16, 16));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_stuck_beside_32_that_read() {
    const MESSAGES: usize = 50;
    let hub = Hub::new(HubConfig {
        backlog: Backlog::new(16, 1 << 20),
        when_slow: WhenSlow::Always(OnSlow::DropOldest),
    });
    // It may be stuck for minutes: whoever waited for it would wait that long.
    let stuck = crate::pair::join_as(&hub, ()).await;
    let mut fast = Vec::new();
    for _ in 0..32 {
        fast.push(join_fast(&hub, ()).await);
    }
    let mut took = Vec::new();
    for number in 0..MESSAGES {
        let text = format!("{number:010240}");
        let start = Instant::now();
        hub.broadcast(Message::text(text.clone())).unwrap();
        for member in &mut fast {
            assert_eq!(member.text().await.as_deref(), Some(text.as_str()));
        }
        took.push(start.elapsed());
    }
    // Half of them, because a machine that is loaded may be slow for any; waiting for the stuck one would be in all.
    took.sort_unstable();
    assert!(took[MESSAGES / 2] < Duration::from_millis(500), "{took:?}");
    assert!(!stuck.task.is_finished() && hub.numbers().disconnected == 0);
    assert!(stuck.dropped() > 0, "it is stuck, and loses what is older");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_is_whole_and_in_order() {
    const FRAMES: usize = 400;
    let hub = Hub::new(HubConfig {
        backlog: Backlog::new(32, 1 << 20),
        when_slow: WhenSlow::Always(OnSlow::DropOldest),
    });
    let mut reading = Vec::new();
    for _ in 0..32 {
        let mut member = join_fast(&hub, ()).await;
        reading.push(tokio::spawn(async move {
            let mut last = None;
            while last != Some(FRAMES - 1) {
                let text = member.text().await.unwrap();
                let number = text[..8].parse::<usize>().unwrap();
                assert!(last.is_none_or(|last| last < number), "{number} after {last:?}");
                assert_eq!(text, text[..8].repeat(1024), "8 KiB, all of them its own");
                last = Some(number);
            }
        }));
    }
    for number in 0..FRAMES {
        hub.broadcast(Message::text(format!("{number:08}").repeat(1024))).unwrap();
        if number.is_multiple_of(8) {
            tokio::task::yield_now().await;
        }
    }
    for reading in reading {
        timeout(PATIENCE, reading).await.unwrap().unwrap();
    }
}
