//! Waits that are given up leave nothing behind, and those that go on are not forgotten.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use headwater_sse::Event;
use headwater_sse::replay::{Cursor, Epoch, MemoryReplay, ReadError, ReplayLog};

use crate::suite::AMPLE;

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn each_waiter_is_woken_once_and_one_that_left_not_at_all() {
    let log = MemoryReplay::new(AMPLE);
    let end = log.head_now().end();
    let (stays, leaves) = (Arc::new(Counter::default()), Arc::new(Counter::default()));
    let wakers = [Waker::from(Arc::clone(&stays)), Waker::from(Arc::clone(&leaves))];
    let mut staying = pin!(log.wait(end));
    {
        let mut leaving = pin!(log.wait(end));
        assert!(leaving.as_mut().poll(&mut Context::from_waker(&wakers[1])).is_pending());
        for _ in 0..3 {
            // Polled again it keeps its one place.
            assert!(staying.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_pending());
        }
    }
    log.append_now(&Event::new().data("now")).unwrap();
    assert_eq!(stays.0.load(Ordering::Relaxed), 1);
    assert_eq!(leaves.0.load(Ordering::Relaxed), 0);
    assert!(staying.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_ready());
    // The log holds no waker of either any more: two are ours.
    drop(wakers);
    assert_eq!((Arc::strong_count(&stays), Arc::strong_count(&leaves)), (1, 1));
}

#[test]
fn a_wait_on_a_cursor_of_nowhere_is_an_error() {
    let log = MemoryReplay::with_epoch(AMPLE, Epoch::new(1));
    let mut context = Context::from_waker(Waker::noop());
    let mut wait = |cursor| pin!(log.wait(cursor)).poll(&mut context);
    let ahead = wait(Cursor::new(Epoch::new(1), 1));
    assert!(matches!(ahead, Poll::Ready(Err(ReadError::Ahead { .. }))));
    let other = wait(Cursor::new(Epoch::new(2), 0));
    assert!(matches!(other, Poll::Ready(Err(ReadError::OtherEpoch { .. }))));
}
