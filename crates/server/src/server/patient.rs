//! A socket that gives up on a client which takes nothing of what is sent to it.
//!
//! The HTTP library waits for ever. The timer exists only while a write waits, so a client that reads costs nothing. What the
//! kernel still has for a client that was given up is dropped with the socket, which the client sees as a reset.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::activity::Activity;

/// What is waited for.
pub(super) trait Socket {
    /// Has the kernel drop what it has not sent when the socket is closed. What it cannot be told, it does without.
    fn forget_unsent(&self);
}

/// The socket, and how long it waits.
#[derive(Debug)]
pub(super) struct Patient<S: Socket> {
    inner: S,
    patience: Duration,
    activity: Arc<Activity>,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S: Socket> Patient<S> {
    pub(super) fn new(inner: S, patience: Duration, activity: Arc<Activity>) -> Self {
        Self { inner, patience, activity, waiting: None }
    }

    /// Passes on what became of a write, unless it has waited for too long.
    fn judge(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = &outcome {
            if self.waiting.take().is_some() {
                self.activity.handover.waits(false);
            }
            self.activity.wrote(*written.as_ref().unwrap_or(&0));
            return outcome;
        }
        let patience = self.patience;
        self.activity.handover.waits(true);
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        match waiting.as_mut().poll(cx) {
            Poll::Ready(()) => {
                self.activity.cut();
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: Socket> Drop for Patient<S> {
    fn drop(&mut self) {
        if self.activity.is_cut() {
            self.inner.forget_unsent();
        }
    }
}

impl<S: Socket + AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: Socket + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{Instant, timeout};

    impl Socket for DuplexStream {
        fn forget_unsent(&self) {}
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up_and_a_slow_one_is_not() {
        let patience = Duration::from_secs(30);
        let (server, mut client) = duplex(10);
        let activity = Activity::new(metrics::Counter::noop());
        let mut server = Patient::new(server, patience, Arc::clone(&activity));
        let begun = Instant::now();
        let reading = async {
            let mut taken = [0; 10];
            for _ in 0..5 {
                // A wait within the server's patience, on a clock that only the test moves.
                let _elapsed =
                    timeout(patience - Duration::from_secs(1), std::future::pending::<()>()).await;
                client.read_exact(&mut taken).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(server.write_all(&[0; 100]), reading);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(activity.is_cut());
        let waited = begun.elapsed();
        assert!(waited >= patience * 5 && waited < patience * 7, "{waited:?}");
    }
}
