//! An end for connections whose peer takes nothing.
//!
//! A body is only asked for more when there is room, so it cannot end a connection that is stuck
//! in a write. What lies under the HTTP library can.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

pin_project! {
    /// A connection on which a write, a flush or a shutdown that makes no progress for so long fails with
    /// [`io::ErrorKind::TimedOut`].
    ///
    /// Each byte the peer takes starts the time anew; a connection with nothing to write has no deadline. A
    /// timer exists only for connections that had to wait once.
    #[derive(Debug)]
    pub struct WriteDeadline<T> {
        #[pin]
        io: T,
        limit: Duration,
        // Boxed, because most connections never need one, and it is larger than all the rest.
        timer: Option<Pin<Box<Sleep>>>,
        waiting: bool,
    }
}

impl<T> WriteDeadline<T> {
    /// Gives each write of `io` the time `limit`.
    pub const fn new(io: T, limit: Duration) -> Self {
        Self { io, limit, timer: None, waiting: false }
    }

    /// The connection.
    pub const fn get_ref(&self) -> &T {
        &self.io
    }

    /// Lets what was tried pass on, unless it has been pending for too long.
    fn judge<R>(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        tried: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let this = self.project();
        if tried.is_ready() {
            *this.waiting = false;
            return tried;
        }
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(*this.limit)));
        if !*this.waiting {
            *this.waiting = true;
            timer.as_mut().reset(Instant::now() + *this.limit);
        }
        timer.as_mut().poll(context).map(|()| {
            let message = format!("the peer took nothing for {:?}", this.limit);
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        })
    }
}

impl<T: AsyncWrite> AsyncWrite for WriteDeadline<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tried = self.as_mut().project().io.poll_write(context, bytes);
        self.judge(context, tried)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tried = self.as_mut().project().io.poll_write_vectored(context, slices);
        self.judge(context, tried)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = self.as_mut().project().io.poll_flush(context);
        self.judge(context, tried)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tried = self.as_mut().project().io.poll_shutdown(context);
        self.judge(context, tried)
    }
}

impl<T: AsyncRead> AsyncRead for WriteDeadline<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.project().io.poll_read(context, buffer)
    }
}
