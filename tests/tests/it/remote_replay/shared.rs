//! Several processes share one log through one server, which is killed in between: nothing that was answered is lost, nothing is doubled, and everybody
//! sees the same order, without a gap and without a repeat.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use headwater_sse::replay::ReplayLog;
use headwater_tests::{Launch, Server, Storage, wait};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::Ending;
use super::history::{Fate, History, Seen};
use super::node::{END, Node};

const STREAM: &str = "events/shared";
const NODES: usize = 2;
const PUBLISHERS: usize = 2 * NODES;
const KILLS: usize = 5;
/// The same when `HEADWATER_SOAK=1` asks for the full count.
const SOAK_KILLS: usize = 100;
/// Answered between one kill and the next.
const BETWEEN: usize = 200;

/// Sees everything, over connections of random length to one of the nodes or another.
fn flap(nodes: &[Node], start: &str, seed: u64, connections: &AtomicUsize) -> Vec<Seen> {
    let mut random = SmallRng::seed_from_u64(seed);
    let (mut last, mut seen) = (start.to_owned(), Vec::new());
    while seen.last().is_none_or(|last: &Seen| last.data != END) {
        connections.fetch_add(1, Ordering::Relaxed);
        let node = &nodes[random.random_range(0..nodes.len())];
        last = node.subscribe(&last, random.random_range(1..100), &mut seen);
    }
    seen
}

/// Sees everything from one node, and comes back only when the stream ends.
fn stay(node: &Node, start: &str) -> Vec<Seen> {
    let (mut last, mut seen) = (start.to_owned(), Vec::new());
    while seen.last().is_none_or(|last: &Seen| last.data != END) {
        last = node.subscribe(&last, usize::MAX / 2, &mut seen);
    }
    seen
}

/// Kills the server and starts it again, each time when enough was answered since.
fn kill_now_and_then(mut server: Server, kills: usize, answered: &AtomicUsize) -> Server {
    for kill in 1..=kills {
        wait::until("enough was answered", || {
            (answered.load(Ordering::Relaxed) >= kill * BETWEEN).then_some(())
        });
        server = Ending::Killed.and_start_again(server);
    }
    server
}

#[test]
fn processes_share_a_log_over_kills_of_the_server() {
    let soak = std::env::var_os("HEADWATER_SOAK").is_some_and(|value| value == "1");
    let kills = if soak { SOAK_KILLS } else { KILLS };
    let server = Launch::new(Storage::Journal).start();
    let address = server.address();
    let nodes: Vec<_> = (0..NODES).map(|_| Node::start(address, STREAM)).collect();
    let log = nodes[0].log();
    let start = log.id(nodes[0].run(log.head()).unwrap().oldest_kept());
    let (stop, answered, connections) = <(AtomicBool, AtomicUsize, AtomicUsize)>::default();

    let history = thread::scope(|scope| {
        let (stop, answered, connections) = (&stop, &answered, &connections);
        let (nodes, start) = (&nodes, &start);
        let staying = nodes.iter().map(|node| scope.spawn(move || stay(node, start)));
        let staying: Vec<_> = staying.collect();
        let flapping =
            (0..4).map(|seed| scope.spawn(move || flap(nodes, start, seed, connections)));
        let subscribers: Vec<_> = staying.into_iter().chain(flapping).collect();
        let publishers = (0..PUBLISHERS).map(|number| {
            let node = &nodes[number % NODES];
            scope.spawn(move || node.publish_many(&number.to_string(), stop, answered))
        });
        let publishers: Vec<_> = publishers.collect();

        let server = kill_now_and_then(server, kills, answered);
        stop.store(true, Ordering::Relaxed);
        let joined = publishers.into_iter().map(|thread| thread.join().unwrap());
        let mut publishers: Vec<_> = joined.collect();
        publishers.push(vec![nodes[0].publish(END.to_owned())]);
        let subscribers = subscribers.into_iter().map(|thread| thread.join().unwrap()).collect();
        // What another process finds that comes when all is over.
        let log = stay(&Node::start(address, STREAM), start);
        drop(server);
        History { publishers, subscribers, log }
    });

    println!(
        "reached: {kills} kills, {} answered, {} unknown, {} refused, {} in the log, {} connections of subscribers",
        history.count(|fate| matches!(fate, Fate::Answered(_))),
        history.count(|fate| *fate == Fate::Unknown),
        history.count(|fate| *fate == Fate::Refused),
        history.log.len(),
        connections.load(Ordering::Relaxed),
    );
    history.judge().unwrap();
    assert!(answered.load(Ordering::Relaxed) >= kills * BETWEEN);
    assert!(connections.load(Ordering::Relaxed) >= 4 * 4);
}
