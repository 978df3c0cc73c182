//! One connection, with the limits that hold before there is a request.
//!
//! What the HTTP library answers by itself is bare: 400 to what is no HTTP, 414 or 431 to a head that is too
//! large or has too many fields. A head that does not arrive in time ends the connection without an answer.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulConnection;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::activity::Activity;
use super::alarm::HeadTimer;
use super::beside::{First, first};
use super::patient::Patient;
use super::refusal;
use super::streams::Streams;
use super::watch::{Due, Ends, Watch};
use super::wire::Wire;
use crate::app::App;
use crate::config::Config;
use crate::gate::{Gate, Pass};
use crate::limits::{
    H2_CONNECTION_WINDOW, H2_PING_INTERVAL, H2_SEND_BUFFER, H2_STREAM_WINDOW, LEAST_HEAD_BYTES,
    MAX_ADMIN_CONNECTIONS, MAX_H2_STREAMS, MAX_REFUSALS, REFUSAL_TIME, UNSENT_BYTES,
};
use crate::metrics::{Limit, Metrics};
use crate::reactor::{Arrival, Ground, Stand};
use crate::requests::{At, handle};
use crate::router::Door;

/// Makes connections of accepted sockets.
pub(super) struct Connections {
    app: Arc<App>,
    door: Door,
    places: Arc<Gate>,
    refusals: Arc<Gate>,
    ends: Ends,
    tasks: TaskTracker,
    ground: Arc<Ground>,
    http: Builder<Streams>,
}

impl Connections {
    /// To be called in the runtime that serves them.
    pub(super) fn new(app: &Arc<App>, door: Door, ends: &Ends, tasks: &TaskTracker) -> Self {
        let http = http(&app.config);
        let places = match door {
            Door::Public => Arc::clone(&app.connections),
            Door::Admin(_) => Gate::new(MAX_ADMIN_CONNECTIONS),
        };
        let (app, ends, tasks) = (Arc::clone(app), ends.clone(), tasks.clone());
        let (runtime, cut) = (Handle::current(), ends.cut.clone());
        let ground = Arc::new(Ground { app: Arc::clone(&app), runtime, cut });
        Self { app, door, places, refusals: Gate::new(MAX_REFUSALS), ends, tasks, ground, http }
    }

    /// Serves a connection to its end, or refuses it if there are too many.
    pub(super) fn serve(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + use<> {
        let served = match self.places.enter() {
            Some(place) => Ok(self.http(stream, place)),
            None => Err(self.refuse(stream)),
        };
        async move {
            match served {
                Ok(connection) => connection.await,
                Err(refusal) => refusal.await,
            }
        }
    }

    /// Tells a client that there are too many, without reading what it asks.
    fn refuse(&self, stream: TcpStream) -> impl Future<Output = ()> + Send + use<> {
        self.app.metrics.refused(Limit::Connections);
        let pause = self.pause();
        let place = self.refusals.enter();
        let cut = self.ends.cut.clone();
        async move {
            // Whoever comes when even this is too much is simply cut.
            if place.is_some() {
                let sent = timeout(REFUSAL_TIME, refusal::send(stream, pause));
                let _ = cut.run_until_cancelled(sent).await;
            }
        }
    }

    /// When there may be room at the earliest: where every place is a live reader's, when the first of them ends. Otherwise
    /// connections that are idle, or send their heads slowly, are gone after their time, and nothing is known of the rest.
    fn pause(&self) -> Duration {
        let (readers, idle) = (&self.app.readers, self.app.config.head_timeout);
        match self.door {
            Door::Public if readers.inside() >= self.places.inside() => {
                readers.first_end().unwrap_or(idle)
            }
            _ => idle,
        }
    }

    /// Faults of the connection are the client's affair and only logged for those who look.
    fn http(&self, stream: TcpStream, place: Pass) -> impl Future<Output = ()> + Send + use<> {
        // Answers are written whole; waiting for more to send only delays them. What the kernel cannot be told, it does without.
        let _ = stream.set_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES);
        let local = stream.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
        let activity = Activity::new(self.app.metrics.sent.clone());
        let (app, door, seen) = (Arc::clone(&self.app), self.door.clone(), Arc::clone(&activity));
        let at = Arc::new(At { app, door, local });
        let service = service_fn(move |request| handle(Arc::clone(&at), seen.begin(), request));
        let wire = Wire::new(stream, Arc::clone(&activity), Arc::clone(&self.app.carriers));
        let stream = Patient::new(wire, self.app.config.write_timeout, Arc::clone(&activity));
        let mut http = self.http.clone();
        http.http1().timer(HeadTimer::default());
        let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
        let watch = Watch::new(&self.app.config, Arc::clone(&activity), self.ends.clone());
        let (ground, tasks) = (Arc::clone(&self.ground), self.tasks.clone());
        let draining = Arc::clone(&self.ends.draining);
        async move {
            let metrics = &ground.app.metrics;
            // Dropped with all that the library has, before anybody else goes on.
            let ended = {
                let connection = pin!(connection);
                serve(connection, watch, metrics, &activity, &draining).await
            };
            match ended {
                Ok(Ended::Over) => {}
                Ok(Ended::HandedOver) => {
                    let stand = Stand { _pass: place, _token: tasks.token() };
                    hand_over(&activity, stand, ground);
                }
                Err(error) => {
                    if let Some(limit) = limit_of(&*error, &activity) {
                        metrics.refused(limit);
                    }
                    debug!(%error, "a connection ended with an error");
                }
            }
        }
    }
}

