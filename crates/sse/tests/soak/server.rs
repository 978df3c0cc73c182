//! An axum server with both kinds of broker.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use headwater_sse::broker::{Broker, Limits, Options, Policy, ReplayBroker, WhenSlow};
use headwater_sse::replay::{MemoryReplay, Retention};
use headwater_sse::serve::{DeadlineListener, EventBody, LastEventId, MaxAge};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Events that the log keeps.
pub(crate) const KEPT: usize = 20_000;

/// How long a client may take nothing.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// What happens to a stream in the course of time.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// It ends at most at this age.
    pub(crate) age: Duration,
    /// A comment comes whenever it was quiet for so long.
    pub(crate) heartbeat: Duration,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) live: Broker,
    pub(crate) replayed: Arc<ReplayBroker<MemoryReplay>>,
    task: JoinHandle<std::io::Result<()>>,
}

fn respond<S>(events: Option<S>, pace: Pace) -> Response
where
    S: futures_util::Stream<Item = headwater_sse::PreparedEvents> + Send + 'static,
{
    let Pace { age, heartbeat } = pace;
    let body =
        |events| EventBody::new(events).max_age(MaxAge::jittered(age)).heartbeat(Some(heartbeat));
    events.map_or_else(gone, |events| IntoResponse::into_response(body(events)))
}

impl Server {
    pub(crate) async fn start(pace: Pace) -> Self {
        let limits = Limits::new(512, 256 * 1024);
        let when_slow = WhenSlow::ask(|_| Policy::Disconnect);
        let live: Broker = Broker::new(Options { limits, when_slow, ..Options::default() });
        let retention = Retention { events: KEPT.try_into().unwrap(), bytes: 16 << 20, age: None };
        let log = Arc::new(MemoryReplay::new(retention));
        let replayed = Arc::new(ReplayBroker::new(log, limits).await.unwrap());
        let (to_live, to_replayed) = (live.clone(), Arc::clone(&replayed));
        let router = Router::new()
            .route("/live", get(move || async move { respond(to_live.subscribe(()), pace) }))
            .route(
                "/replayed",
                get(move |last: LastEventId| async move {
                    respond(to_replayed.subscribe(last.as_deref()).await.unwrap(), pace)
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = DeadlineListener::new(listener, DEADLINE);
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, live, replayed, task }
    }

    /// Ends all streams and the listener; connections end with their streams.
    pub(crate) async fn stop(self) {
        self.live.close().await;
        self.replayed.close().await;
        self.task.abort();
        let _ = self.task.await;
    }
}

fn gone() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
