//! Waiting as a condition, not as a time: an operation waits when it has been polled, is pending, and nothing that could
//! go on without the test has woken it.
//!
//! The tests that use it run on one thread, over adapters that answer when they are polled and whose commits are held, so
//! whatever is ready to run has run after a few turns of the scheduler.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Turns for the other tasks; each may hand on to a next one, and none of the engine's chains is longer than three.
const TURNS: usize = 8;

#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs an operation until it is answered, or until it waits for something that does not happen by itself: then `None`.
pub(crate) async fn parks<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    loop {
        bell.0.store(false, Ordering::SeqCst);
        if let Poll::Ready(answer) = Pin::new(&mut *future).poll(&mut Context::from_waker(&waker)) {
            return Some(answer);
        }
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        if !bell.0.load(Ordering::SeqCst) {
            return None;
        }
    }
}
