//! SIGINT and SIGTERM: the first drains, the second ends the process where it stands. While the data directory is still
//! being opened there is nothing to drain, and the first ends it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// The two signals, caught from now on.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { interrupt, terminate })
    }

    /// Returns at the first signal, and leaves a task behind that obeys the second.
    pub(super) async fn first(mut self) {
        let (name, _) = self.next().await;
        info!("{name}: stopping; a second signal stops at once");
        tokio::spawn(async move {
            let (name, code) = self.next().await;
            warn!("{name} again: stopped without waiting");
            std::process::exit(code);
        });
    }

    /// The name of the next signal, and the exit code by which shells tell it: 128 and its number.
    pub(super) async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", 130),
            _ = self.terminate.recv() => ("SIGTERM", 143),
        }
    }
}
