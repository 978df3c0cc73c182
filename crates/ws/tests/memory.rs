//! What an idle connection holds, and what a broadcast allocates: counted by the allocator, for each thread.
#![allow(clippy::unwrap_used, unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, sync_channel};

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::get;
use headwater_ws::{
    Accepted, Acceptor, Backlog, Config, Connector, Deflate, Hub, HubConfig, Incoming, Limits,
    Message, Origins, Role, Stream, WebSocket, WebSocketUpgrade,
};
use tokio::net::{TcpListener, TcpStream};

thread_local! {
    /// Bytes that this thread has allocated, less those that it has freed.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    /// How often it has allocated.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    /// The most that it has had at once.
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn account(bytes: isize, times: usize) {
    // A thread that ends is of no interest.
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
    let _ = COUNT.try_with(|count| count.set(count.get() + times));
    let live = LIVE.try_with(Cell::get).unwrap_or_default();
    let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live)));
}

struct Counting;

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        account(layout.size() as isize, 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        account(-(layout.size() as isize), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What was agreed on by ends that both want compression.
fn compressed() -> (Accepted, Accepted) {
    let connector = Connector::new().with_deflate(Deflate::DEFAULT);
    let (request, pending) = connector.request(&"ws://x/".parse().unwrap()).unwrap();
    let acceptor = Acceptor::new(Origins::any()).with_deflate(Deflate::DEFAULT);
    let (response, server) = acceptor.accept(&request).unwrap();
    (server, pending.check(&response).unwrap())
}

/// A connection that has seen large and small messages in both directions, and waits.
async fn used(server: &Accepted, client: &Accepted) -> (usize, [WebSocket<TcpStream>; 2]) {
    let before = LIVE.get();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let a = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (b, _) = listener.accept().await.unwrap();
    drop(listener);
    let config = Config::default();
    let mut server = WebSocket::new(a, Role::Server, server, Default::default(), config);
    let mut client = WebSocket::new(b, Role::Client, client, Default::default(), config);
    for message in ["hello".to_owned(), "much the same ".repeat(2_000)] {
        let message = Message::text(message);
        let (sent, received) = tokio::join!(client.send(&message), server.recv());
        sent.unwrap();
        assert_eq!(received.unwrap(), Some(message.clone()));
        let (sent, received) = tokio::join!(server.send(&message), client.recv());
        sent.unwrap();
        assert_eq!(received.unwrap(), Some(message));
    }
    // Waiting is what sets the timer.
    let wait = std::time::Duration::from_millis(1);
    assert!(tokio::time::timeout(wait, server.recv()).await.is_err());
    assert!(tokio::time::timeout(wait, client.recv()).await.is_err());
    (usize::try_from(LIVE.get() - before).unwrap(), [server, client])
}

#[test]
fn an_idle_connection_holds_next_to_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (server, client) = compressed();
        for (server, client) in [(Accepted::default(), Accepted::default()), (server, client)] {
            // What the thread keeps for all its connections is there after the first.
            drop(used(&server, &client).await);
            let (held, ends) = used(&server, &client).await;
            let each = held / 2 + size_of_val(&ends[0]);
            assert!(each <= 420, "{each} bytes");
        }
    });
}

/// Opens a WebSocket each time it is asked to, on a thread of its own, and keeps it until nobody asks any more. Its memory is
/// not counted, and nothing that is allocated on one thread is freed on the other.
fn clients(address: SocketAddr) -> SyncSender<()> {
    let (ask, asked) = sync_channel(1);
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for () in asked {
            open.push(client(address));
        }
    });
    ask
}

