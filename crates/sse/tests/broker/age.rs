//! The bound on the age of what waits, by the clock of the runtime, which stands still here until it is moved.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use headwater_sse::broker::{Asked, Broker, Limits, Options, Policy, WhenSlow};
use headwater_sse::serve::EventBody;
use headwater_sse::{Event, PreparedEvent};
use http_body_util::BodyExt;
use proptest::prelude::*;
use tokio::time::advance;

use crate::support::{Reader, Seen, event, eventually, join, lost, numbers};

const MAX_AGE: Duration = Duration::from_secs(10);

fn broker(limits: Limits, when_slow: WhenSlow<()>) -> Broker {
    Broker::new(Options { limits, max_age: Some(MAX_AGE), when_slow, ..Options::default() })
}

fn always(policy: Policy) -> Broker {
    broker(Limits::default(), WhenSlow::Always(policy))
}

/// Publishes, and returns when those who wait know of it.
async fn publish(broker: &Broker, numbers: std::ops::Range<usize>) {
    numbers.for_each(|number| broker.publish_prepared(event(number)).unwrap());
    eventually("all are told", || broker.numbers().waiting == 0).await;
}

#[tokio::test(start_paused = true)]
async fn each_policy_says_what_becomes_of_what_is_too_old() {
    for (policy, seen) in [
        (Policy::DropOldest, Some([vec![lost(3)], numbers(3..7)].concat())),
        (Policy::DropNewest, Some([vec![lost(3)], numbers(3..7)].concat())),
        (Policy::Disconnect, None),
        (Policy::Wait, None),
    ] {
        let broker = always(policy);
        let mut late = join(&broker, ()).unwrap();
        let mut fast = join(&broker, ()).unwrap();
        publish(&broker, 0..3).await;
        assert_eq!(fast.ready(), numbers(0..3));
        advance(Duration::from_millis(1)).await;
        publish(&broker, 3..5).await;
        // What is as old as it may be is young enough.
        advance(MAX_AGE).await;
        publish(&broker, 5..7).await;
        assert_eq!(fast.ready(), numbers(3..7), "{policy:?}");
        let (dropped, disconnected) = if seen.is_some() { (3, 0) } else { (0, 1) };
        assert_eq!(late.ready(), seen.clone().unwrap_or_default(), "{policy:?}");
        assert_eq!(late.subscription.dropped(), dropped, "{policy:?}");
        let told = broker.numbers();
        assert_eq!((told.dropped, told.disconnected), (dropped, disconnected), "{policy:?}");
        publish(&broker, 7..8).await;
        assert_eq!(late.next().await, seen.map(|_| Seen::Number(7)), "{policy:?}");
        assert_eq!(late.subscription.dropped(), dropped, "{policy:?}");
    }
}

/// What there was no room for and what became too old are lost at the same place.
#[tokio::test(start_paused = true)]
async fn all_bounds_hold_at_once() {
    let broker = broker(Limits::new(4, 1 << 20), WhenSlow::Always(Policy::DropOldest));
    let mut late = join(&broker, ()).unwrap();
    publish(&broker, 0..10).await;
    advance(2 * MAX_AGE).await;
    assert_eq!(late.ready(), [lost(10)], "nothing is left of it");
    assert_eq!(late.subscription.dropped(), 10);
    publish(&broker, 10..20).await;
    advance(2 * MAX_AGE).await;
    publish(&broker, 20..22).await;
    assert_eq!(late.ready(), [vec![lost(10)], numbers(20..22)].concat());
    publish(&broker, 22..32).await;
    assert_eq!(late.ready(), [vec![lost(6)], numbers(28..32)].concat());
    assert_eq!((late.subscription.dropped(), broker.numbers().dropped), (26, 26));
}

#[tokio::test(start_paused = true)]
async fn without_the_bound_any_age_will_do() {
    let broker: Broker = Broker::new(Options::default());
    let mut late = join(&broker, ()).unwrap();
    publish(&broker, 0..3).await;
    advance(Duration::from_secs(1_000_000)).await;
    assert_eq!(late.ready(), numbers(0..3));
}

/// Who waits for room waits with an event that is not there yet.
#[tokio::test(start_paused = true)]
async fn an_event_ages_from_when_it_is_published() {
    let options = Options {
        limits: Limits::new(1, 1 << 20),
        max_age: Some(MAX_AGE),
        when_slow: WhenSlow::Always(Policy::Wait),
        longest_wait: 10 * MAX_AGE,
    };
    let broker = Broker::new(options);
    let mut reader = join(&broker, ()).unwrap();
    broker.send(event(0)).await.unwrap();
    let mut sending = pin!(broker.send(event(1)));
    assert!(sending.as_mut().now_or_never().is_none());
    advance(MAX_AGE).await;
    assert_eq!(reader.ready(), numbers(0..1));
    sending.await.unwrap();
    advance(MAX_AGE).await;
    assert_eq!(
        reader.ready(),
        numbers(1..2),
        "it is older than that only with the time of waiting"
    );
    broker.send(event(2)).await.unwrap();
    advance(2 * MAX_AGE).await;
    assert_eq!(reader.next().await, None);
    assert_eq!(broker.numbers().disconnected, 1);
}

