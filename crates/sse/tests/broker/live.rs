//! The broker in memory, with subscribers that are as slow as each test wants.

use futures_util::{FutureExt, StreamExt};
use headwater_sse::broker::{Limits, Options, Policy, PublishError, WhenSlow};
use headwater_sse::{Event, broker::Broker};

use crate::support::{PATIENCE, Seen, always, event, eventually, join, lost, numbers};

#[tokio::test]
async fn everybody_gets_everything_from_when_it_came() {
    let broker = always(1000, Policy::DropOldest);
    let mut early = join(&broker, ()).unwrap();
    (0..10).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    let mut late = join(&broker, ()).unwrap();
    (10..20).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    assert_eq!(early.ready(), numbers(0..20));
    assert_eq!(late.ready(), numbers(10..20));
    let published = broker.publish(&Event::new().data("20")).unwrap();
    assert_eq!(late.next().await, Some(Seen::Number(20)));
    assert_eq!(published, event(20), "encoded once, and returned");
    assert_eq!(broker.count(), 2);
    drop(early);
    assert_eq!(broker.count(), 1);
}

#[tokio::test]
async fn each_policy_gives_a_slow_one_what_it_says() {
    for (policy, seen) in [
        (Policy::DropOldest, [vec![lost(50 - 5)], numbers(45..50)].concat()),
        (Policy::DropNewest, [numbers(0..5), vec![lost(45)]].concat()),
        (Policy::Disconnect, vec![]),
    ] {
        let broker = always(5, policy);
        let mut slow = join(&broker, ()).unwrap();
        let mut fast = join(&broker, ()).unwrap();
        for number in 0..50 {
            broker.publish_prepared(event(number)).unwrap();
            assert_eq!(fast.next().await, Some(Seen::Number(number)), "{policy:?}");
        }
        assert_eq!(slow.ready(), seen, "{policy:?}");
        let is_disconnected = policy == Policy::Disconnect;
        assert_eq!(slow.subscription.dropped(), if is_disconnected { 0 } else { 45 }, "{policy:?}");
        let numbers = broker.numbers();
        assert_eq!(numbers.dropped, slow.subscription.dropped(), "{policy:?}");
        assert_eq!(numbers.disconnected, u64::from(is_disconnected), "{policy:?}");
        if is_disconnected {
            assert_eq!(slow.next().await, None);
        } else {
            broker.publish_prepared(event(50)).unwrap();
            assert_eq!(slow.next().await, Some(Seen::Number(50)), "it goes on: {policy:?}");
        }
    }
}

const LARGE: usize = 7;

#[tokio::test]
async fn bytes_are_a_bound_of_their_own() {
    let large = Event::new();
    let data = format!("{LARGE:01000}");
    let large = large.data(&data);
    let limits = Limits::new(1000, 3 * large.encoded_len());
    let when_slow = WhenSlow::Always(Policy::DropOldest);
    let broker = Broker::new(Options { limits, when_slow, ..Options::default() });
    let mut slow = join(&broker, ()).unwrap();
    for _ in 0..10 {
        broker.publish(&large).unwrap();
        // It is looked at when what is kept for all overtakes it: until then as much again may wait.
        let (events, bytes) = slow.subscription.depth();
        assert!(events <= 2 * 3 && bytes <= 2 * limits.bytes(), "{events} {bytes}");
    }
    let left = slow.ready();
    assert_eq!(left, [vec![lost(7)], vec![Seen::Number(LARGE); 3]].concat());
    assert_eq!(slow.subscription.dropped(), 7);
    let beyond = "x".repeat(4000);
    let refused = broker.publish(&Event::new().data(&beyond));
    assert!(matches!(refused, Err(PublishError::TooLarge { .. })));
}

#[tokio::test]
async fn only_those_who_match_get_it() {
    let broker = always(100, Policy::DropOldest);
    let mut all: Vec<_> = (0..8).map(|number| join(&broker, number).unwrap()).collect();
    assert_eq!(broker.publish_to(event(1), |number| number % 2 == 0).unwrap(), 4);
    // A predicate that panics for one is asked about the others all the same.
    let reached = broker.publish_to(event(2), |number| {
        assert_ne!(*number, 3, "planted");
        true
    });
    assert_eq!(reached.unwrap(), 7);
    assert_eq!(broker.numbers().callback_panics, 1);
    assert_eq!(broker.publish_to(event(3), |_| false).unwrap(), 0);
    broker.publish_prepared(event(4)).unwrap();
    for (number, subscription) in all.iter_mut().enumerate() {
        let wanted = [(1, number % 2 == 0), (2, number != 3), (4, true)];
        let wanted = wanted.into_iter().filter(|(_, gets)| *gets);
        let wanted: Vec<_> = wanted.map(|(event, _)| Seen::Number(event)).collect();
        assert_eq!(subscription.ready(), wanted, "{number}");
    }
}

