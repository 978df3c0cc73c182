//! The broker in memory, with subscribers that are as slow as each test wants.

use futures_util::{FutureExt, StreamExt};
use headwater_sse::broker::{Limits, Options, Policy, PublishError, WhenSlow};
use headwater_sse::{Event, broker::Broker};

use crate::support::{PATIENCE, Seen, always, event, eventually, next, ready};

fn numbers(range: std::ops::Range<usize>) -> Vec<Seen> {
    range.map(Seen::Number).collect()
}

fn lost(events: usize) -> Seen {
    Seen::Lost(format!("{{\"reason\":\"dropped\",\"from\":null,\"to\":null,\"events\":{events}}}"))
}

#[tokio::test]
async fn everybody_gets_everything_from_when_it_came() {
    let broker = always(1000, Policy::DropOldest);
    let mut early = broker.subscribe(()).unwrap();
    (0..10).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    let mut late = broker.subscribe(()).unwrap();
    (10..20).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    assert_eq!(ready(&mut early), numbers(0..20));
    assert_eq!(ready(&mut late), numbers(10..20));
    let published = broker.publish(&Event::new().data("20")).unwrap();
    assert_eq!(next(&mut late).await, Some(Seen::Number(20)));
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
        let mut slow = broker.subscribe(()).unwrap();
        let mut fast = broker.subscribe(()).unwrap();
        for number in 0..50 {
            broker.publish_prepared(event(number)).unwrap();
            assert_eq!(next(&mut fast).await, Some(Seen::Number(number)), "{policy:?}");
        }
        assert_eq!(ready(&mut slow), seen, "{policy:?}");
        let is_disconnected = policy == Policy::Disconnect;
        assert_eq!(slow.dropped(), if is_disconnected { 0 } else { 45 }, "{policy:?}");
        let numbers = broker.numbers();
        assert_eq!(numbers.dropped, slow.dropped(), "{policy:?}");
        assert_eq!(numbers.disconnected, u64::from(is_disconnected), "{policy:?}");
        if is_disconnected {
            assert_eq!(next(&mut slow).await, None);
        } else {
            broker.publish_prepared(event(50)).unwrap();
            assert_eq!(next(&mut slow).await, Some(Seen::Number(50)), "it goes on: {policy:?}");
        }
    }
}

#[tokio::test]
async fn bytes_are_a_bound_of_their_own() {
    let large = Event::new();
    let data = "x".repeat(1000);
    let large = large.data(&data);
    let limits = Limits::new(1000, 3 * large.encoded_len());
    let when_slow = WhenSlow::Always(Policy::DropOldest);
    let broker = Broker::new(Options { limits, when_slow, ..Options::default() });
    let mut slow = broker.subscribe(()).unwrap();
    for _ in 0..10 {
        broker.publish(&large).unwrap();
        // It is looked at when what is kept for all overtakes it: until then as much again may wait.
        let (events, bytes) = slow.depth();
        assert!(events <= 2 * 3 && bytes <= 2 * limits.bytes(), "{events} {bytes}");
    }
    let lost = slow.next().await.unwrap();
    assert!(lost.as_bytes().ends_with(b"\"events\":7}\n\n"), "{lost:?}");
    let mut left = 0;
    while slow.next().now_or_never().is_some() {
        left += 1;
    }
    assert_eq!((left, slow.dropped()), (3, 7));
    let beyond = "x".repeat(4000);
    let refused = broker.publish(&Event::new().data(&beyond));
    assert!(matches!(refused, Err(PublishError::TooLarge { .. })));
}

#[tokio::test]
async fn only_those_who_match_get_it() {
    let broker = always(100, Policy::DropOldest);
    let mut all: Vec<_> = (0..8).map(|number| broker.subscribe(number).unwrap()).collect();
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
        assert_eq!(ready(subscription), wanted, "{number}");
    }
}

#[tokio::test]
async fn to_send_waits_for_room_and_no_longer_than_it_has_to() {
    let options = || Options {
        limits: Limits::new(4, 1 << 20),
        when_slow: WhenSlow::Always(Policy::Wait),
        longest_wait: std::time::Duration::from_millis(100),
    };
    let broker = Broker::new(Options { longest_wait: PATIENCE, ..options() });
    let mut slow = broker.subscribe(()).unwrap();
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
        assert_eq!(next(&mut slow).await, Some(Seen::Number(number)), "nothing is lost");
    }
    sending.await.unwrap();

    let broker = Broker::new(options());
    let mut stuck = broker.subscribe(()).unwrap();
    let mut fast = broker.subscribe(()).unwrap();
    for number in 0..10 {
        broker.send(event(number)).await.unwrap();
        assert_eq!(next(&mut fast).await, Some(Seen::Number(number)));
    }
    assert_eq!(broker.numbers().disconnected, 1);
    assert_eq!(next(&mut stuck).await, None);
}

#[tokio::test]
async fn the_end_comes_once_and_after_what_waits() {
    let broker = always(100, Policy::DropOldest);
    let mut behind = broker.subscribe(()).unwrap();
    let mut waiting = broker.subscribe(()).unwrap();
    broker.publish_prepared(event(1)).unwrap();
    assert_eq!(next(&mut waiting).await, Some(Seen::Number(1)));
    let waits = tokio::spawn(async move { next(&mut waiting).await });
    eventually("it waits", || broker.numbers().waiting == 1).await;
    broker.close().await;
    broker.close().await;
    assert_eq!(waits.await.unwrap(), None);
    assert_eq!(next(&mut behind).await, Some(Seen::Number(1)));
    assert_eq!(next(&mut behind).await, None);
    assert_eq!(broker.publish_prepared(event(2)), Err(PublishError::Closed));
    assert_eq!(broker.send(event(2)).await, Err(PublishError::Closed));
    assert!(broker.subscribe(()).is_none());
}

#[tokio::test]
async fn the_last_broker_that_is_dropped_closes_it() {
    let broker = always(100, Policy::DropOldest);
    let mut subscription = broker.subscribe(()).unwrap();
    let other = broker.clone();
    drop(broker);
    other.publish_prepared(event(1)).unwrap();
    drop(other);
    assert_eq!(next(&mut subscription).await, Some(Seen::Number(1)));
    assert_eq!(next(&mut subscription).await, None);
}
