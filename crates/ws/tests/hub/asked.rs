//! Callbacks about slow connections: beside everything else, so many at a time, and none that matters to others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use headwater_ws::{Asked, Backlog, Hub, HubConfig, Message, OnSlow, WhenSlow};
use tokio::net::TcpStream;

use crate::pair::{PATIENCE, Served, eventually, join_as, join_fast};

/// Messages of 10 KiB, of which a peer that does not read has few in its socket.
pub(crate) fn large(number: usize) -> String {
    format!("{number:010240}")
}

pub(crate) fn hub<A>(when_slow: WhenSlow<A>) -> Hub<TcpStream, A>
where
    A: Send + Sync + 'static,
{
    Hub::new(HubConfig { backlog: Backlog::new(8, 1 << 20), when_slow })
}

/// Opens once.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<bool>, Condvar);

/// Opens the gate when a test ends, however it does: what hangs there would keep the runtime from ending.
pub(crate) struct Opening(pub(crate) Arc<Gate>);

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.open();
    }
}

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    pub(crate) fn pass(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |open| !*open).unwrap());
    }
}

/// Callbacks that hang at a gate, and how many of them do.
#[derive(Default)]
struct Crowd {
    gate: Arc<Gate>,
    inside: AtomicUsize,
    most: AtomicUsize,
    calls: AtomicUsize,
}

impl Crowd {
    fn new() -> (Arc<Self>, Opening) {
        let crowd = Self::default();
        let opening = Opening(Arc::clone(&crowd.gate));
        (Arc::new(crowd), opening)
    }

    fn wait(&self) {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.gate.pass();
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    fn asks(self: &Arc<Self>, answer: OnSlow, at_once: usize) -> WhenSlow<usize> {
        let crowd = Arc::clone(self);
        let callback = Arc::new(move |_: Asked<'_, usize>| {
            crowd.wait();
            answer
        });
        WhenSlow::Ask { callback, at_once }
    }
}

async fn join_all(hub: &Hub<TcpStream, usize>, count: usize) -> Vec<Served> {
    let mut joined = Vec::new();
    for number in 0..count {
        joined.push(join_as(hub, number).await);
    }
    joined
}

/// All at once: a small window is slow to open.
async fn read_to_the_end(slow: Vec<Served>) -> Vec<Served> {
    let reading = slow.into_iter().map(|mut slow| {
        tokio::spawn(async move {
            while slow.text().await.is_some() {}
            slow
        })
    });
    let mut read = Vec::new();
    for reading in reading.collect::<Vec<_>>() {
        read.push(reading.await.unwrap());
    }
    read
}

