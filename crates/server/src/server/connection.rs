//! One connection, with the limits that hold before there is a request.
//!
//! What the HTTP library answers by itself is bare: 400 to what is no HTTP, 414 or 431 to a head that is too
//! large or has too many fields. A head that does not arrive in time ends the connection without an answer.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep, timeout};
use tracing::debug;

use super::activity::Activity;
use super::patient::Patient;
use super::refusal;
use crate::app::App;
use crate::config::Config;
use crate::gate::Gate;
use crate::limits::{
    H2_CONNECTION_WINDOW, H2_PING_INTERVAL, H2_SEND_BUFFER, H2_STREAM_WINDOW, LEAST_HEAD_BYTES,
    MAX_ADMIN_CONNECTIONS, MAX_H2_STREAMS, MAX_REFUSALS, REFUSAL_TIME, UNSENT_BYTES,
};
use crate::metrics::Limit;
use crate::requests::handle;
use crate::router::Door;

/// Makes connections of accepted sockets.
pub(super) struct Connections {
    app: Arc<App>,
    door: Door,
    places: Arc<Gate>,
    refusals: Arc<Gate>,
    http: Builder<TokioExecutor>,
}

impl Connections {
    pub(super) fn new(app: Arc<App>, door: Door) -> Self {
        let http = http(&app.config);
        let places = match door {
            Door::Public => Arc::clone(&app.connections),
            Door::Admin(_) => Gate::new(MAX_ADMIN_CONNECTIONS),
        };
        Self { app, door, places, refusals: Gate::new(MAX_REFUSALS), http }
    }

    /// Serves a connection to its end, or refuses it if there are too many.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        watcher: Watcher,
    ) -> impl Future<Output = ()> + Send + use<> {
        let served = match self.places.enter() {
            Some(place) => Ok((self.http(stream, watcher), place)),
            None => Err((self.refuse(stream), watcher)),
        };
        async move {
            match served {
                Ok((connection, _place)) => connection.await,
                Err((refusal, _watcher)) => refusal.await,
            }
        }
    }

    /// Tells a client that there are too many, without reading what it asks.
    fn refuse(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + use<> {
        self.app.metrics.refused(Limit::Connections);
        // Idle connections and slow heads are gone after that time, whatever else stays.
        let pause = self.app.config.head_timeout;
        let place = self.refusals.enter();
        async move {
            // Whoever comes when even this is too much is simply cut.
            if place.is_some() {
                let _ = timeout(REFUSAL_TIME, refusal::send(stream, pause)).await;
            }
        }
    }

    /// Faults of the connection are the client's affair and only logged for those who look.
    fn http(&self, stream: TcpStream, watcher: Watcher) -> impl Future<Output = ()> + Send + use<> {
        // Answers are written whole; waiting for more to send only delays them. What the kernel cannot be told, it does without.
        let _ = stream.set_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES);
        let local = stream.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
        let activity = Activity::new();
        let (app, door, seen) = (Arc::clone(&self.app), self.door.clone(), Arc::clone(&activity));
        let service = service_fn(move |request| {
            let answer = handle(Arc::clone(&app), door.clone(), local, seen.begin(), request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let app = Arc::clone(&self.app);
        let stream = Patient::new(stream, app.config.write_timeout, Arc::clone(&activity));
        let connection = self.http.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = watcher.watch(connection);
        async move {
            let mut connection = pin!(connection);
            // The library times the heads of HTTP/1.1, and nothing until the first bytes tell which HTTP it is, nor HTTP/2
            // connections that nobody uses, nor clients that open no window for what they asked.
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                cut = watch(&app.config, &activity) => {
                    app.metrics.refused(cut);
                    return;
                }
            };
            if let Err(error) = ended {
                if let Some(limit) = limit_of(&*error, &activity) {
                    app.metrics.refused(limit);
                }
                debug!(%error, "a connection ended with an error");
            }
        }
    }
}

/// Returns when a connection has to be cut, and why.
async fn watch(config: &Config, activity: &Activity) -> Limit {
    // A piece may be as large as what the library keeps beside it, so it has twice the time.
    let stall = config.write_timeout * 2;
    let tick = config.head_timeout.min(config.write_timeout);
    let (mut seen, mut still) = (activity.seen(), Duration::ZERO);
    loop {
        sleep(tick).await;
        if activity.is_stalled(stall) {
            return Limit::WriteTime;
        }
        let now = activity.seen();
        still = if now == seen && activity.is_free() { still + tick } else { Duration::ZERO };
        seen = now;
        if still >= config.head_timeout {
            return quiet(activity);
        }
    }
}

/// The limit that ends a connection on which nothing comes: between requests it is merely idle.
fn quiet(activity: &Activity) -> Limit {
    if activity.has_begun() { Limit::Idle } else { Limit::HeadTime }
}

/// The limit that ended a connection, as the library tells it.
fn limit_of(error: &(dyn Error + Send + Sync + 'static), activity: &Activity) -> Option<Limit> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_parse_too_large() {
                return Some(Limit::Head);
            }
            if error.is_timeout() {
                return Some(quiet(activity));
            }
        }
        let io = error.downcast_ref::<io::Error>();
        // Ours has no number; one of the kernel's is a peer that is not there any more.
        let ours = |error: &io::Error| error.raw_os_error().is_none();
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut && ours(error)) {
            return Some(Limit::WriteTime);
        }
        cause = error.source();
    }
    None
}

fn http(config: &Config) -> Builder<TokioExecutor> {
    let head_bytes = config.max_head_bytes.max(LEAST_HEAD_BYTES);
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(config.head_timeout)
        .max_headers(config.max_headers)
        .max_buf_size(head_bytes);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(H2_PING_INTERVAL)
        .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_H2_STREAMS)
        .initial_stream_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_CONNECTION_WINDOW)
        .max_send_buf_size(H2_SEND_BUFFER);
    http
}
