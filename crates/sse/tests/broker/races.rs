//! Everything at once: nothing is lost that was promised, nothing hangs, and nothing is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use headwater_sse::broker::{Broker, Policy, WhenSlow};
use tokio::runtime::Handle;
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::support::{PATIENCE, Seen, always, broker, event, eventually, join};

const WORKERS: usize = 32;
const ROUNDS: usize = 50;

/// Published beside the workers, evenly over all that they do.
const BESIDE: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn subscribers_come_and_go_while_others_publish() {
    let broker: Broker = always(10_000, Policy::DropOldest);
    let mut stays = join(&broker, ()).unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (broker, done) = (broker.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let mut subscription = join(&broker, ()).unwrap();
                    let own = worker * 1000 + round;
                    broker.publish_prepared(event(own)).unwrap();
                    while subscription.next().await.unwrap() != Seen::Number(own) {}
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let beside = tokio::spawn({
        let broker = broker.clone();
        async move {
            for number in 0..BESIDE {
                while done.load(Ordering::Relaxed) * BESIDE < number * WORKERS * ROUNDS {
                    tokio::task::yield_now().await;
                }
                broker.publish_prepared(event(WORKERS * 1000 + number)).unwrap();
            }
        }
    });
    for task in workers.into_iter().chain([beside]) {
        task.await.unwrap();
    }
    // One order for all of it: each publisher's events come as it published them.
    let mut next = [0; WORKERS + 1];
    for _ in 0..WORKERS * ROUNDS + BESIDE {
        let Some(Seen::Number(number)) = stays.next().await else { panic!("something is lost") };
        let (publisher, round) = (number / 1000, number % 1000);
        assert_eq!(round, next[publisher], "of {publisher}");
        next[publisher] += 1;
    }
    assert_eq!(stays.ready(), []);
    assert_eq!(broker.count(), 1);
    assert_eq!(broker.numbers().dropped, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn to_close_races_with_everything_and_leaves_no_task() {
    let before = Handle::current().metrics().num_alive_tasks();
    for _ in 0..50 {
        let broker: Broker = always(4, Policy::Disconnect);
        let start = Arc::new(Barrier::new(33));
        let subscribers: Vec<_> = (0..32)
            .map(|number| {
                let (broker, start) = (broker.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    let _ = broker.publish_prepared(event(number));
                    let Some(mut subscription) = join(&broker, ()) else { return };
                    while subscription.next().await.is_some() {}
                })
            })
            .collect();
        start.wait().await;
        tokio::join!(broker.close(), broker.close());
        for subscriber in subscribers {
            subscriber.await.unwrap();
        }
        assert_eq!(broker.count(), 0);
    }
    eventually("no task is left", || Handle::current().metrics().num_alive_tasks() <= before).await;
}

/// Those who are being disconnected for being slow, by a callback, while the broker is closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn to_close_races_with_disconnecting_and_leaves_no_task() {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let asked = Arc::new(AtomicUsize::new(0));
    for _ in 0..50 {
        let before = asked.load(Ordering::Relaxed);
        let count = Arc::clone(&asked);
        let when_slow = WhenSlow::ask(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Policy::Disconnect
        });
        let broker: Broker = broker(1, when_slow);
        let mut slow: Vec<_> = (0..16).filter_map(|_| broker.subscribe(())).collect();
        let publishing = tokio::spawn({
            let broker = broker.clone();
            async move {
                let mut number = 0;
                while broker.publish_prepared(event(number)).is_ok() {
                    number += 1;
                    tokio::task::yield_now().await;
                }
            }
        });
        // The first of them is decided about, and the others when their turn comes.
        eventually("somebody is asked about", || asked.load(Ordering::Relaxed) > before).await;
        tokio::join!(broker.close(), broker.close());
        publishing.await.unwrap();
        for subscription in &mut slow {
            let ended = async { while subscription.next().await.is_some() {} };
            timeout(PATIENCE, ended).await.unwrap();
        }
    }
    eventually("no task is left", || Handle::current().metrics().num_alive_tasks() <= tasks).await;
}
