//! The task of each HTTP/2 stream, so that one which is not taken can be ended without its connection.
//!
//! The library drives a stream in a task of its own, from the request to the last piece of the answer. When that task is
//! dropped, the stream is reset and what is kept for it is given back.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use hyper::rt::Executor;
use tokio::task::AbortHandle;

tokio::task_local! {
    static CURRENT: Stream;
}

/// Spawns the streams of HTTP/2 connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams;

/// The stream that a task serves.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream(
    // Set once, when the task has been spawned, which may have begun by then.
    Arc<OnceLock<AbortHandle>>,
);

impl Stream {
    /// The one that this task serves. None over HTTP/1.1, where the connection is the only one.
    pub(super) fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Resets it.
    pub(super) fn reset(&self) {
        if let Some(task) = self.0.get() {
            task.abort();
        }
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, serving: F) {
        let stream = Stream::default();
        let task = tokio::spawn(CURRENT.scope(stream.clone(), serving));
        // Nobody else sets it.
        let _ = stream.0.set(task.abort_handle());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_task_finds_its_stream_and_is_dropped_with_it() {
        assert!(Stream::current().is_none());
        let (tell, told) = oneshot::channel();
        let (held, dropped) = oneshot::channel::<()>();
        Streams.execute(async move {
            tell.send(Stream::current()).unwrap();
            pending::<()>().await;
            drop(held);
        });
        let stream = told.await.unwrap().unwrap();
        stream.reset();
        assert!(dropped.await.is_err());
    }
}
