//! Connections that break at the worst moment: after the server was told, and before the client was.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use headwater_client::RemoteReplay;
use headwater_sse::Event;
use headwater_sse::replay::{Budget, Effect, ReplayLog};
use headwater_tests::proxy::Proxy;
use headwater_tests::{Launch, Storage, wait};

use super::open;

const STREAM: &str = "events/cut";

/// A proxy that swallows the next answer, and closes the connection in its place, each time it is told to.
struct Swallower {
    address: SocketAddr,
    armed: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
}

impl Swallower {
    fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (armed, stopped) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let proxy = Self { address, armed: Arc::clone(&armed), stopped: Arc::clone(&stopped) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let armed = Arc::clone(&armed);
                let server = TcpStream::connect(server).unwrap();
                thread::spawn(move || carry(&client, &server, &armed));
            }
        });
        proxy
    }

    fn swallow_the_next(&self) {
        self.armed.store(true, Ordering::Relaxed);
    }
}

impl Drop for Swallower {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts; if it is gone already, there is nobody to wake.
        let _ = TcpStream::connect(self.address);
    }
}

fn carry(client: &TcpStream, server: &TcpStream, armed: &AtomicBool) {
    let never = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| pump(client, server, &never));
        pump(server, client, armed);
    });
}

/// Carries one direction to its end, or to what is swallowed.
fn pump(mut from: &TcpStream, mut to: &TcpStream, armed: &AtomicBool) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if armed.swap(false, Ordering::Relaxed) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        // An end that has gone already is shut.
        let _ = end.shutdown(Shutdown::Both);
    }
}

async fn count(log: &RemoteReplay, data: &str) -> usize {
    let start = log.head().await.unwrap().oldest_kept();
    let entries = log.read(start, Budget::default()).await.unwrap().entries;
    let ending = format!("data:{data}\n\n");
    entries.iter().filter(|entry| entry.event.as_bytes().ends_with(ending.as_bytes())).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_is_lost_is_there_once_and_the_error_says_unknown() {
    let server = Launch::new(Storage::Journal).start();
    let proxy = Swallower::start(server.address());
    let direct = open(server.address(), STREAM).await;
    let log = open(proxy.address, STREAM).await;
    for round in 0..20 {
        let data = format!("round {round}");
        proxy.swallow_the_next();
        let error = log.append(Event::new().data(&data)).await.unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown, "{error:?}");
        assert_eq!(count(&direct, &data).await, 1, "{data}");
        // Whoever sends it again all the same, in the place of the client, doubles it: the count would tell.
        log.append(Event::new().data(&data)).await.unwrap();
        assert_eq!(count(&direct, &data).await, 2, "{data}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_waits_go_on_over_lost_answers() {
    let server = Launch::new(Storage::Journal).start();
    let proxy = Swallower::start(server.address());
    let direct = open(server.address(), STREAM).await;
    let log = open(proxy.address, STREAM).await;
    let mut at = log.head().await.unwrap().end();
    for round in 0..20 {
        let entry = direct.append(Event::new().data(&round.to_string())).await.unwrap();
        proxy.swallow_the_next();
        log.wait(at).await.unwrap();
        proxy.swallow_the_next();
        let page = log.read(at, Budget::default()).await.unwrap();
        at = entry.cursor;
        assert_eq!(page.entries, [entry]);
        proxy.swallow_the_next();
        assert_eq!(log.head().await.unwrap().end(), at);
    }
}

#[test]
fn a_proxy_that_cuts_who_waits_in_silence_delays_nobody() {
    let server = Launch::new(Storage::Journal).start();
    let proxy = Proxy::start(server.address(), Duration::from_millis(200));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let log = runtime.block_on(open(proxy.address(), STREAM));
    let end = runtime.block_on(log.head()).unwrap().end();
    let waiting = {
        let log = log.clone();
        runtime.spawn(async move { log.wait(end).await })
    };
    // Each wait is cut after a while, and goes on over another connection.
    wait::until("three waits were cut", || (proxy.cut() >= 3).then_some(()));
    assert!(!waiting.is_finished());
    server.append_json(STREAM, "1");
    wait::until("the wait ends", || waiting.is_finished().then_some(()));
    runtime.block_on(waiting).unwrap().unwrap();
}
