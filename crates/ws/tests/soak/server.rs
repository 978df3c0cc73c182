//! An axum server with a hub for each promise.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, Path, State};
use axum::response::Response;
use axum::routing::get;
use headwater_ws::{
    Acceptor, Backlog, CloseCode, CloseReason, Config, Hub, HubConfig, OnSlow, Origins, Scheme,
    Stream, Timing, WebSocketUpgrade, WhenSlow,
};
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long a client may take nothing.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);

/// Messages that wait for a connection of the hub that closes the slow, and of the others.
const MANY: usize = 1024;
const FEW: usize = 64;

/// What a hub promises about what it broadcasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// All of it, or the end of the connection. A callback says so.
    AllOrEnd,
    /// The newest of it.
    Newest,
    /// All of it: who broadcasts waits.
    All,
}

impl Promise {
    pub(crate) const EACH: [Self; 3] = [Self::AllOrEnd, Self::Newest, Self::All];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::AllOrEnd => "all-or-end",
            Self::Newest => "newest",
            Self::All => "all",
        }
    }

    fn hub(self) -> Hub<Stream, &'static str> {
        let (messages, when_slow) = match self {
            Self::AllOrEnd => (MANY, WhenSlow::ask(|_| OnSlow::Close)),
            Self::Newest => (FEW, WhenSlow::Always(OnSlow::DropOldest)),
            Self::All => (FEW, WhenSlow::Always(OnSlow::Wait)),
        };
        Hub::new(HubConfig { backlog: Backlog::new(messages, 4 << 20), when_slow })
    }
}

#[derive(Clone)]
struct Shared {
    acceptor: Acceptor,
    hubs: Arc<[Hub<Stream, &'static str>; 3]>,
}

impl FromRef<Shared> for Acceptor {
    fn from_ref(shared: &Shared) -> Self {
        shared.acceptor.clone()
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    hubs: Arc<[Hub<Stream, &'static str>; 3]>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let hubs = Arc::new(Promise::EACH.map(Promise::hub));
        let acceptor = Acceptor::new(Origins::same(Scheme::Http));
        let shared = Shared { acceptor, hubs: Arc::clone(&hubs) };
        let router = Router::new().route("/{hub}/{group}", get(join)).with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = axum::serve::ListenerExt::tap_io(listener, |socket| {
            // So that who takes nothing is soon noticed.
            let _ = SockRef::from(&*socket).set_send_buffer_size(32 * 1024);
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, hubs, task }
    }

    pub(crate) fn hub(&self, promise: Promise) -> &Hub<Stream, &'static str> {
        &self.hubs[Promise::EACH.iter().position(|each| *each == promise).unwrap()]
    }

    /// Tells all that are left, and returns how long that took.
    pub(crate) async fn stop(self) -> Duration {
        let start = Instant::now();
        for hub in &*self.hubs {
            let reason = CloseReason::new(CloseCode::SERVICE_RESTART, "the soak is over");
            assert_eq!(hub.close(Some(reason), 10 * DEADLINE).await, 0, "some have not left");
        }
        self.task.abort();
        let _ = self.task.await;
        start.elapsed()
    }
}

async fn join(
    State(shared): State<Shared>,
    Path((hub, group)): Path<(String, String)>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let timing = Timing::DEFAULT.with_write_within(DEADLINE).with_close_within(DEADLINE);
    let config = Config { timing, ..Config::default() };
    let promise = Promise::EACH.iter().position(|promise| promise.path() == hub).unwrap();
    upgrade.on_open(config, move |socket| async move {
        let Ok(mut member) = shared.hubs[promise].register(socket, Promise::EACH[promise].path())
        else {
            return;
        };
        member.join(&group);
        while let Ok(Some(_)) = member.recv().await {}
    })
}