#[tokio::test]
async fn to_send_waits_for_room_and_no_longer_than_it_has_to() {
    let options = || Options {
        limits: Limits::new(4, 1 << 20),
        when_slow: WhenSlow::Always(Policy::Wait),
        longest_wait: std::time::Duration::from_millis(100),
        ..Options::default()
    };
    let broker = Broker::new(Options { longest_wait: PATIENCE, ..options() });
    let mut slow = join(&broker, ()).unwrap();
    for number in 0..4 {
        broker.send(event(number)).now_or_never().unwrap().unwrap();
    }
    let sending = tokio::spawn({
        let broker = broker.clone();
        async move {
            for number in 4..100 {
                broker.send(event(number)).await.unwrap();
            }
        }
    });
    for number in 0..100 {
        assert_eq!(slow.next().await, Some(Seen::Number(number)), "nothing is lost");
    }
    sending.await.unwrap();

    let broker = Broker::new(options());
    let mut stuck = join(&broker, ()).unwrap();
    let mut fast = join(&broker, ()).unwrap();
    for number in 0..10 {
        broker.send(event(number)).await.unwrap();
        assert_eq!(fast.next().await, Some(Seen::Number(number)));
    }
    assert_eq!(broker.numbers().disconnected, 1);
    assert_eq!(stuck.next().await, None);
}

#[tokio::test]
async fn the_end_comes_once_and_after_what_waits() {
    let broker = always(100, Policy::DropOldest);
    let mut behind = join(&broker, ()).unwrap();
    let mut waiting = join(&broker, ()).unwrap();
    broker.publish_prepared(event(1)).unwrap();
    assert_eq!(waiting.next().await, Some(Seen::Number(1)));
    let waits = tokio::spawn(async move { waiting.next().await });
    eventually("it waits", || broker.numbers().waiting == 1).await;
    broker.close().await;
    broker.close().await;
    assert_eq!(waits.await.unwrap(), None);
    assert_eq!(behind.next().await, Some(Seen::Number(1)));
    assert_eq!(behind.next().await, None);
    assert_eq!(broker.publish_prepared(event(2)), Err(PublishError::Closed));
    assert_eq!(broker.send(event(2)).await, Err(PublishError::Closed));
    assert!(join(&broker, ()).is_none());
}

#[tokio::test]
async fn the_last_broker_that_is_dropped_closes_it() {
    let broker = always(100, Policy::DropOldest);
    let mut subscription = join(&broker, ()).unwrap();
    let other = broker.clone();
    drop(broker);
    other.publish_prepared(event(1)).unwrap();
    drop(other);
    assert_eq!(subscription.next().await, Some(Seen::Number(1)));
    assert_eq!(subscription.next().await, None);
}

/// What all get is made once; what differs, by what was left out or where it begins, is not mixed up.
#[tokio::test]
async fn those_who_get_the_same_share_it() {
    let broker = always(8, Policy::DropNewest);
    let mut all: Vec<_> = (0..4).map(|number| join(&broker, number).unwrap()).collect();
    (0..3).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    let first = |reader: &mut crate::support::Reader<i32>| {
        reader.subscription.next().now_or_never().flatten().unwrap()
    };
    let given: Vec<_> = all.iter_mut().map(first).collect();
    assert_eq!(given[0].as_bytes(), "data:0\n\ndata:1\n\ndata:2\n\n");
    assert!(given.iter().all(|events| events.as_bytes().as_ptr() == given[0].as_bytes().as_ptr()));

    broker.publish_prepared(event(3)).unwrap();
    broker.publish_to(event(4), |number| number % 2 == 0).unwrap();
    broker.publish_prepared(event(5)).unwrap();
    eventually("all are told", || broker.numbers().waiting == 0).await;
    for (number, reader) in all.iter_mut().enumerate().take(3) {
        let wanted = if number % 2 == 0 { vec![3, 4, 5] } else { vec![3, 5] };
        assert_eq!(reader.ready(), wanted.into_iter().map(Seen::Number).collect::<Vec<_>>());
    }
    // The last one has not taken these yet, and becomes slow; the late one begins in the middle.
    let mut late = join(&broker, 9).unwrap();
    (6..12).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    eventually("all are told", || broker.numbers().waiting == 0).await;
    assert_eq!(late.ready(), numbers(6..12));
    assert_eq!(all[0].ready(), numbers(6..12));
    (12..20).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    eventually("all are told", || broker.numbers().waiting == 0).await;
    assert_eq!(all[1].ready(), [numbers(6..14), vec![lost(6)]].concat());
    assert_eq!(late.ready(), numbers(12..20));
    let slow = all[3].ready();
    assert_eq!(slow, [vec![Seen::Number(3)], numbers(5..12), vec![lost(8)]].concat());
    assert_eq!(all[0].ready(), numbers(12..20));
}
