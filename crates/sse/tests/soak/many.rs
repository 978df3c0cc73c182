//! Many clients at once, each of which gets all.

use std::time::{Duration, Instant};

use headwater_sse::{Decoder, Event};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncReadExt;
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::good::{connect, head};
use crate::none_left;
use crate::server::{Pace, Server};

const CLIENTS: usize = 500;
const EVENTS: usize = 200;

/// Reads so many events and checks their order.
async fn read(address: std::net::SocketAddr) {
    let mut socket = connect(address, "/live", "").await.unwrap();
    head(&mut socket).await.unwrap();
    let (mut decoder, mut next) = (Decoder::new(), 0);
    let mut buffer = vec![0; 4096];
    while next < EVENTS {
        let length = socket.read(&mut buffer).await.unwrap();
        assert!(length > 0, "the stream ended after {next}");
        let mut bytes = &buffer[..length];
        while let Some(message) = decoder.decode(&mut bytes).unwrap() {
            assert_eq!(message.data().parse::<usize>().unwrap(), next);
            next += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_clients_get_every_event_and_leave_no_task() {
    // Two descriptors each: with those of the test itself that is more than most systems begin with.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let before = Handle::current().metrics().num_alive_tasks();
    // Comments come all the time, between the events.
    let pace = Pace { age: Duration::from_secs(3600), heartbeat: Duration::from_millis(10) };
    let server = Server::start(pace).await;
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(read(server.address))).collect();
    let all_there = async {
        while server.live.count() < CLIENTS {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), all_there).await.unwrap();
    let mut longest = Duration::ZERO;
    for number in 0..EVENTS {
        let start = Instant::now();
        server.live.publish(&Event::new().data(&number.to_string())).unwrap();
        longest = longest.max(start.elapsed());
        tokio::task::yield_now().await;
    }
    for client in clients {
        timeout(Duration::from_secs(60), client).await.unwrap().unwrap();
    }
    assert_eq!(server.live.numbers().dropped, 0);
    println!(
        "reached: {CLIENTS} clients got {EVENTS} events each; longest publication {longest:?}"
    );
    server.stop().await;
    none_left(before).await;
}
