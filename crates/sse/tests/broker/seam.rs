//! From replay to live: clients that come back at random get everything once and in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use headwater_sse::Decoder;
use headwater_sse::broker::{Limits, ReplayBroker};
use headwater_sse::replay::{Epoch, MemoryReplay, ReplayLog, Retention, Verdict};
use headwater_sse::testkit::replay::Harness;
use headwater_sse::testkit::replay::planted::{Fault, PlantedHarness};
use headwater_sse::{Event, PreparedEvents};
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::support::PATIENCE;

const CLIENTS: usize = 100;
const EVENTS: usize = 3_000;

fn retention(events: usize) -> Retention {
    Retention { events: events.try_into().unwrap(), bytes: 1 << 24, age: None }
}

/// Numbers that look random and are the same in every run.
fn scatter(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as usize
}

async fn publish<L: ReplayLog + 'static>(broker: &ReplayBroker<L>, number: usize) {
    broker.publish(Event::new().data(&number.to_string())).await.unwrap();
}

/// What a client notices: the next number, the `lost` events, and the first thing that is wrong.
struct Client {
    next: usize,
    lost: Vec<String>,
    wrong: Option<String>,
    decoder: Decoder,
}

impl Client {
    fn new() -> Self {
        Self { next: 0, lost: Vec::new(), wrong: None, decoder: Decoder::new() }
    }

    fn take(&mut self, events: &PreparedEvents) {
        self.take_bytes(events.as_bytes());
    }

    fn take_bytes(&mut self, mut wire: &[u8]) {
        while let Some(message) = self.decoder.decode(&mut wire).unwrap() {
            if message.event_type() == "lost" {
                self.lost.push(message.into_data());
                continue;
            }
            let number: usize = message.data().parse().unwrap();
            if number != self.next && self.lost.is_empty() {
                let next = self.next;
                self.wrong.get_or_insert(format!("{number} in place of {next}"));
            }
            self.next = number + 1;
        }
    }
}

/// Reads all of [`EVENTS`], over connections of random length; each begins where the last one was cut off.
async fn read_all<L: ReplayLog + 'static>(
    broker: &ReplayBroker<L>,
    start: &Barrier,
    mut seed: u64,
) -> Client {
    let mut client = Client::new();
    let mut first = true;
    while client.next < EVENTS && client.wrong.is_none() {
        let id = client.decoder.last_event_id().to_string();
        let mut events = broker.subscribe(Some(&id)).await.unwrap().unwrap();
        let wanted = if first { Verdict::Fresh } else { Verdict::Resumed };
        assert_eq!(events.verdict(), wanted, "{id:?}");
        if first {
            // Everybody has its place before the first event, because nobody asks for what was before.
            start.wait().await;
        }
        client.decoder.restart();
        client.take(&events.next().await.unwrap());
        first = false;
        // It is cut off at any byte behind the opening, but late enough to have had something mostly.
        let mut left = scatter(&mut seed) % 8_000;
        while left > 0 && client.next < EVENTS {
            let events = timeout(PATIENCE, events.next()).await.unwrap().unwrap();
            let had = left.min(events.as_bytes().len());
            client.take_bytes(&events.as_bytes()[..had]);
            left -= had;
            if scatter(&mut seed).is_multiple_of(16) {
                tokio::task::yield_now().await;
            }
        }
    }
    client
}

