//! The end of brokers: everybody who asks for it waits for all of it, and nothing is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use futures_util::StreamExt;
use headwater_sse::Event;
use headwater_sse::broker::{Broker, Limits, Policy, ReplayBroker, Subscription, WhenSlow};
use headwater_sse::replay::{
    Answer, AppendError, Budget, Cursor, Entry, Head, MemoryReplay, Page, ReadError, ReplayLog,
    Retention,
};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::support::{PATIENCE, always, broker, event, eventually};

fn alive() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn ring() -> Arc<MemoryReplay> {
    let retention = Retention { events: 100.try_into().unwrap(), bytes: 1 << 20, age: None };
    Arc::new(MemoryReplay::new(retention))
}

#[tokio::test]
async fn each_who_closes_waits_for_all_of_it() {
    for goes_on in [true, false] {
        let live: Broker = always(4, Policy::DropOldest);
        let replayed = ReplayBroker::new(ring(), Limits::default()).await.unwrap();
        assert_eq!(alive(), 3);
        let mut first = Box::pin(async { tokio::join!(live.close(), replayed.close()) });
        // The runtime has one thread, on which no task of a broker can have run meanwhile.
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let first = goes_on.then_some(first);
        timeout(PATIENCE, async { tokio::join!(live.close(), replayed.close()) }).await.unwrap();
        assert_eq!(alive(), 0, "the first goes on: {goes_on}");
        if let Some(first) = first {
            timeout(PATIENCE, first).await.unwrap();
        }
    }
}

/// Tells that it is dropped.
struct Attributes(Arc<AtomicBool>);

impl Drop for Attributes {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Those about whom nobody has been asked yet are let go of, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_that_wait_for_their_turn_end_with_the_broker() {
    let callback = Arc::new(|_: headwater_sse::broker::Asked<'_, Attributes>| Policy::DropOldest);
    for _ in 0..50 {
        let broker = broker(1, WhenSlow::Ask { callback: callback.clone(), at_once: 1 });
        let dropped: Vec<_> = (0..16).map(|_| Arc::new(AtomicBool::new(false))).collect();
        let subscribe = |flag: &Arc<AtomicBool>| broker.subscribe(Attributes(Arc::clone(flag)));
        let all: Vec<Subscription<_>> = dropped.iter().filter_map(subscribe).collect();
        (0..5).for_each(|number| broker.publish_prepared(event(number)).unwrap());
        drop(all);
        broker.close().await;
        assert!(dropped.iter().all(|dropped| dropped.load(Ordering::SeqCst)));
    }
    eventually("no task is left", || alive() == 0).await;
}

#[tokio::test]
async fn a_broker_before_a_log_that_is_dropped_ends_its_subscriptions() {
    let broker = ReplayBroker::new(ring(), Limits::default()).await.unwrap();
    let mut events = broker.subscribe(None).await.unwrap().unwrap();
    broker.publish(Event::new().data("1")).await.unwrap();
    drop(broker);
    let rest = async { while events.next().await.is_some() {} };
    timeout(PATIENCE, rest).await.unwrap();
    eventually("no task is left", || alive() == 0).await;
}

/// Cannot be asked for anything.
struct Gone;

impl ReplayLog for Gone {
    fn head(&self) -> Answer<'_, Result<Head, ReadError>> {
        Answer::now(Err(ReadError::Unavailable("planted".into())))
    }

    fn append<'a>(&'a self, _: Event<'a>) -> Answer<'a, Result<Entry, AppendError>> {
        Answer::now(Err(AppendError::Refused("planted".into())))
    }

    fn read(&self, _: Cursor, _: Budget) -> Answer<'_, Result<Page, ReadError>> {
        Answer::now(Err(ReadError::Unavailable("planted".into())))
    }

    fn wait(&self, _: Cursor) -> Answer<'_, Result<(), ReadError>> {
        Answer::now(Ok(()))
    }
}

#[tokio::test]
async fn a_log_that_does_not_tell_its_head_leaves_no_task() {
    let refused = ReplayBroker::new(Arc::new(Gone), Limits::default()).await;
    assert!(matches!(refused, Err(ReadError::Unavailable(_))));
    eventually("no task is left", || alive() == 0).await;
}
