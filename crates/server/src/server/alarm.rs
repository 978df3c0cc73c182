//! Time-outs that hardly ever come, one after the other: the heads of a connection's requests, and its long polls.
//!
//! To begin a sleep and to end it early are two changes of the runtime's timers, under a lock that all threads take. So the sleep of a
//! time-out that was not reached goes on, and serves the next one: when it ends too early for that, it goes on until then. A connection is
//! woken for nothing once in a time-out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Sleep as HttpSleep, Timer};
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep_until};

/// The sleep that goes on, while nobody waits for it.
#[derive(Debug, Default)]
pub(crate) struct Alarm(
    // Held to take and to put.
    Mutex<Option<Pin<Box<Sleep>>>>,
);

/// Waits until then. Nothing of the runtime is touched before it is polled.
#[derive(Debug)]
pub(crate) struct Until {
    alarm: Arc<Alarm>,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    pub(crate) fn until(self: &Arc<Self>, deadline: Instant) -> Until {
        Until { alarm: Arc::clone(self), deadline, sleep: None }
    }

    /// One that ends at this moment or before.
    fn take(&self, deadline: Instant) -> Pin<Box<Sleep>> {
        let Some(mut sleep) = self.0.lock().take() else {
            return Box::pin(sleep_until(deadline));
        };
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep
    }
}

impl Future for Until {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { alarm, deadline, sleep } = &mut *self;
        let sleep = sleep.get_or_insert_with(|| alarm.take(*deadline));
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= *deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(*deadline);
        }
    }
}

impl Drop for Until {
    fn drop(&mut self) {
        if let Some(sleep) = self.sleep.take() {
            // Of several that wait at the same time, as over HTTP/2, the last one's is kept.
            let before = self.alarm.0.lock().replace(sleep);
            drop(before);
        }
    }
}

/// What the HTTP library times the heads of one connection with.
#[derive(Debug, Default)]
pub(super) struct HeadTimer(Arc<Alarm>);

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn HttpSleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn HttpSleep>> {
        Box::pin(self.0.until(deadline.into()))
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into()
    }
}

impl HttpSleep for Until {}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Lets one wait for so long, until it ends or for a second, and tells how long it took.
    async fn waited(alarm: &Arc<Alarm>, patience: Duration) -> Duration {
        let begun = Instant::now();
        let until = alarm.until(begun + patience);
        let _given_up = tokio::time::timeout(SECOND, until).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn each_ends_when_it_should_whatever_was_waited_for_before() {
        let alarm = Arc::new(Alarm::default());
        for patience in [30, 30, 1, 0, 30, 1, 1, 0, 2] {
            let given_up = patience * SECOND > SECOND;
            let waited = waited(&alarm, patience * SECOND).await;
            assert_eq!(waited, if given_up { SECOND } else { patience * SECOND });
        }
        // The sleep of the one before ends in the middle.
        let begun = Instant::now();
        assert_eq!(waited(&alarm, 3 * SECOND).await, SECOND);
        alarm.until(begun + 10 * SECOND).await;
        assert_eq!(begun.elapsed(), 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn one_sleep_serves_all_that_are_not_reached() {
        let alarm = Arc::new(Alarm::default());
        let begun = Instant::now();
        for _ in 0..20 {
            assert_eq!(waited(&alarm, 30 * SECOND).await, SECOND);
        }
        let sleep = alarm.0.lock().take().unwrap();
        assert_eq!(sleep.deadline(), begun + 30 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn several_wait_at_the_same_time() {
        let alarm = Arc::new(Alarm::default());
        let begun = Instant::now();
        let until = |seconds: u32| alarm.until(begun + seconds * SECOND);
        let (mut late, mut early) = (until(9), until(4));
        assert!(futures_util::poll!(&mut late).is_pending());
        assert!(futures_util::poll!(&mut early).is_pending());
        early.await;
        assert_eq!(begun.elapsed(), 4 * SECOND);
        late.await;
        assert_eq!(begun.elapsed(), 9 * SECOND);
    }
}
