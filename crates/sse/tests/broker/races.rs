//! Everything at once: nothing is lost that was promised, nothing hangs, and nothing is left.

use std::sync::Arc;

use headwater_sse::broker::{Broker, Policy};
use tokio::runtime::Handle;
use tokio::sync::Barrier;

use crate::support::{Seen, always, event, eventually, join};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn subscribers_come_and_go_while_others_publish() {
    let broker: Broker = always(10_000, Policy::DropOldest);
    let mut stays = join(&broker, ()).unwrap();
    let workers: Vec<_> = (0..32)
        .map(|worker| {
            let broker = broker.clone();
            tokio::spawn(async move {
                for round in 0..50 {
                    let mut subscription = join(&broker, ()).unwrap();
                    broker.publish_prepared(event(worker * 1000 + round)).unwrap();
                    assert!(subscription.next().await.is_some(), "at least its own");
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    // One order for all of it: each worker's events come as it published them.
    let mut last = vec![None; 32];
    for _ in 0..32 * 50 {
        let Some(Seen::Number(number)) = stays.next().await else { panic!("something is lost") };
        let (worker, round) = (number / 1000, number % 1000);
        assert!(last[worker].is_none_or(|last| last < round));
        last[worker] = Some(round);
    }
    assert!(last.iter().all(|last| *last == Some(49)));
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
