//! Events with numbers, and what of them arrives.

use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use headwater_sse::broker::{Broker, Limits, Options, Policy, WhenSlow};
use headwater_sse::{Decoder, Event, PreparedEvent};
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
    Nothing,
}

pub(crate) fn see(event: &PreparedEvent) -> Seen {
    let mut decoder = Decoder::new();
    match decoder.decode(&mut &event.as_bytes()[..]).unwrap() {
        Some(message) if message.event_type() == "lost" => Seen::Lost(message.into_data()),
        Some(message) => Seen::Number(message.data().parse().unwrap()),
        None => Seen::Nothing,
    }
}

/// What is there at the moment.
pub(crate) fn ready(events: &mut (impl Stream<Item = PreparedEvent> + Unpin)) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        seen.push(see(&event));
    }
    seen
}

/// The next that comes; `None` at the end.
pub(crate) async fn next(events: &mut (impl Stream<Item = PreparedEvent> + Unpin)) -> Option<Seen> {
    timeout(PATIENCE, events.next()).await.unwrap().map(|event| see(&event))
}

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}