fn client(address: SocketAddr) -> std::net::TcpStream {
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    socket
        .write_all(
            b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
              sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    socket
}

#[derive(Clone)]
struct Server {
    hub: Hub<Stream>,
    acceptor: Acceptor,
}

impl FromRef<Server> for Acceptor {
    fn from_ref(server: &Server) -> Self {
        server.acceptor.clone()
    }
}

/// As the documentation has it.
async fn join(State(server): State<Server>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_open(Config::default(), move |socket| async move {
        let Ok(mut member) = server.hub.register(socket, ()) else { return };
        while let Ok(Some(_)) = member.recv().await {}
    })
}

#[test]
fn an_idle_member_behind_axum_holds_little_in_all() {
    const MEMBERS: usize = 200;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let hub = Hub::new(HubConfig::default());
        let server = Server { hub: hub.clone(), acceptor: Acceptor::new(Origins::any()) };
        let router = Router::new().route("/", get(join)).with_state(server);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (clients, mut before) = (clients(address), 0);
        for number in 1..=2 * MEMBERS {
            clients.send(()).unwrap();
            while hub.numbers().waiting < number as u64 {
                tokio::task::yield_now().await;
            }
            if number == MEMBERS {
                before = LIVE.get();
            }
        }
        let each = usize::try_from(LIVE.get() - before).unwrap() / MEMBERS;
        drop(clients);
        // 1,213 when this was written: the connection, its task, its place in the runtime and in the hub, and its timer.
        assert!(each <= 1_260, "{each} bytes");
    });
}

/// Allocations of the second broadcast of a message to so many members, all of which wait.
async fn broadcast_to(members: usize) -> usize {
    let backlog = Backlog::new(100, 1 << 20);
    let hub = Hub::new(HubConfig { backlog, ..HubConfig::default() });
    let mut peers = Vec::new();
    for _ in 0..members {
        let (ours, theirs) = tokio::io::duplex(4096);
        let accepted = Accepted::default();
        let end = |stream, role| {
            WebSocket::new(stream, role, &accepted, Default::default(), Config::default())
        };
        let mut member = hub.register(end(ours, Role::Server), ()).unwrap();
        tokio::spawn(async move { while let Ok(Some(_)) = member.recv().await {} });
        peers.push(end(theirs, Role::Client));
    }
    let mut counted = 0;
    for text in ["first", "second"] {
        let before = COUNT.get();
        hub.broadcast(Message::text(text)).unwrap();
        counted = COUNT.get() - before;
        for peer in &mut peers {
            assert_eq!(peer.recv().await.unwrap(), Some(Message::text(text)));
        }
    }
    counted
}

#[test]
fn broadcasting_allocates_the_same_for_any_number_of_members() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (few, many) = (broadcast_to(5).await, broadcast_to(500).await);
        assert_eq!(few, many);
        assert!(few < 20, "{few}");
    });
}

#[test]
fn a_message_of_any_size_is_sent_and_read_in_the_same_memory() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let piece = bytes::Bytes::from_static(&[7; 16 * 1024]);
        let (server, client) = compressed();
        for (server, client, most) in
            [(Accepted::default(), Accepted::default(), 256 * 1024), (server, client, 900 * 1024)]
        {
            let (a, b) = tokio::io::duplex(16 * 1024);
            let limits = Limits::DEFAULT.with_message_bytes(1 << 30).with_fragments(1 << 20);
            let config = Config { limits, ..Config::default() };
            let mut server = WebSocket::new(a, Role::Server, &server, Default::default(), config);
            let mut client = WebSocket::new(b, Role::Client, &client, Default::default(), config);
            let before = LIVE.get();
            PEAK.set(before);
            let writing = async {
                let mut message = client.write_binary().unwrap();
                for _ in 0..4096 {
                    message.write(piece.clone()).await.unwrap();
                }
                message.finish().await.unwrap();
            };
            let reading = async {
                let Some(Incoming::Binary(mut message)) = server.recv_pieces().await.unwrap()
                else {
                    return 0;
                };
                let mut length = 0;
                while let Some(piece) = message.next().await.unwrap() {
                    length += piece.len();
                }
                length
            };
            let ((), length) = tokio::join!(writing, reading);
            assert_eq!(length, 64 << 20);
            let peak = PEAK.get() - before;
            assert!(peak <= most, "{peak} bytes for both ends");
        }
    });
}
