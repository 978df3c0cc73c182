//! The HTTP server around an engine: connections, and how they end.
//!
//! It speaks HTTP/1.1 and, to clients that begin with its preface, HTTP/2 without TLS. It does not own the
//! engine's end: when [`Server::serve`] returns, nothing is in flight any more and the caller shuts the
//! engine down.

pub(crate) mod activity;
pub(crate) mod alarm;
mod beside;
pub(crate) mod carriers;
mod connection;
mod handover;
mod load;
mod patient;
mod refusal;
pub(crate) mod stand_in;
mod streams;
mod watch;
mod wire;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use headwater_engine::Engine;
use headwater_storage::journal::Backups;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use self::connection::Connections;
use self::watch::Ends;
use crate::app::App;
use crate::config::Config;
use crate::limits::{ACCEPT_PAUSE, ACCEPT_QUIET, ADMIN_DRAIN};
use crate::metrics::Exporter;
use crate::router::Door;

/// The Durable Streams protocol over HTTP, on an engine.
#[derive(Clone, Debug)]
pub struct Server {
    app: Arc<App>,
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every request in flight was answered.
    Answered,
    /// Some took longer than [`Config::drain_timeout`] and were cut.
    Cut {
        /// Connections that were cut.
        connections: usize,
    },
}

impl Server {
    /// A server for this engine.
    #[must_use]
    pub fn new(engine: Engine, config: Config) -> Self {
        Self { app: Arc::new(App::new(engine, config)) }
    }

    /// The same, of whose data operators can have backups.
    #[must_use]
    pub fn with_backups(mut self, backups: Option<Backups>) -> Self {
        // Nobody else has it before it serves.
        if let Some(app) = Arc::get_mut(&mut self.app) {
            app.backups = backups;
        }
        self
    }

    /// Serves until `shutdown` is done, then drains: accepts nothing more, has the engine answer waiters and
    /// end live tails, and waits for the requests in flight.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Ending {
        let open = self.accept_until(Door::Public, &listener, shutdown).await;
        drop(listener);
        info!(connections = open.tasks.len(), "draining");
        self.app.engine.drain();
        open.end(&self.app, self.app.config.drain_timeout).await
    }

    /// Serves operators until `shutdown` is done: the metrics of this exporter, and how the server stands. To be ended after
    /// [`Server::serve`], so that a drain can be watched.
    pub async fn serve_admin(
        self,
        listener: TcpListener,
        exporter: Exporter,
        shutdown: impl Future<Output = ()>,
    ) {
        let open = self.accept_until(Door::Admin(exporter), &listener, shutdown).await;
        drop(listener);
        open.end(&self.app, ADMIN_DRAIN).await;
    }

    async fn accept_until(
        &self,
        door: Door,
        listener: &TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Open {
        let Open { tasks, ends } = Open::default();
        let connections = Connections::new(&self.app, door, &ends, &tasks);
        tokio::pin!(shutdown);
        loop {
            let stream = tokio::select! {
                () = &mut shutdown => break,
                accepted = accept(listener) => accepted,
            };
            tasks.spawn(connections.serve(stream));
        }
        Open { tasks, ends }
    }
}

/// Connections that are open.
#[derive(Default)]
struct Open {
    tasks: TaskTracker,
    ends: Ends,
}

impl Open {
    /// Waits for the requests in flight, and cuts those that take longer.
    async fn end(self, app: &App, patience: Duration) -> Ending {
        self.tasks.close();
        self.ends.drain();
        let answered = timeout(patience, self.tasks.wait()).await;
        let connections = self.tasks.len();
        self.ends.cut.cancel();
        app.reactor.look();
        self.tasks.wait().await;
        match answered {
            Ok(()) => Ending::Answered,
            Err(_) => Ending::Cut { connections },
        }
    }
}

/// The next connection. A failure is the machine's or the client's and passes; the listener stays.
async fn accept(listener: &TcpListener) -> TcpStream {
    let mut told: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // Once is enough for as long as it lasts.
                if told.is_none_or(|at| at.elapsed() >= ACCEPT_QUIET) {
                    warn!(%error, "a connection could not be accepted");
                    told = Some(Instant::now());
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
