//! Waiting goes on over all that can end, and hurries nobody.

use std::time::Duration;

use headwater_sse::replay::{Cursor, Epoch, ReadError, ReplayLog};
use tokio::time::timeout;

use crate::peer::{Act, answer, close, log, next, refusal, token};

const NOWHERE: Cursor = Cursor::new(Epoch::new(1), 7);

fn nothing() -> Act {
    answer("204 No Content", &[&next(7), "stream-up-to-date: true"], "")
}

fn news() -> Act {
    answer("200 OK", &[&next(9)], "[{}]")
}

#[tokio::test]
async fn waiting_goes_on_until_there_is_something() {
    let draining = refusal("503 Service Unavailable", "draining", "later", "definite");
    let bad = answer("502 Bad Gateway", &[], "");
    let (peer, log) = log([nothing(), close(), bad, draining, Act::Hang, nothing(), news()]).await;
    log.wait(NOWHERE).await.unwrap();
    let line = format!("GET /v1/stream/events?offset={}&live=long-poll HTTP/1.1", token(7));
    assert_eq!(peer.requests(), vec![line; 7]);
}

#[tokio::test]
async fn a_large_answer_to_a_wait_is_not_taken() {
    let large = format!("HTTP/1.1 200 OK\r\n{}\r\ncontent-length: 99999999\r\n\r\n", next(9));
    for act in [Act::Answer(large), Act::Endless] {
        let endless = matches!(act, Act::Endless);
        let (_peer, log) = log([act]).await;
        let waited = timeout(Duration::from_secs(10), log.wait(NOWHERE)).await.unwrap();
        // An endless one has no offset either.
        assert_eq!(waited.is_err(), endless, "{waited:?}");
    }
}

#[tokio::test]
async fn what_never_comes_is_an_error() {
    let missing = refusal("404 Not Found", "not_found", "no", "definite");
    let (_peer, log) = log([missing.clone(), missing]).await;
    assert!(matches!(log.wait(NOWHERE).await, Err(ReadError::Unavailable(_))));
    let beyond = refusal("400 Bad Request", "offset_beyond_tail", "no", "definite");
    let (_peer, log) = self::log([beyond, answer("200 OK", &[&next(3)], "")]).await;
    assert!(matches!(log.wait(NOWHERE).await, Err(ReadError::Ahead { .. })));
}

#[tokio::test]
async fn a_server_that_answers_at_once_is_not_asked_all_the_time() {
    let closed = || answer("204 No Content", &[&next(7), "stream-closed: true"], "");
    let (in_half_a_second, at_once) = (Duration::from_millis(500), 1..=1);
    for (act, expected) in [(nothing(), 1..=11), (closed(), at_once)] {
        let (peer, log) = log(std::iter::repeat_n(act, 1_000)).await;
        assert!(timeout(in_half_a_second, log.wait(NOWHERE)).await.is_err());
        let asked = peer.requests().len();
        assert!(expected.contains(&asked), "{asked} requests, {expected:?} expected");
    }
}
