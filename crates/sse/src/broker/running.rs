//! Whether anything of a broker still runs.

use std::future::Future;

use tokio::sync::watch;
use tokio::task::AbortHandle;

/// The tasks of a broker. Any number may wait for their end, and give up waiting.
///
/// Each task holds a receiver of a channel on which nothing is sent: that there is none left is what is waited for.
#[derive(Debug)]
pub(super) struct Running(watch::Sender<()>);

impl Default for Running {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Running {
    /// Starts a task. It counts until everything that it held is dropped, also when it panics or is aborted.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let runs = self.0.subscribe();
        let task = tokio::spawn(async move {
            work.await;
            drop(runs);
        });
        task.abort_handle()
    }

    /// Waits until none runs.
    pub(super) async fn over(&self) {
        self.0.closed().await;
    }
}