/// How the HTTP library's part of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Over,
    /// The rest of its last answer is sent by others.
    HandedOver,
}

/// Has the rest of an answer sent by those who send events.
fn hand_over(activity: &Activity, stand: Stand, ground: Arc<Ground>) {
    // A socket that somebody else has is closed by them; the library gives none away in the middle of an answer.
    if let Some((socket, session)) = activity.handover.take() {
        let (tail, reader) = session.rest();
        let app = Arc::clone(&ground.app);
        app.reactor.join(Arrival { socket, tail, reader, stand, ground });
    }
}

/// Polls a connection until it ends, or is ready to be handed over.
async fn poll<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    activity: &Activity,
    draining: &AtomicBool,
    told: &mut bool,
) -> Result<Ended, C::Error> {
    poll_fn(|cx| {
        // Before what is answered now, which says that it is the last: the task may have been woken for that alone.
        if draining.load(Ordering::Relaxed) && !std::mem::replace(told, true) {
            connection.as_mut().graceful_shutdown();
        }
        match connection.as_mut().poll(cx) {
            Poll::Pending if activity.handover.is_ready() => Poll::Ready(Ok(Ended::HandedOver)),
            poll => poll.map_ok(|()| Ended::Over),
        }
    })
    .await
}

/// Serves a connection until it ends, is cut, or is handed over.
async fn serve<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    mut watch: Watch,
    metrics: &Metrics,
    activity: &Activity,
    draining: &AtomicBool,
) -> Result<Ended, C::Error> {
    let (mut closing, mut told) = (false, false);
    loop {
        let polled = poll(connection.as_mut(), activity, draining, &mut told);
        let due = match first(polled, watch.next()).await {
            // What ends it then has been counted.
            First::Busy(ended) => return if closing { Ok(Ended::Over) } else { ended },
            First::Rare(due) => due,
        };
        match due {
            // It is told when it is polled.
            Due::Drain => {}
            Due::Reset(streams) => {
                (0..streams).for_each(|_| metrics.refused(Limit::WriteTime));
                debug!(streams, "answers were not taken, and their streams reset");
            }
            // A client of HTTP/2 is told, so that it knows of a request that crosses the news whether it was taken.
            Due::Close(limit) => {
                metrics.refused(limit);
                connection.as_mut().graceful_shutdown();
                watch.closing();
                closing = true;
            }
            Due::Drop | Due::End => return Ok(Ended::Over),
            Due::Cut => {
                metrics.refused(Limit::WriteTime);
                activity.cut();
                return Ok(Ended::Over);
            }
        }
    }
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
                return Some(activity.quiet());
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

fn http(config: &Config) -> Builder<Streams> {
    let head_bytes = config.max_head_bytes.max(LEAST_HEAD_BYTES);
    let mut http = Builder::new(Streams);
    http.http1()
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
