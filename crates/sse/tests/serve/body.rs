//! The body by itself, on a clock that the test moves.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use headwater_sse::PreparedEvent;
use headwater_sse::serve::{EventBody, MaxAge};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::client::event;

/// A stream of what is sent to it.
fn channel() -> (
    mpsc::UnboundedSender<PreparedEvent>,
    impl futures_util::Stream<Item = PreparedEvent> + Send + Unpin,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let events = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|event| (event, receiver))
    });
    (sender, Box::pin(events))
}

async fn next<S>(body: &mut Pin<Box<EventBody<S>>>) -> Option<String>
where
    S: futures_util::Stream<Item = PreparedEvent>,
{
    let frame = body.frame().await?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn all_that_waits_is_one_frame() {
    let (sender, events) = channel();
    let mut body = pin!(EventBody::new(events).retry(Duration::from_secs(3)));
    sender.send(event("0")).unwrap();
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(frame, "retry: 3000\n\ndata:0\n\n", "the opening waits for nothing and nobody");
    // A channel of tokio gives 128 of them at a turn.
    (1..=100).for_each(|number| sender.send(event(&number.to_string())).unwrap());
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let expected: String = (1..=100).map(|number| format!("data:{number}\n\n")).collect();
    assert_eq!(frame, expected);
    let one = event("one");
    sender.send(one.clone()).unwrap();
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(frame.as_ptr(), one.as_bytes().as_ptr(), "one event is not copied");
    drop(sender);
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(frame, ":\n\n", "the end is a frame of its own where nothing else is ready");
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
    assert!(body.frame().await.is_none(), "also when it is asked again");
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_bounded() {
    let large = "x".repeat(10_000);
    let mut body = pin!(EventBody::new(stream::repeat_with(|| event(&large)).take(100)));
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let length = frame.unwrap().into_data().unwrap().len();
        assert!(length < 64 * 1024 + 10_010, "{length}");
        total += length;
    }
    assert_eq!(total, 3 + 100 * (5 + 10_000 + 2));
}

#[tokio::test(start_paused = true)]
async fn comments_fill_the_quiet_and_only_the_quiet() {
    let (sender, events) = channel();
    let mut body = Box::pin(EventBody::new(events).heartbeat(Some(Duration::from_secs(15))));
    let start = Instant::now();
    assert_eq!(next(&mut body).await.unwrap(), ":\n\n");
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(next(&mut body).await.unwrap(), ":\n\n");
    assert_eq!(start.elapsed().as_secs(), 15);
    // An event after 25 s; the next comment then comes 15 s later, not at 30 s.
    tokio::spawn(async move {
        tokio::time::sleep_until(start + Duration::from_secs(25)).await;
        sender.send(event("late")).unwrap();
        tokio::time::sleep_until(start + Duration::from_secs(100)).await;
        drop(sender);
    });
    assert_eq!(next(&mut body).await.unwrap(), "data:late\n\n");
    assert_eq!(start.elapsed().as_secs(), 25);
    for beat in [40, 55, 70, 85, 100] {
        assert_eq!(next(&mut body).await.unwrap(), ":\n\n");
        assert_eq!(start.elapsed().as_secs(), beat);
    }
    assert_eq!(next(&mut body).await.unwrap(), ":\n\n", "the end");
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test(start_paused = true)]
async fn without_heartbeats_nothing_is_sent() {
    let (sender, events) = channel();
    let mut body = Box::pin(EventBody::new(events).heartbeat(None));
    next(&mut body).await.unwrap();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        sender.send(event("late")).unwrap();
    });
    assert_eq!(next(&mut body).await.unwrap(), "data:late\n\n");
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_response_ends_at_its_age_quiet_or_not() {
    for interval in [None, Some(7), Some(1000)] {
        for quiet in [true, false] {
            let start = Instant::now();
            let ticks = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Some((event("tick"), ()))
            });
            let events = if quiet { stream::pending().boxed() } else { ticks.boxed() };
            let age = MaxAge::between(Duration::from_secs(60), Duration::from_secs(50));
            let heartbeat = interval.map(Duration::from_secs);
            let mut body = Box::pin(EventBody::new(events).heartbeat(heartbeat).max_age(age));
            while next(&mut body).await.is_some() {}
            let age = start.elapsed().as_secs_f64();
            assert!((50.0..=60.2).contains(&age), "{age}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_sends_what_is_ready() {
    let (sender, events) = channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut body = Box::pin(EventBody::new(events).end_when(async {
        let _ = stopped.await;
    }));
    next(&mut body).await.unwrap();
    sender.send(event("ready")).unwrap();
    stop.send(()).unwrap();
    assert_eq!(next(&mut body).await.unwrap(), "data:ready\n\n");
    assert_eq!(next(&mut body).await, None, "although the stream goes on");
    assert!(!sender.is_closed());
}