/// The first thing that any of the clients finds wrong.
async fn first_fault<L: ReplayLog + 'static>(log: L) -> Option<String> {
    // So few may wait that most clients are left behind now and then, and go back to the log.
    let broker =
        Arc::new(ReplayBroker::new(Arc::new(log), Limits::new(32, 1 << 20)).await.unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let start = Arc::new(Barrier::new(CLIENTS + 1));
    let clients: Vec<_> = (0..CLIENTS as u64)
        .map(|seed| {
            let (broker, start) = (Arc::clone(&broker), Arc::clone(&start));
            tokio::spawn(async move { read_all(&broker, &start, seed).await })
        })
        .collect();
    start.wait().await;
    let publisher = tokio::spawn({
        let (broker, stop) = (Arc::clone(&broker), Arc::clone(&stop));
        async move {
            let mut seed = 7;
            for number in 0..EVENTS {
                publish(&broker, number).await;
                while !stop.load(Ordering::Relaxed) && scatter(&mut seed).is_multiple_of(8) {
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    let mut wrong = None;
    for client in clients {
        match timeout(PATIENCE, client).await {
            Ok(client) => {
                let client = client.unwrap();
                wrong = wrong.or(client.wrong).or(client.lost.into_iter().next());
            }
            Err(_) => wrong = wrong.or(Some("a client waits for ever".to_owned())),
        }
    }
    stop.store(true, Ordering::Relaxed);
    publisher.await.unwrap();
    broker.close().await;
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_clients_reconnect_at_random_and_miss_and_repeat_nothing() {
    assert_eq!(first_fault(MemoryReplay::new(retention(EVENTS))).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_leaves_out_or_swaps_is_noticed() {
    for fault in [Fault::Forgets, Fault::Swaps] {
        let wrong = first_fault(PlantedHarness(fault).make()).await;
        println!("{fault:?}: {wrong:?}");
        assert!(wrong.is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn what_the_log_gave_up_under_a_reader_is_told_with_both_ends() {
    let epoch = Epoch::new(1);
    let log = Arc::new(MemoryReplay::with_epoch(retention(10), epoch));
    let broker = ReplayBroker::new(Arc::clone(&log), Limits::new(4, 1 << 20)).await.unwrap();
    let mut slow = broker.subscribe(None).await.unwrap().unwrap();
    let mut client = Client::new();
    client.take(&slow.next().await.unwrap());
    publish(&broker, 0).await;
    client.take(&timeout(PATIENCE, slow.next()).await.unwrap().unwrap());
    for number in 1..50 {
        publish(&broker, number).await;
    }
    while client.next < 50 {
        client.take(&timeout(PATIENCE, slow.next()).await.unwrap().unwrap());
    }
    let [lost] = &client.lost[..] else { panic!("{:?}", client.lost) };
    assert!(lost.contains("\"reason\":\"gap\""), "{lost}");
    let (from, to) = (lost.find("\"from\":\"").unwrap(), lost.find("\"to\":\"").unwrap());
    let id = |at: usize| lost[at..].split('"').nth(3).unwrap().to_owned();
    let from: u64 = id(from).split_once(':').unwrap().1.parse().unwrap();
    let to: u64 = id(to).split_once(':').unwrap().1.parse().unwrap();
    // It had at least the first, may have had the four that waited, and got the last ten at least.
    assert!((1..=5).contains(&from) && from < to && to <= 40, "{lost}");
}

#[tokio::test]
async fn an_event_above_the_limit_for_waiting_is_read_from_the_log() {
    let log = Arc::new(MemoryReplay::new(retention(100)));
    let broker = ReplayBroker::new(log, Limits::new(100, 100)).await.unwrap();
    let mut events = broker.subscribe(None).await.unwrap().unwrap();
    events.next().await.unwrap();
    for length in [1, 1000, 1, 5000] {
        let data = "7".repeat(length);
        broker.publish(Event::new().data(&data)).await.unwrap();
        let event = timeout(PATIENCE, events.next()).await.unwrap().unwrap();
        assert!(event.as_bytes().ends_with(format!("data:{data}\n\n").as_bytes()));
    }
}

#[tokio::test]
async fn who_is_from_another_epoch_gets_all_there_is_and_is_told() {
    let log = Arc::new(MemoryReplay::new(retention(100)));
    let broker = ReplayBroker::new(log, Limits::default()).await.unwrap();
    for number in 0..10 {
        publish(&broker, number).await;
    }
    let mut events = broker.subscribe(Some("0000000000000001:5")).await.unwrap().unwrap();
    assert_eq!(events.verdict(), Verdict::OtherEpoch);
    let mut client = Client::new();
    while client.next < 10 {
        client.take(&timeout(PATIENCE, events.next()).await.unwrap().unwrap());
    }
    assert_eq!((client.lost.len(), client.wrong), (1, None));
    broker.close().await;
    broker.close().await;
    assert!(timeout(PATIENCE, events.next()).await.unwrap().is_none());
    assert!(broker.subscribe(None).await.unwrap().is_none());
}
