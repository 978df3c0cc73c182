//! What is under the HTTP library.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;

use crate::transport::Transport;

/// A connection whose HTTP is over.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// The socket itself.
    Tcp(TcpStream),
    /// Anything else, TLS above all, as the HTTP library hands it over.
    Http(Box<TokioIo<Upgraded>>),
}

impl Stream {
    /// Takes the socket, whichever of hyper's servers and clients had it, and what has been read of
    /// it.
    pub(super) fn of(upgraded: Upgraded) -> (Self, Bytes) {
        let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(Parts { io, read_buf, .. }) => return (Self::Tcp(io.into_inner()), read_buf),
            Err(upgraded) => upgraded,
        };
        match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
            Ok(parts) => (Self::Tcp(parts.io.into_inner()), parts.read_buf),
            Err(upgraded) => (Self::Http(Box::new(TokioIo::new(upgraded))), Bytes::new()),
        }
    }
}

impl Transport for Stream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(tcp) => Transport::poll_read(tcp, cx, buffer),
            Self::Http(http) => Transport::poll_read(http, cx, buffer),
        }
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(tcp) => Transport::poll_write(tcp, cx, buffers),
            Self::Http(http) => Transport::poll_write(http, cx, buffers),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => Transport::poll_flush(tcp, cx),
            Self::Http(http) => Transport::poll_flush(http, cx),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(tcp) => Transport::poll_shutdown(tcp, cx),
            Self::Http(http) => Transport::poll_shutdown(http, cx),
        }
    }
}