/// The callback is asked once for each time that a subscriber is late, however many takes it needs.
#[tokio::test(start_paused = true)]
async fn a_callback_is_asked_once_about_one_that_is_late() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let when_slow = WhenSlow::ask(move |_: Asked<'_, ()>| {
        if count.fetch_add(1, Ordering::SeqCst) < 2 {
            Policy::DropOldest
        } else {
            Policy::Disconnect
        }
    });
    let broker = broker(Limits::default(), when_slow);
    let mut late = join(&broker, ()).unwrap();
    let large = "0".repeat(40_000);
    let large = PreparedEvent::new(&Event::new().data(&large));
    for spell in 1..=3 {
        // Each take brings one of them.
        (0..4).for_each(|_| broker.publish_prepared(large.clone()).unwrap());
        eventually("it is told", || broker.numbers().waiting == 0).await;
        advance(2 * MAX_AGE).await;
        assert_eq!(late.ready(), vec![lost(1); 4], "until it is answered");
        eventually("it is asked about", || asked.load(Ordering::SeqCst) == spell).await;
        if spell == 3 {
            eventually("it is disconnected", || broker.numbers().disconnected == 1).await;
            break;
        }
        publish(&broker, 0..1).await;
        assert_eq!(late.ready(), numbers(0..1));
    }
    assert_eq!(late.next().await, None);
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert_eq!(broker.numbers().callback_panics, 0);
}

/// The very bytes that a client gets.
#[tokio::test(start_paused = true)]
async fn a_client_is_told_what_it_lost() {
    let broker = always(Policy::DropOldest);
    let mut body = pin!(EventBody::new(broker.subscribe(()).unwrap()).heartbeat(None));
    let mut next = || body.frame().now_or_never().flatten().unwrap().unwrap().into_data().unwrap();
    assert_eq!(next(), ":\n\n");
    publish(&broker, 1..2).await;
    assert_eq!(broker.publish_to(event(2), |()| true).unwrap(), 1);
    advance(2 * MAX_AGE).await;
    publish(&broker, 3..4).await;
    let told =
        "event: lost\ndata:{\"reason\":\"dropped\",\"from\":null,\"to\":null,\"events\":2}\n\n";
    assert_eq!(next(), format!("{told}data:3\n\n"));
}

/// Something that happens to a broker with one subscriber.
#[derive(Clone, Copy, Debug)]
enum Step {
    Publish(usize),
    Advance(u64),
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1usize..12).prop_map(Step::Publish),
        2 => (1u64..12).prop_map(Step::Advance),
        2 => Just(Step::Take),
    ]
}

/// What waits, with the time of each event, kept as simply as can be: as much as has room, and then what is young enough.
#[derive(Default)]
struct Model {
    waiting: Vec<(usize, u64)>,
    /// Lost before the first that waits.
    lost: usize,
}

impl Model {
    fn take(&mut self, now: u64) -> Vec<Seen> {
        let most = self.waiting.len().saturating_sub(ROOM);
        let is_old = |(_, at): &&(usize, u64)| now - at > MAX_AGE.as_secs();
        let old = self.waiting[most..].iter().take_while(is_old).count();
        self.lost += most + old;
        let left = self.waiting.split_off(most + old);
        self.waiting.clear();
        let told = (self.lost > 0).then(|| lost(std::mem::take(&mut self.lost)));
        told.into_iter().chain(left.into_iter().map(|(number, _)| Seen::Number(number))).collect()
    }
}

const ROOM: usize = 16;

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let limits = Limits::new(ROOM, 1 << 20);
    let broker = broker(limits, WhenSlow::Always(Policy::DropOldest));
    let mut reader: Reader<()> = join(&broker, ()).unwrap();
    let (mut model, mut now, mut next, mut got) = (Model::default(), 0, 0, 0);
    for step in steps.into_iter().chain([Step::Take]) {
        match step {
            Step::Publish(events) => {
                publish(&broker, next..next + events).await;
                model.waiting.extend((next..next + events).map(|number| (number, now)));
                next += events;
            }
            Step::Advance(seconds) => {
                advance(Duration::from_secs(seconds)).await;
                now += seconds;
            }
            Step::Take => {
                let seen = reader.ready();
                prop_assert_eq!(&seen, &model.take(now));
                got += seen.iter().filter(|seen| matches!(seen, Seen::Number(_))).count();
            }
        }
    }
    prop_assert_eq!(reader.subscription.dropped(), (next - got) as u64);
    prop_assert_eq!(broker.numbers().dropped, (next - got) as u64);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_too_old_is_lost_and_nothing_else(steps in prop::collection::vec(step(), 1..60)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(run(steps))?;
    }
}
