//! Members of a hub and the clients at their other ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use headwater_ws::{
    Accepted, Config, Error, Hub, Member, Message, Role, Timing, Transport, WebSocket,
};
use socket2::SockRef;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) type Socket = WebSocket<TcpStream>;

/// What anything gets, on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Both ends of a connection. The kernel's buffers are small, so that a peer that does not read is soon noticed.
pub(crate) async fn connect() -> (Socket, Socket) {
    connect_with(Config::default()).await
}

pub(crate) async fn connect_with(config: Config) -> (Socket, Socket) {
    let (server, client) = streams().await;
    SockRef::from(&client).set_recv_buffer_size(8 * 1024).unwrap();
    SockRef::from(&server).set_send_buffer_size(8 * 1024).unwrap();
    ends(server, client, config)
}

/// Both ends of a connection in memory.
pub(crate) fn duplex() -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (server, client) = tokio::io::duplex(4096);
    ends(server, client, Config::default())
}

async fn streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (server, client)
}

fn ends<T: Transport>(server: T, client: T, config: Config) -> (WebSocket<T>, WebSocket<T>) {
    let end = |stream, role| {
        WebSocket::new(stream, role, &Accepted::default(), Default::default(), config)
    };
    (end(server, Role::Server), end(client, Role::Client))
}

/// A member that is served by a task, which counts how often it is polled.
pub(crate) struct Served {
    pub(crate) client: Socket,
    pub(crate) task: JoinHandle<Result<Option<Message>, Error>>,
    pub(crate) polls: Arc<AtomicUsize>,
    dropped: Box<dyn Fn() -> Option<u64> + Send>,
}

/// Joins a hub and its groups.
pub(crate) async fn join(hub: &Hub<TcpStream>, groups: &[&str]) -> Served {
    let (server, client) = connect().await;
    let member = hub.register(server, ()).unwrap();
    for group in groups {
        assert!(member.join(group));
    }
    serve(member, client).await
}

/// Joins a hub with attributes, and may stop reading without an end to the connection.
pub(crate) async fn join_as<A>(hub: &Hub<TcpStream, A>, attributes: A) -> Served
where
    A: Send + Sync + 'static,
{
    let timing = Timing::DEFAULT.with_write_within(10 * PATIENCE);
    let (server, client) = connect_with(Config { timing, ..Config::default() }).await;
    serve(hub.register(server, attributes).unwrap(), client).await
}

/// Joins a hub with attributes and with room in the kernel: a small window makes also one wait that reads.
pub(crate) async fn join_fast<A>(hub: &Hub<TcpStream, A>, attributes: A) -> Served
where
    A: Send + Sync + 'static,
{
    let (server, client) = streams().await;
    let (server, client) = ends(server, client, Config::default());
    serve(hub.register(server, attributes).unwrap(), client).await
}

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Serves a member until it ends; it is waiting when this returns.
pub(crate) async fn serve<A>(member: Member<TcpStream, A>, client: Socket) -> Served
where
    A: Send + Sync + 'static,
{
    let polls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&polls);
    // Its task alone keeps the member: it leaves when that ends.
    let member = Arc::new(Mutex::new(member));
    let asked = Arc::downgrade(&member);
    let dropped = Box::new(move || Some(asked.upgrade()?.lock().unwrap().dropped()));
    let task = tokio::spawn(async move {
        loop {
            let received = std::future::poll_fn(|cx| {
                counter.fetch_add(1, Ordering::Relaxed);
                member.lock().unwrap().poll_recv(cx)
            });
            match received.await {
                Ok(Some(_)) => {}
                end => return end,
            }
        }
    });
    while polls.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    Served { client, task, polls, dropped }
}

impl Served {
    /// Broadcasts that it missed.
    pub(crate) fn dropped(&self) -> u64 {
        (self.dropped)().expect("a member")
    }

    pub(crate) async fn text(&mut self) -> Option<String> {
        let message = timeout(PATIENCE, self.client.recv()).await.expect("it comes in time");
        message.unwrap().map(|message| str::from_utf8(message.as_bytes()).unwrap().to_owned())
    }
}
