//! Clients that a server has all the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::Story;
use crate::client::connect;
use crate::server::{DEADLINE, Promise};

/// What is done with a connection.
#[derive(Clone, Copy)]
enum Misdeed {
    /// Takes a little now and then.
    Slow,
    /// Takes nothing, for longer than the deadline.
    Stalled,
    /// Reads on, and resets the connection in the middle of it.
    Dying,
    /// Is gone as soon as it is there.
    Flapping,
}

/// Some of each kind on each hub, until no more messages come.
pub(crate) fn all(address: SocketAddr, story: &Arc<Story>) -> Vec<JoinHandle<()>> {
    let kinds = [Misdeed::Slow, Misdeed::Stalled, Misdeed::Dying, Misdeed::Flapping];
    let mut clients = Vec::new();
    for kind in kinds {
        for promise in Promise::EACH {
            for _ in 0..6 {
                let story = Arc::clone(story);
                clients.push(tokio::spawn(misbehave(address, promise, kind, story)));
            }
        }
    }
    clients
}

async fn misbehave(address: SocketAddr, promise: Promise, misdeed: Misdeed, story: Arc<Story>) {
    while !story.stopped.load(Ordering::Relaxed) {
        let Some(socket) = connect(address, promise.path(), "bad").await else { continue };
        // None of them is worth a failure of its own: what it did to others is.
        let _ = timeout(2 * DEADLINE, act(socket, misdeed, &story)).await;
        story.misdeeds.fetch_add(1, Ordering::Relaxed);
    }
}

async fn act(mut socket: TcpStream, misdeed: Misdeed, story: &Story) {
    let mut buffer = vec![0; 2048];
    match misdeed {
        Misdeed::Slow => {
            let mut pace = interval(Duration::from_millis(20));
            while let Ok(1..) = socket.read(&mut buffer).await {
                pace.tick().await;
            }
        }
        Misdeed::Stalled => std::future::pending().await,
        Misdeed::Dying => {
            // Early or late, so that it happens in any state.
            let reads = story.misdeeds.load(Ordering::Relaxed) % 40;
            for _ in 0..reads {
                let Ok(1..) = socket.read(&mut buffer).await else { return };
            }
            let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        }
        Misdeed::Flapping => {
            // A port that was given back is not used again for a minute, and there are 28,000 of them.
            let mut pause = interval(Duration::from_millis(200));
            pause.tick().await;
            pause.tick().await;
        }
    }
}
