//! A future that may be there already.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A boxed future that may be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a method of [`ReplayLog`](super::ReplayLog) returns: a value, or the future of one.
///
/// It makes the trait object-safe without a box for logs that know at once: an append to a ring in
/// memory allocates nothing but the event. Like any future it is polled to its end once.
pub enum Answer<'a, T> {
    /// It is known.
    Now(Ready<T>),
    /// It has to be waited for.
    Later(BoxFuture<'a, T>),
}

impl<'a, T> Answer<'a, T> {
    /// An answer that is known.
    pub fn now(value: T) -> Self {
        Self::Now(ready(value))
    }

    /// An answer that has to be waited for.
    pub fn later(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl<T> Future for Answer<'_, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match self.get_mut() {
            Self::Now(ready) => Pin::new(ready).poll(context),
            Self::Later(future) => future.as_mut().poll(context),
        }
    }
}

impl<T> fmt::Debug for Answer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Now(..)",
            Self::Later(_) => "Later(..)",
        })
    }
}
