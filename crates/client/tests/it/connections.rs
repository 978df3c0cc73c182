//! Connections are used again while they are good, and there are only so many.

use std::num::NonZeroUsize;

use futures_util::future::join_all;
use headwater_client::{Options, RemoteReplay};
use headwater_core::Retention;
use headwater_sse::Event;
use headwater_sse::replay::ReplayLog;

use crate::peer::{Act, Peer, answer, appended, client, hasty, log, next};

#[tokio::test]
async fn one_after_the_other_takes_one_connection() {
    let (peer, log) = log((1..=20).map(appended)).await;
    for position in 1..=20 {
        let entry = log.append(Event::new().data("x")).await.unwrap();
        assert_eq!(entry.cursor.offset, position);
    }
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_not_used_again() {
    let last = |position| {
        let Act::Answer(text) =
            answer("204 No Content", &[&next(position), "connection: close"], "")
        else {
            panic!("an answer is one")
        };
        Act::BreakOff(text)
    };
    let (peer, log) = log((1..=20).map(last)).await;
    for position in 1..=20 {
        let entry = log.append(Event::new().data("x")).await.unwrap();
        assert_eq!(entry.cursor.offset, position);
    }
    assert_eq!(peer.connections(), 20);
}

#[tokio::test]
async fn there_are_no_more_connections_than_requests_at_a_time() {
    let created = answer("201 Created", &[&next(0)], "");
    let peer = Peer::start([created].into_iter().chain((1..=50).map(appended))).await;
    let options = Options { requests: NonZeroUsize::MIN.saturating_add(1), ..hasty() };
    let log = RemoteReplay::open(client(&peer, options), "events", Retention::default());
    let log = log.await.unwrap();
    let appends = (0..50).map(|_| log.append(Event::new().data("x")));
    let mut answered: Vec<_> = join_all(appends).await.into_iter().map(Result::unwrap).collect();
    answered.sort_by_key(|entry| entry.cursor);
    assert_eq!(answered.last().unwrap().cursor.offset, 50);
    assert!(peer.most_open() <= 2, "{}", peer.most_open());
}
