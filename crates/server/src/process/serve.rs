//! From settings to a server that runs, and to its end.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use headwater_engine::{Engine, SystemClock};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::announce::announce;
use super::descriptors;
use super::exit::{Exit, Failed};
use super::settings::Settings;
use super::signals::Signals;
use crate::config::Config;
use crate::metrics::{self, Exporter};
use crate::server::{Ending, Server};
use crate::storage::{self, Adapter, Opened, Wanted};

/// Serves until a signal, and stops cleanly.
pub(super) fn run(settings: Settings) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| Failed::new(Exit::Internal, format!("no threads to run on: {error}")))?;
    let outcome = runtime.block_on(serve(settings));
    // Whoever was told to stop while the data directory was being opened does not wait for that.
    runtime.shutdown_background();
    outcome
}

async fn serve(settings: Settings) -> Result<(), Failed> {
    let listen = settings.listen();
    let admin = settings.admin_listen();
    let Settings { data_dir, storage: wanted, journal, http, engine, .. } = settings;
    let wanted = Wanted { adapter: wanted, journal };
    let exporter =
        Exporter::install().map_err(|error| Failed::new(Exit::Internal, error.to_string()))?;
    tokio::spawn(exporter.clone().upkeep());
    // The address first: a server that cannot listen must not touch the data.
    let (listener, address) = bind(listen).await?;
    let admin = match admin {
        Some(admin) => Some(bind(admin).await?),
        None => None,
    };
    let begun = Instant::now();
    let mut signals = Signals::catch().map_err(|error| {
        Failed::new(Exit::Internal, format!("signals cannot be caught: {error}"))
    })?;
    let Some(Opened { adapter, storage, backups }) = open(wanted, &data_dir, &mut signals).await?
    else {
        return Ok(());
    };
    metrics::recovered(begun.elapsed());
    let http = Config {
        data_dir: (adapter != Adapter::Memory).then(|| data_dir.clone()),
        max_connections: descriptors::make_room(http.max_connections),
        ..http
    };
    let engine = Engine::start(storage, Arc::new(SystemClock::new()), engine);
    // Whoever started it may have stopped reading; that is no reason not to serve.
    let admin_address = admin.as_ref().map(|(_, address)| *address);
    let roots = &http.stream_roots;
    let _ = announce(&mut io::stdout().lock(), address, admin_address, adapter, &data_dir, roots);
    let server = Server::new(engine.clone(), http).with_backups(backups);
    let stopped = CancellationToken::new();
    let operators = admin.map(|(listener, _)| {
        let (server, stopped) = (server.clone(), stopped.clone());
        tokio::spawn(async move {
            server.serve_admin(listener, exporter, stopped.cancelled_owned()).await;
        })
    });
    let ending = server.serve(listener, signals.first()).await;
    if let Ending::Cut { connections } = ending {
        warn!(connections, "requests in flight took too long and were cut");
    }
    let closed = engine.shutdown().await;
    stopped.cancel();
    if let Some(operators) = operators {
        // It ends by itself within its own bound; a panic in it changes nothing about the storage.
        let _ = operators.await;
    }
    closed.map_err(|error| {
        let told = "what was acknowledged is kept, the next start decides about the rest";
        Failed::new(Exit::Internal, format!("the storage did not close cleanly: {error}; {told}"))
    })?;
    info!("stopped");
    Ok(())
}

/// Opens the storage. Nothing when a signal came first.
async fn open(
    wanted: Wanted,
    data_dir: &Path,
    signals: &mut Signals,
) -> Result<Option<Opened>, Failed> {
    let data_dir = data_dir.to_owned();
    let opening = tokio::task::spawn_blocking(move || storage::open(wanted, &data_dir));
    let opened = tokio::select! {
        opened = opening => opened,
        (name, _) = signals.next() => {
            // Nothing was promised yet, and a directory is left as a crash would leave it, which the
            // next start knows how to read.
            info!("{name} while the data directory was being opened: stopped");
            return Ok(None);
        }
    };
    opened
        .map_err(|_| Failed::new(Exit::Internal, "opening the data directory failed"))?
        .map(Some)
        .map_err(|error| Failed::new(error.exit(), error.to_string()))
}

async fn bind(listen: SocketAddr) -> Result<(TcpListener, SocketAddr), Failed> {
    let refused = |error: io::Error| {
        let exit = match error.kind() {
            io::ErrorKind::AddrInUse => Exit::AddressInUse,
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::PermissionDenied => Exit::Usage,
            _ => Exit::Internal,
        };
        Failed::new(exit, format!("cannot listen on {listen}: {error}"))
    };
    let listener = TcpListener::bind(listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}
