//! A collector that is away, hangs or refuses: the server goes on, says so once, and stops in time.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::collector::{Collector, Manner};
use crate::server::{Client, Server};

/// More than the queue holds, which is 2,048 unless told otherwise, and a batch of 512 in flight.
const REQUESTS: usize = 4000;

/// A request takes a small fraction of this; one that waited for an attempt to export would take five seconds.
const QUICK: Duration = Duration::from_secs(3);

/// The two seconds that the end waits for the collector, and time for all else. Trying to export takes ten.
const STOPPED: Duration = Duration::from_secs(7);

const EVERY: Duration = Duration::from_millis(20);

/// How often the log says that exports fail.
fn complaints(stderr: &str) -> usize {
    stderr.matches("spans cannot be exported").count()
}

fn goes_on(client: &mut Client) {
    for _ in 0..REQUESTS {
        let begun = Instant::now();
        assert_eq!(client.call("GET", "/healthz", "", ""), 200);
        assert!(begun.elapsed() < QUICK, "a request took {:?}", begun.elapsed());
    }
}

#[test]
fn a_collector_that_is_away_disturbs_nobody() {
    // A port that was free a moment ago, with nobody behind it.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start(&format!("http://{nobody}"), EVERY);
    goes_on(&mut server.client());
    let ended = server.stop();
    assert!(ended.status.success() && ended.took < STOPPED, "{ended:?}");
    assert_eq!(complaints(&ended.stderr), 1, "{}", ended.stderr);
    // Nothing is said of each batch.
    assert!(!ended.stderr.contains("ERROR"), "{}", ended.stderr);
}

#[test]
fn a_collector_that_hangs_disturbs_nobody_and_is_left_behind() {
    let collector = Collector::start(Manner::Silent);
    let server = Server::start(&collector.url(), EVERY);
    let mut client = server.client();
    assert_eq!(client.call("GET", "/healthz", "", ""), 200);
    collector.wait_until_met();
    goes_on(&mut client);
    let ended = server.stop();
    assert!(ended.status.success() && ended.took < STOPPED, "{ended:?}");
    assert!(ended.stderr.contains("did not take the last spans in time"), "{}", ended.stderr);
    // The queue overflowed: that is said once, and at the end how many spans it cost.
    for said in ["SpanDroppingStarted", "dropped_span_count"] {
        assert_eq!(ended.stderr.matches(said).count(), 1, "{said}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("ERROR"), "{}", ended.stderr);
}

#[test]
fn a_collector_that_refuses_is_told_of_once_and_again_when_it_takes() {
    let collector = Collector::start(Manner::Status(503));
    let server = Server::start(&collector.url(), EVERY);
    let mut client = server.client();
    assert_eq!(client.call("GET", "/v1/stream/lost", "", ""), 404);
    collector.wait_until_met();
    collector.behave(Manner::Status(200));
    assert_eq!(client.call("GET", "/v1/stream/found", "", ""), 404);
    let path = Some("/v1/stream/found");
    collector.wait_for("the span after", |span| span.text("url.path") == path);
    let ended = server.stop();
    assert_eq!(complaints(&ended.stderr), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("503"), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("spans are exported again").count(), 1, "{}", ended.stderr);
}
