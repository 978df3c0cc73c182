//! Numbers that other brokers hold themselves to, held here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use headwater_sse::broker::{Broker, Limits, Options, Policy, WhenSlow};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{PATIENCE, Seen, always, event, join};

fn count(seen: &[Seen]) -> usize {
    seen.iter().filter(|seen| matches!(seen, Seen::Number(_))).count()
}

/// Of 100 events for one that takes nothing and has room for four it gets four, and the others are counted.
#[tokio::test]
async fn a_hundred_for_one_with_room_for_four() {
    for (policy, first) in [(Policy::DropNewest, 0), (Policy::DropOldest, 96)] {
        let broker = always(4, policy);
        let mut stuck = join(&broker, ()).unwrap();
        (0..100).for_each(|number| broker.publish_prepared(event(number)).unwrap());
        let (waiting, _) = stuck.subscription.depth();
        // Of whom the oldest are dropped is looked at again when as many have come.
        let most = if policy == Policy::DropOldest { 8 } else { 4 };
        assert!((4..=most).contains(&waiting), "{policy:?} {waiting}");
        let seen = stuck.ready();
        assert_eq!(stuck.subscription.dropped(), 96, "{policy:?}");
        let numbers: Vec<_> = seen.iter().filter(|seen| matches!(seen, Seen::Number(_))).collect();
        assert_eq!(numbers.len(), 4, "{policy:?}");
        assert_eq!(*numbers[0], Seen::Number(first), "{policy:?}");
    }
}

#[tokio::test]
async fn a_stuck_one_takes_nothing_from_ten_fast_ones() {
    let broker = always(2, Policy::DropNewest);
    let stuck = join(&broker, ()).unwrap();
    let mut fast: Vec<_> = (0..10).map(|_| join(&broker, ()).unwrap()).collect();
    for number in 0..50 {
        broker.publish_prepared(event(number)).unwrap();
        for reader in &mut fast {
            assert_eq!(reader.next().await, Some(Seen::Number(number)));
        }
    }
    assert_eq!((stuck.subscription.dropped(), broker.numbers().dropped), (48, 48));
}

/// Of one that has room for one and takes nothing not more than eight events are kept before it is gone.
#[tokio::test]
async fn one_that_takes_nothing_is_gone_within_eight_events() {
    let broker = always(1, Policy::Disconnect);
    let mut stuck = join(&broker, ()).unwrap();
    (0..8).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    assert_eq!(broker.numbers().disconnected, 1);
    assert_eq!(stuck.next().await, None);
}

/// One that takes 25 ms for each event, and has room for one, of ten.
#[tokio::test(start_paused = true)]
async fn one_that_is_too_slow_is_gone_within_two_seconds() {
    let broker = always(1, Policy::Disconnect);
    let mut slow = join(&broker, ()).unwrap();
    let start = Instant::now();
    let reading = tokio::spawn(async move {
        while slow.next().await.is_some() {
            sleep(Duration::from_millis(25)).await;
        }
        start.elapsed()
    });
    for number in 0..10 {
        broker.publish_prepared(event(number)).unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    assert!(timeout(PATIENCE, reading).await.unwrap().unwrap() < Duration::from_secs(2));
    assert_eq!((broker.numbers().disconnected, broker.count()), (1, 0));
}

/// Eight events for one with room for two, which begins to read after 30 ms.
#[tokio::test(start_paused = true)]
async fn to_wait_for_room_is_to_wait() {
    let options = Options {
        limits: Limits::new(2, 1 << 20),
        when_slow: WhenSlow::Always(Policy::Wait),
        ..Options::default()
    };
    let broker = Broker::new(options);
    let mut late = join(&broker, ()).unwrap();
    let start = Instant::now();
    let reading = tokio::spawn(async move {
        sleep(Duration::from_millis(30)).await;
        let mut seen = Vec::new();
        while seen.len() < 8 {
            seen.extend(late.next().await);
        }
        count(&seen)
    });
    for number in 0..8 {
        broker.send(event(number)).await.unwrap();
    }
    let took = start.elapsed();
    assert!((Duration::from_millis(25)..Duration::from_secs(1)).contains(&took), "{took:?}");
    assert_eq!(reading.await.unwrap(), 8);
}

/// 100 publishers of 100 events each, for one with room for 32: every event comes or is counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_publishers_at_once() {
    let broker: Broker = always(32, Policy::DropOldest);
    let mut reader = join(&broker, ()).unwrap();
    let reading = tokio::spawn(async move {
        let mut got = 0;
        while let Some(seen) = reader.next().await {
            got += count(&[seen]);
        }
        (got, reader.subscription.dropped())
    });
    let publishers: Vec<_> = (0..100)
        .map(|publisher| {
            let broker = broker.clone();
            tokio::spawn(async move {
                for number in 0..100 {
                    broker.publish_prepared(event(100 * publisher + number)).unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    broker.close().await;
    let (got, dropped) = timeout(PATIENCE, reading).await.unwrap().unwrap();
    assert_eq!(got as u64 + dropped, 10_000);
}

/// A limit of nothing is one event.
#[tokio::test]
async fn the_smallest_limit_is_one() {
    let options = Options { limits: Limits::new(0, 0), ..Options::default() };
    let broker: Broker = Broker::new(options);
    assert_eq!((broker.count(), broker.numbers().dropped), (0, 0));
    assert!(broker.publish_prepared(event(1)).is_err(), "one byte, which no event has");
    let broker = always(0, Policy::DropOldest);
    let mut reader = join(&broker, ()).unwrap();
    (0..3).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    assert_eq!(reader.ready().last(), Some(&Seen::Number(2)));
    assert_eq!(reader.subscription.dropped(), 2);
}

/// Whom nobody reads from any more leaves, and what it left behind is not called.
#[tokio::test]
async fn who_leaves_is_not_told() {
    let broker = always(4, Policy::DropOldest);
    let told = Arc::new(AtomicBool::new(false));
    let mut reader = join(&broker, ()).unwrap();
    let left = tokio::spawn({
        let told = Arc::clone(&told);
        async move {
            reader.next().await;
            told.store(true, Ordering::SeqCst);
        }
    });
    crate::support::eventually("it waits", || broker.numbers().waiting == 1).await;
    left.abort();
    assert!(left.await.unwrap_err().is_cancelled());
    assert_eq!((broker.count(), broker.numbers().waiting), (0, 0));
    broker.publish_prepared(event(1)).unwrap();
    assert_eq!(broker.numbers().held_events, 0, "it is kept for nobody");
    assert!(!told.load(Ordering::SeqCst));
}
