//! A process of an application, as far as a server can tell: a runtime, a client and a broker of its own.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use headwater_client::RemoteReplay;
use headwater_sse::broker::{Limits, ReplayBroker};
use headwater_sse::replay::{Effect, ReplayLog, Verdict};
use headwater_sse::{Decoder, Event};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::history::{Fate, Published, Seen};

/// Longer than a server takes to be back on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The data of the last event.
pub(super) const END: &str = "end";

pub(super) struct Node {
    runtime: Runtime,
    broker: ReplayBroker<RemoteReplay>,
}

impl Node {
    pub(super) fn start(address: SocketAddr, stream: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let broker = runtime.block_on(async {
            let log = super::open(address, stream).await;
            // So few may wait that subscribers are left behind now and then, and go back to the log.
            ReplayBroker::new(Arc::new(log), Limits::new(16, 1 << 20)).await.unwrap()
        });
        Self { runtime, broker }
    }

    pub(super) fn log(&self) -> &RemoteReplay {
        self.broker.log()
    }

    pub(super) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(in_time(future))
    }

    /// Publishes one event, once.
    pub(super) fn publish(&self, data: String) -> Published {
        let fate = match self.run(self.broker.publish(Event::new().data(&data))) {
            Ok(entry) => Fate::Answered(self.log().id(entry.cursor)),
            Err(error) if error.effect() == Effect::None => Fate::Refused,
            Err(_) => Fate::Unknown,
        };
        Published { data, fate }
    }

    /// Publishes one event after the other until it is to stop, and counts those that were answered.
    pub(super) fn publish_many(
        &self,
        name: &str,
        stop: &AtomicBool,
        answered: &AtomicUsize,
    ) -> Vec<Published> {
        let numbers = (0..).take_while(|_| !stop.load(Ordering::Relaxed));
        let publish = |number: usize| {
            let published = self.publish(format!("{name} {number}"));
            let counts = matches!(published.fate, Fate::Answered(_));
            answered.fetch_add(usize::from(counts), Ordering::Relaxed);
            published
        };
        numbers.map(publish).collect()
    }

    /// Goes on after the last id, for so many events or until the end. Returns the id to come back with.
    pub(super) fn subscribe(&self, last: &str, most: usize, seen: &mut Vec<Seen>) -> String {
        self.runtime.block_on(async {
            let Ok(events) = in_time(self.broker.subscribe(Some(last))).await else {
                return last.to_owned();
            };
            let mut events = events.expect("the broker is open");
            assert_eq!(events.verdict(), Verdict::Resumed, "{last}");
            let mut decoder = Decoder::new();
            let end = seen.len() + most;
            while seen.len() < end {
                let Some(event) = in_time(events.next()).await else { break };
                let mut wire = &event.as_bytes()[..];
                while let Some(message) = decoder.decode(&mut wire).unwrap() {
                    let id = message.last_event_id().to_string();
                    seen.push(Seen { id, data: message.into_data() });
                }
                if seen.last().is_some_and(|last| last.data == END) {
                    break;
                }
            }
            let known = decoder.last_event_id().to_string();
            if known.is_empty() { last.to_owned() } else { known }
        })
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("in time")
}
