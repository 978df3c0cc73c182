//! What publishing and delivering allocate: as much for five hundred subscribers as for fifty.
//!
//! A binary of its own, because it counts every allocation of its thread.
#![allow(unsafe_code, reason = "an allocator is unsafe to write; this one only counts")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

mod counting;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use counting::allocations;
use futures_util::Stream;
use headwater_sse::broker::{Broker, Limits, Options, Policy, Subscription, WhenSlow};
use headwater_sse::replay::{MemoryReplay, Retention};
use headwater_sse::serve::EventBody;
use headwater_sse::{Event, PreparedEvent};

const ROUNDS: u64 = 100;

fn event() -> Event<'static> {
    Event::new().data("one hundred and twenty-eight bytes, more or less, as benches have them")
}

fn broker() -> Broker<u32> {
    let limits = Limits::new(16, 1 << 20);
    let when_slow = WhenSlow::Always(Policy::DropOldest);
    Broker::new(Options { limits, when_slow, ..Options::default() })
}

/// Takes what is there and parks, as a connection does that has written everything.
fn drain(subscriptions: &mut [Subscription<u32>]) {
    let mut context = Context::from_waker(Waker::noop());
    for subscription in subscriptions {
        while let Poll::Ready(event) = Pin::new(&mut *subscription).poll_next(&mut context) {
            event.unwrap();
        }
    }
}

/// Allocations of so many publications and of waking everybody for each of them.
async fn publish(broker: &Broker<u32>, subscriptions: &mut [Subscription<u32>]) -> u64 {
    let prepared = PreparedEvent::new(&event());
    let mut sum = 0;
    for _ in 0..ROUNDS {
        let before = allocations();
        broker.publish_prepared(prepared.clone()).unwrap();
        // The runtime has one thread: here the distributor has its turn.
        tokio::task::yield_now().await;
        sum += allocations() - before;
        drain(subscriptions);
    }
    sum
}

#[tokio::test]
async fn publishing_allocates_the_same_for_fifty_and_for_five_hundred() {
    let mut counts = Vec::new();
    for subscribers in [50, 500] {
        let broker = broker();
        let mut all: Vec<_> = (0..subscribers).map(|n| broker.subscribe(n).unwrap()).collect();
        drain(&mut all);
        publish(&broker, &mut all).await;
        counts.push(publish(&broker, &mut all).await);
    }
    println!("{counts:?} allocations in {ROUNDS} rounds");
    assert!(counts[1] <= counts[0] + ROUNDS / 10, "{counts:?}");
    assert!(counts[0] <= 4 * ROUNDS, "{counts:?}");
}

#[tokio::test]
async fn most_publications_allocate_nothing() {
    let broker = broker();
    // Nobody of them takes anything, so all are slow.
    let _slow: Vec<_> = (0..100).map(|n| broker.subscribe(n).unwrap()).collect();
    let prepared = PreparedEvent::new(&event());
    for _ in 0..10 * ROUNDS {
        broker.publish_prepared(prepared.clone()).unwrap();
    }
    let before = allocations();
    for _ in 0..ROUNDS {
        broker.publish_prepared(prepared.clone()).unwrap();
    }
    let prepared = allocations() - before;
    for _ in 0..ROUNDS {
        broker.publish(&event()).unwrap();
    }
    let encoded = allocations() - before - prepared;
    println!("{prepared} allocations for {ROUNDS} prepared events, {encoded} for as many others");
    assert!(prepared <= ROUNDS / 10, "{prepared}");
    // Blocks of 4 KiB, each of which is two allocations.
    assert!(encoded <= ROUNDS / 10, "{encoded}");
}

#[test]
fn most_appends_to_the_ring_allocate_nothing() {
    let retention = Retention { events: 64.try_into().unwrap(), bytes: 1 << 20, age: None };
    let log = MemoryReplay::new(retention);
    (0..200).for_each(|_| drop(log.append_now(&event()).unwrap()));
    let before = allocations();
    (0..ROUNDS).for_each(|_| drop(log.append_now(&event()).unwrap()));
    let made = allocations() - before;
    println!("{made} allocations for {ROUNDS} appends");
    assert!(made <= ROUNDS / 10, "{made}");
}

#[tokio::test]
async fn to_deliver_one_event_allocates_nothing() {
    let broker = broker();
    let subscription = broker.subscribe(0).unwrap();
    let mut body = Box::pin(EventBody::new(subscription));
    let prepared = PreparedEvent::new(&event());
    let mut context = Context::from_waker(Waker::noop());
    let mut poll = || http_body_util::BodyExt::frame(&mut body).poll_unpin_now(&mut context);
    poll();
    let mut sum = 0;
    for round in 0..2 * ROUNDS {
        broker.publish_prepared(prepared.clone()).unwrap();
        // The distributor's turn, which is not measured here. Before it, a task that has looked already need not look again.
        tokio::task::yield_now().await;
        let before = allocations();
        assert!(poll());
        if round >= ROUNDS {
            sum += allocations() - before;
        }
    }
    println!("{sum} allocations for {ROUNDS} deliveries");
    assert!(sum <= ROUNDS / 10, "{sum}");
}

#[tokio::test]
async fn what_waits_is_joined_once_for_all_who_get_the_same() {
    let prepared = PreparedEvent::new(&event());
    let mut context = Context::from_waker(Waker::noop());
    let mut counts = Vec::new();
    for subscribers in [50, 500] {
        let broker = broker();
        let subscriptions = (0..subscribers).map(|n| broker.subscribe(n).unwrap());
        let mut bodies: Vec<_> = subscriptions.map(|one| Box::pin(EventBody::new(one))).collect();
        let mut sum = 0;
        for round in 0..2 * ROUNDS {
            (0..16).for_each(|_| broker.publish_prepared(prepared.clone()).unwrap());
            tokio::task::yield_now().await;
            let before = allocations();
            for body in &mut bodies {
                let mut poll = || http_body_util::BodyExt::frame(body).poll_unpin_now(&mut context);
                assert!(poll() && !poll());
            }
            if round >= ROUNDS {
                sum += allocations() - before;
            }
        }
        counts.push(sum);
    }
    println!("{counts:?} allocations to deliver {ROUNDS} times 16 events");
    assert!(counts[1] <= counts[0] + ROUNDS / 10, "{counts:?}");
    assert!(counts[0] <= 4 * ROUNDS, "{counts:?}");
}

/// Polls a future once; whether it was ready.
trait PollNow: Future + Unpin + Sized {
    fn poll_unpin_now(mut self, context: &mut Context<'_>) -> bool {
        Pin::new(&mut self).poll(context).is_ready()
    }
}

impl<F: Future + Unpin> PollNow for F {}