/// Broadcasts until a peer that does not read is slow, each message when the fast one has the one before. Returns the
/// longest call.
async fn flood(hub: &Hub<TcpStream, usize>, fast: &mut Served) -> Duration {
    let mut longest = Duration::ZERO;
    for number in 0..60 {
        let text = large(number);
        let start = Instant::now();
        hub.broadcast(Message::text(text.clone())).unwrap();
        longest = longest.max(start.elapsed());
        assert_eq!(fast.text().await, Some(text));
    }
    longest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_that_hang_delay_nobody_and_the_cap_holds() {
    for at_once in [1, 4, 16] {
        let (crowd, _opening) = Crowd::new();
        let hub = hub(crowd.asks(OnSlow::Close, at_once));
        let slow = join_all(&hub, 16).await;
        let mut fast = join_fast(&hub, 99).await;
        let longest = flood(&hub, &mut fast).await;
        // A hung callback would make it for ever; a slow machine does not make it this much.
        assert!(longest < Duration::from_secs(1), "{longest:?}");
        eventually("callbacks hang", || crowd.inside.load(Ordering::SeqCst) == at_once).await;
        assert_eq!(crowd.calls.load(Ordering::SeqCst), at_once, "the others wait for their turn");
        assert_eq!(hub.count(), 17);
        crowd.gate.open();
        for slow in read_to_the_end(slow).await {
            assert_eq!(slow.client.close_reason().unwrap().code().number(), 1008);
        }
        assert_eq!(crowd.calls.load(Ordering::SeqCst), 16);
        assert_eq!(crowd.most.load(Ordering::SeqCst), at_once);
        eventually("the slow are gone", || hub.count() == 1).await;
        assert_eq!(hub.numbers().disconnected, 16);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_panics_is_counted_and_the_others_are_asked() {
    let asked = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&asked);
    let hub = hub(WhenSlow::ask(move |asked: Asked<'_, usize>| {
        calls.fetch_add(1, Ordering::SeqCst);
        assert_ne!(*asked.attributes, 3, "planted");
        OnSlow::Close
    }));
    let mut slow = join_all(&hub, 8).await;
    let mut fast = join_fast(&hub, 99).await;
    flood(&hub, &mut fast).await;
    eventually("all were asked", || {
        let numbers = hub.numbers();
        numbers.disconnected == 7 && numbers.callback_panics == 1
    })
    .await;
    assert_eq!(asked.load(Ordering::SeqCst), 8);
    let mut kept = slow.remove(3);
    read_to_the_end(slow).await;
    // The one of the panic has missed something, and goes on when it has read what waits for it.
    let mut seen = 0;
    while hub.numbers().waiting < 2 {
        kept.text().await.unwrap();
        seen += 1;
    }
    hub.broadcast(Message::text("again")).unwrap();
    while kept.text().await.unwrap() != "again" {
        seen += 1;
    }
    assert_eq!(seen + kept.dropped(), 60, "what it missed is counted");
    assert!(hub.numbers().dropped >= kept.dropped());
    assert_eq!(fast.text().await.unwrap(), "again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_asked_about_again_when_it_was_fast_in_between() {
    let asked = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&asked);
    let hub = hub(WhenSlow::ask(move |_: Asked<'_, usize>| {
        calls.fetch_add(1, Ordering::SeqCst);
        OnSlow::Drop
    }));
    let (mut slow, mut fast) = (join_as(&hub, 0).await, join_fast(&hub, 1).await);
    for round in 1..=3 {
        flood(&hub, &mut fast).await;
        eventually("it was asked about", || asked.load(Ordering::SeqCst) == round).await;
        while hub.numbers().waiting < 2 {
            slow.text().await.unwrap();
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_broadcasts_within_a_time_waits_for_the_answer_and_no_longer() {
    let (crowd, _opening) = Crowd::new();
    let hub = hub(crowd.asks(OnSlow::Remove, 1));
    let slow = join_as(&hub, 0).await;
    let broadcasting = tokio::spawn({
        let hub = hub.clone();
        async move {
            for number in 0..60 {
                hub.broadcast_within(Message::text(large(number)), 10 * PATIENCE).await.unwrap();
            }
        }
    });
    eventually("somebody is asked", || crowd.inside.load(Ordering::SeqCst) == 1).await;
    assert!(!broadcasting.is_finished());
    crowd.gate.open();
    tokio::time::timeout(PATIENCE, broadcasting).await.unwrap().unwrap();
    assert_eq!((hub.numbers().dropped, hub.numbers().disconnected), (0, 1));
    assert!(!slow.task.is_finished(), "the connection stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_for_the_callback_that_runs_and_no_other_begins() {
    let (crowd, _opening) = Crowd::new();
    let hub = hub(crowd.asks(OnSlow::DropOldest, 4));
    let slow = join_all(&hub, 8).await;
    let mut fast = join_fast(&hub, 99).await;
    flood(&hub, &mut fast).await;
    eventually("some hang", || crowd.inside.load(Ordering::SeqCst) == 4).await;
    let closing = tokio::spawn({
        let hub = hub.clone();
        async move { hub.close(None, PATIENCE).await }
    });
    assert_eq!(fast.text().await, None);
    read_to_the_end(slow).await;
    eventually("all have left", || hub.count() == 0).await;
    assert!(!closing.is_finished());
    crowd.gate.open();
    assert_eq!(closing.await.unwrap(), 0);
    assert_eq!(crowd.inside.load(Ordering::SeqCst), 0);
    assert_eq!(crowd.calls.load(Ordering::SeqCst), 4);
}
