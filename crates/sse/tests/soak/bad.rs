//! Clients that a server has all the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::Story;
use crate::good::connect;
use crate::server::DEADLINE;

/// What is done with a connection.
#[derive(Clone, Copy)]
enum Misdeed {
    /// Takes a little now and then.
    Slow,
    /// Takes nothing, for longer than the deadline.
    Stalled,
    /// Reads on, and is gone in the middle of it.
    Dying,
    /// Is gone as soon as it is there.
    Flapping,
}

/// So many of each kind on each broker, until no more events come.
pub(crate) fn all(address: SocketAddr, story: &Arc<Story>) -> Vec<JoinHandle<()>> {
    let kinds = [Misdeed::Slow, Misdeed::Stalled, Misdeed::Dying, Misdeed::Flapping];
    let paths = ["/live", "/replayed"];
    let mut clients = Vec::new();
    for (misdeed, path, _) in kinds
        .into_iter()
        .flat_map(|kind| paths.map(|path| (kind, path)))
        .flat_map(|(kind, path)| (0..8).map(move |client| (kind, path, client)))
    {
        clients.push(tokio::spawn(misbehave(address, path, misdeed, Arc::clone(story))));
    }
    clients
}

async fn misbehave(address: SocketAddr, path: &str, misdeed: Misdeed, story: Arc<Story>) {
    while !story.stopped.load(Ordering::Relaxed) {
        let Some(socket) = connect(address, path, "").await else { continue };
        // None of them is worth a failure of its own: what it did to others is.
        let _ = timeout(2 * DEADLINE, act(socket, misdeed)).await;
        story.misdeeds.fetch_add(1, Ordering::Relaxed);
    }
}

async fn act(mut socket: TcpStream, misdeed: Misdeed) {
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
            for _ in 0..20 {
                let Ok(1..) = socket.read(&mut buffer).await else { return };
            }
            // With what was not read still there, the other side gets a reset.
            drop(socket);
        }
        Misdeed::Flapping => {
            // Not as fast as the machine can: then there would be no port left for anybody.
            interval_once().await;
        }
    }
}

async fn interval_once() {
    let mut pause = interval(Duration::from_millis(20));
    pause.tick().await;
    pause.tick().await;
}
