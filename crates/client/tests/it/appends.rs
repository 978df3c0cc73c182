//! An append is sent again only while it is certain that nothing happened, and an error says what is known.

use headwater_client::{OpenError, RemoteReplay};
use headwater_core::Retention;
use headwater_sse::Event;
use headwater_sse::replay::{AppendError, Effect, Entry, ReplayLog};

use crate::peer::{Act, Peer, answer, appended, client, close, hasty, log, next, refusal};

async fn append(log: &RemoteReplay) -> Result<Entry, AppendError> {
    log.append(Event::new().data("one")).await
}

fn overloaded() -> Act {
    refusal("503 Service Unavailable", "overloaded", "later", "definite")
}

#[tokio::test]
async fn what_may_have_arrived_is_not_sent_again() {
    let unknown = || refusal("500 Internal Server Error", "unknown_outcome", "later", "unknown");
    for (name, act) in [
        ("closed", close()),
        ("no answer", Act::Hang),
        ("half an answer", Act::BreakOff("HTTP/1.1 204 No Con".to_owned())),
        ("half a body", Act::BreakOff("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_owned())),
        ("no body that ends", Act::Endless),
        ("an unknown outcome", unknown()),
        ("a proxy", answer("502 Bad Gateway", &[], "<html>")),
        ("a proxy without a word", answer("503 Service Unavailable", &["retry-after: 0"], "")),
        ("no offset", answer("204 No Content", &[], "")),
        ("a broken offset", answer("204 No Content", &["stream-next-offset: 7"], "")),
        ("no HTTP", Act::Answer("SSH-2.0-x\r\n\r\n".to_owned())),
    ] {
        // A second attempt would be taken.
        let (peer, log) = log([act, appended(20)]).await;
        let error = append(&log).await.unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown, "{name}: {error:?}");
        assert_eq!(peer.requests(), ["POST /v1/stream/events HTTP/1.1"], "{name}");
    }
}

#[tokio::test]
async fn what_certainly_did_not_happen_is_tried_again() {
    let draining = refusal("503 Service Unavailable", "draining", "later", "definite");
    let newer = refusal("503 Service Unavailable", "of_tomorrow", "later", "definite");
    let (peer, log) = log([overloaded(), draining, newer, appended(20)]).await;
    let entry = append(&log).await.unwrap();
    assert_eq!(log.id(entry.cursor), "0000000000000001_0000000000000020");
    assert_eq!(entry.event.as_bytes(), "id: 0000000000000001_0000000000000020\ndata:one\n\n");
    assert_eq!(peer.requests().len(), 4);
}

#[tokio::test]
async fn after_a_refusal_that_may_not_have_been_one_nothing_is_tried() {
    let (peer, log) = log([overloaded(), close(), appended(20)]).await;
    assert_eq!(append(&log).await.unwrap_err().effect(), Effect::Unknown);
    assert_eq!(peer.requests().len(), 2);
}

#[tokio::test]
async fn what_is_refused_for_good_is_said_at_once() {
    for (status, code) in [("404 Not Found", "not_found"), ("409 Conflict", "stream_closed")] {
        let (peer, log) = log([refusal(status, code, "no", "definite"), appended(20)]).await;
        let error = append(&log).await.unwrap_err();
        assert!(matches!(error, AppendError::Refused(_)), "{code}: {error:?}");
        assert_eq!(peer.requests().len(), 1, "{code}");
    }
    let body = r#"{"error":{"code":"too_large","message":"no","limitBytes":7}}"#;
    let (peer, log) = log([answer("413 Payload Too Large", &[], body)]).await;
    let error = append(&log).await.unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { size: 31, limit: 7 }), "{error:?}");
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn patience_ends() {
    let acts = std::iter::repeat_with(overloaded).take(10_000);
    let (peer, log) = log(acts).await;
    let error = append(&log).await.unwrap_err();
    assert!(matches!(error, AppendError::Refused(_)), "{error:?}");
    assert!(peer.requests().len() > 10, "{}", peer.requests().len());
}

#[tokio::test]
async fn where_nobody_listens_nothing_happened() {
    // Nobody listens on that address.
    let nowhere = "http://127.0.0.3:9".parse().unwrap();
    let silent = headwater_client::Client::new(nowhere, hasty());
    let error = RemoteReplay::open(silent, "events", Retention::default()).await.unwrap_err();
    let OpenError::Request(error) = error else { panic!("{error:?}") };
    assert_eq!(error.outcome(), headwater_core::Outcome::Definite);
}

#[tokio::test]
async fn a_stream_that_is_not_wanted_so_is_not_opened() {
    let conflict = refusal("409 Conflict", "config_mismatch", "no", "definite");
    let peer = Peer::start([conflict, answer("200 OK", &[&next(0)], "")]).await;
    let open =
        |path: &'static str| RemoteReplay::open(client(&peer, hasty()), path, Retention::default());
    let error = open("events").await.unwrap_err();
    let OpenError::Request(error) = error else { panic!("{error:?}") };
    assert_eq!(error.code(), Some(headwater_core::Code::ConfigMismatch));
    assert!(matches!(open("a//b").await, Err(OpenError::Name(_))));
    assert!(open("events").await.is_ok());
}
