//! Runs a future to its end on this thread, without a runtime.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::Failure;

/// Long enough for a loaded machine; whoever waits longer waits for ever.
pub const PATIENCE: Duration = Duration::from_secs(20);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls `future` whenever it was woken, until it is done.
///
/// # Errors
/// [`Failure`] when it is not done within `patience`.
pub fn drive<T>(future: impl Future<Output = T>, patience: Duration) -> Result<T, Failure> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let deadline = Instant::now() + patience;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Ok(value);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::new(format!("not done after {patience:?}")));
        }
        thread::park_timeout(left);
    }
}
