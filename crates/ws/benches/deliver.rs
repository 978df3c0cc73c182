//! Deliveries of a hub, to be counted in instructions: `deliver MEMBERS ROUNDS MESSAGES`.
//!
//! In each round all members wait, so many messages are broadcast, and the hub's task writes them. What is written goes
//! nowhere. Two runs that differ in their rounds alone tell what a delivery costs; `cargo xtask instructions` does that.

use std::env;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use headwater_ws::{Accepted, Config, Hub, HubConfig, Message, PreparedMessage, Role, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a frame's header, for a payload of 126 bytes or more.
const HEADER: usize = 4;

const PAYLOAD: usize = 128;

/// Counts what it is given, and has nothing to say.
struct Sink(Arc<AtomicUsize>);

impl AsyncRead for Sink {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.fetch_add(bytes.len(), Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = slices.iter().map(|slice| slice.len()).sum();
        self.0.fetch_add(written, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn main() -> ExitCode {
    // What `cargo bench` and `cargo test` add is no number.
    let numbers: Vec<usize> = env::args().filter_map(|arg| arg.parse().ok()).collect();
    let [members, rounds, messages] = numbers[..] else {
        // Run as a test: it is enough that it builds.
        return ExitCode::SUCCESS;
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return ExitCode::FAILURE;
    };
    let written = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        let hub = Hub::new(HubConfig::default());
        for _ in 0..members {
            let sink = Sink(Arc::clone(&written));
            let (accepted, config) = (Accepted::default(), Config::default());
            let socket = WebSocket::new(sink, Role::Server, &accepted, Bytes::new(), config);
            let Ok(mut member) = hub.register(socket, ()) else { continue };
            tokio::spawn(async move { while let Ok(Some(_)) = member.recv().await {} });
        }
        // All of them wait now.
        tokio::task::yield_now().await;
        let message = PreparedMessage::from(Message::binary(vec![0; PAYLOAD]));
        for round in 1..=rounds {
            for _ in 0..messages {
                let _ = hub.broadcast(message.clone());
            }
            // Each turn of the hub's task writes to some.
            let all = members * messages * round * (HEADER + PAYLOAD);
            while written.load(Ordering::Relaxed) < all {
                tokio::task::yield_now().await;
            }
        }
    });
    let all = members * messages * rounds * (HEADER + PAYLOAD);
    let is_all = written.load(Ordering::Relaxed) == all;
    if is_all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
