//! Callbacks about slow subscribers: beside everything else, so many at a time, and none that matters to others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use headwater_sse::broker::{Policy, WhenSlow};

use crate::support::{Reader, Seen, broker, event, eventually, join};

/// Opens once.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn pass(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |open| !*open).unwrap());
    }
}

/// How many are inside at once, at most.
#[derive(Default)]
struct Crowd {
    inside: AtomicUsize,
    most: AtomicUsize,
    calls: AtomicUsize,
}

impl Crowd {
    fn enter(&self) {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        self.calls.fetch_add(1, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_hangs_delays_nobody_and_the_cap_holds() {
    for at_once in [1, 4] {
        let (gate, crowd) = (Arc::new(Gate::default()), Arc::new(Crowd::default()));
        let (held, seen) = (Arc::clone(&gate), Arc::clone(&crowd));
        let callback = Arc::new(move |_: headwater_sse::broker::Asked<'_, usize>| {
            seen.enter();
            held.pass();
            seen.leave();
            Policy::Disconnect
        });
        let broker = broker(2, WhenSlow::Ask { callback, at_once });
        let mut slow: Vec<_> = (0..16).map(|number| join(&broker, number).unwrap()).collect();
        let mut fast = join(&broker, 99).unwrap();
        let mut longest = Duration::ZERO;
        for number in 0..50 {
            let start = Instant::now();
            broker.publish_prepared(event(number)).unwrap();
            longest = longest.max(start.elapsed());
            assert_eq!(fast.next().await, Some(Seen::Number(number)));
        }
        // A hung callback would make it for ever; a slow machine does not make it this much.
        assert!(longest < Duration::from_millis(200), "{longest:?}");
        eventually("callbacks hang", || crowd.inside.load(Ordering::SeqCst) == at_once).await;
        assert_eq!(crowd.calls.load(Ordering::SeqCst), at_once, "the others wait for their turn");
        gate.open();
        for subscription in &mut slow {
            while subscription.next().await.is_some() {}
        }
        assert_eq!(crowd.calls.load(Ordering::SeqCst), 16);
        assert_eq!(crowd.most.load(Ordering::SeqCst), at_once);
        assert_eq!(broker.numbers().disconnected, 16);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_that_panics_is_counted_and_the_others_are_asked() {
    let when_slow = WhenSlow::ask(|asked: headwater_sse::broker::Asked<'_, usize>| {
        assert_ne!(*asked.attributes, 3, "planted");
        Policy::Disconnect
    });
    let broker = broker(2, when_slow);
    let mut slow: Vec<_> = (0..8).map(|number| join(&broker, number).unwrap()).collect();
    for number in 0..10 {
        broker.publish_prepared(event(number)).unwrap();
    }
    eventually("all were asked", || {
        let numbers = broker.numbers();
        numbers.disconnected == 7 && numbers.callback_panics == 1
    })
    .await;
    for (number, subscription) in slow.iter_mut().enumerate() {
        let first = subscription.next().await;
        assert_eq!(first.is_some(), number == 3, "only the one of the panic stays");
    }
    assert_eq!(broker.count(), 8, "until they are dropped");
    slow.truncate(1);
    assert_eq!(broker.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_close_waits_for_the_callback_that_runs() {
    let (gate, crowd) = (Arc::new(Gate::default()), Arc::new(Crowd::default()));
    let (held, seen) = (Arc::clone(&gate), Arc::clone(&crowd));
    let broker = broker(
        1,
        WhenSlow::ask(move |_: headwater_sse::broker::Asked<'_, ()>| {
            seen.enter();
            held.pass();
            seen.leave();
            Policy::DropOldest
        }),
    );
    let slow: Vec<Reader<()>> = (0..8).map(|_| join(&broker, ()).unwrap()).collect();
    (0..5).for_each(|number| broker.publish_prepared(event(number)).unwrap());
    eventually("some hang", || crowd.inside.load(Ordering::SeqCst) == 4).await;
    let closing = tokio::spawn({
        let broker = broker.clone();
        async move { broker.close().await }
    });
    eventually("it is closed", || broker.publish_prepared(event(9)).is_err()).await;
    assert!(!closing.is_finished());
    gate.open();
    closing.await.unwrap();
    assert_eq!(crowd.inside.load(Ordering::SeqCst), 0);
    drop(slow);
}
