//! Events with numbers, and what of them arrives.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt};
use headwater_sse::broker::{Broker, Limits, Options, Policy, Subscription, WhenSlow};
use headwater_sse::{Decoder, Event, PreparedEvent, PreparedEvents};
use tokio::time::timeout;

/// Long enough for a loaded machine; what takes longer never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn event(number: usize) -> PreparedEvent {
    PreparedEvent::new(&Event::new().data(&number.to_string()))
}

/// A broker for so many waiting events.
pub(crate) fn broker<A: Send + Sync + 'static>(
    messages: usize,
    when_slow: WhenSlow<A>,
) -> Broker<A> {
    let limits = Limits::new(messages, 1 << 20);
    Broker::new(Options { limits, when_slow, ..Options::default() })
}

pub(crate) fn always<A: Send + Sync + 'static>(messages: usize, policy: Policy) -> Broker<A> {
    broker(messages, WhenSlow::Always(policy))
}

/// An event as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Number(usize),
    Lost(String),
}

pub(crate) fn numbers(range: std::ops::Range<usize>) -> Vec<Seen> {
    range.map(Seen::Number).collect()
}

/// That so many were dropped.
pub(crate) fn lost(events: usize) -> Seen {
    Seen::Lost(format!("{{\"reason\":\"dropped\",\"from\":null,\"to\":null,\"events\":{events}}}"))
}

/// A subscription, and what it gave that the test has not looked at yet.
pub(crate) struct Reader<A> {
    pub(crate) subscription: Subscription<A>,
    seen: VecDeque<Seen>,
}

/// Subscribes; `None` when the broker is closed.
pub(crate) fn join<A: Send + Sync + 'static>(
    broker: &Broker<A>,
    attributes: A,
) -> Option<Reader<A>> {
    let subscription = broker.subscribe(attributes)?;
    Some(Reader { subscription, seen: VecDeque::new() })
}

impl<A> Reader<A> {
    fn take(&mut self, events: &PreparedEvents) {
        let (mut decoder, mut wire) = (Decoder::new(), &events.as_bytes()[..]);
        while let Some(message) = decoder.decode(&mut wire).unwrap() {
            let is_lost = message.event_type() == "lost";
            let data = message.into_data();
            let number = |data: String| Seen::Number(data.parse().unwrap());
            self.seen.push_back(if is_lost { Seen::Lost(data) } else { number(data) });
        }
    }

    /// What is there at the moment.
    pub(crate) fn ready(&mut self) -> Vec<Seen> {
        while let Some(Some(events)) = self.subscription.next().now_or_never() {
            self.take(&events);
        }
        self.seen.drain(..).collect()
    }

    /// The next that comes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Seen> {
        while self.seen.is_empty() {
            let events = timeout(PATIENCE, self.subscription.next()).await.unwrap()?;
            self.take(&events);
        }
        self.seen.pop_front()
    }
}

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    // The runtime's clock may stand still.
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        tokio::task::yield_now().await;
    }
}
