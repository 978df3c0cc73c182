//! A TCP proxy that cuts connections on which nothing moves, as those between browsers and servers do.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Large enough that a test's answer passes in a few pieces.
const BUFFER: usize = 16 * 1024;

/// A listening proxy. Dropping it ends the listening; its connections end with their ends.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the connections tell the proxy.
#[derive(Debug, Default)]
struct Shared {
    used: AtomicUsize,
    cut: AtomicUsize,
    stopped: AtomicBool,
}

impl Proxy {
    /// Listens on a free port, and forwards to `server` until a connection is silent in both directions for `patience`.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn start(server: SocketAddr, patience: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let proxy = Self { address, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.stopped.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || forward(&client, server, patience, &shared));
            }
        });
        proxy
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections have carried anything; browsers open some only to have them.
    pub fn used(&self) -> usize {
        self.shared.used.load(Ordering::Relaxed)
    }

    /// How many of those were cut.
    pub fn cut(&self) -> usize {
        self.shared.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts; if it is gone already, there is nobody to wake.
        let _ = TcpStream::connect(self.address);
    }
}

/// Carries one connection until it ends or is cut.
fn forward(client: &TcpStream, server: SocketAddr, patience: Duration, shared: &Shared) {
    // A server that is down is seen by the client as a connection that ends at once.
    let Ok(server) = TcpStream::connect(server) else { return };
    thread::scope(|scope| {
        // Unbounded: the watcher only ever waits for it.
        let (moved, moves) = mpsc::channel();
        let also_moved = moved.clone();
        scope.spawn(|| pump(client, &server, moved));
        scope.spawn(|| pump(&server, client, also_moved));
        let mut used = false;
        loop {
            match moves.recv_timeout(patience) {
                Ok(()) if used => {}
                Ok(()) => {
                    used = true;
                    shared.used.fetch_add(1, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    shared.cut.fetch_add(usize::from(used), Ordering::Relaxed);
                    for end in [client, &server] {
                        // An end that has gone already is cut.
                        let _ = end.shutdown(Shutdown::Both);
                    }
                    break;
                }
            }
        }
    });
}

/// Carries one direction to its end, and tells of everything that moves.
fn pump(mut from: &TcpStream, mut to: &TcpStream, moved: Sender<()>) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if moved.send(()).is_err() || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other end may have gone first.
    let _ = to.shutdown(Shutdown::Write);
}
