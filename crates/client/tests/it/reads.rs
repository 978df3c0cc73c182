//! Reading goes on over what breaks, within bounds, and takes each record off the wire once.

use std::num::NonZeroUsize;

use headwater_client::RemoteReplay;
use headwater_sse::replay::{Budget, Cursor, Epoch, Page, ReadError, ReplayLog, Rest};

use crate::peer::{Act, answer, close, log, next, refusal, token};

/// A page of records that end at these positions.
fn page(ends: std::ops::RangeInclusive<u64>, up_to_date: &str) -> Act {
    let envelope = |end| {
        let payload = format!("{{\"type\":\"message\",\"data\":\"{end}\"}}");
        format!("{{\"sequence\":{end},\"nextOffset\":\"{}\",\"payload\":{payload}}}", token(end))
    };
    let last = next(*ends.end());
    let envelopes: Vec<_> = ends.map(envelope).collect();
    let header = format!("stream-up-to-date: {up_to_date}");
    answer("200 OK", &[&last, &header], &format!("[{}]", envelopes.join(",")))
}

/// Two records, of which the first is not the one before the second.
const HOLE: &str = r#"[{"sequence":1,"nextOffset":"0000000000000001_0000000000000001","payload":1},
    {"sequence":3,"nextOffset":"0000000000000001_0000000000000002","payload":1}]"#;

fn at(position: u64) -> Cursor {
    Cursor::new(Epoch::new(1), position)
}

async fn read(log: &RemoteReplay, after: u64, events: usize) -> Result<Page, ReadError> {
    let events = NonZeroUsize::new(events).unwrap();
    log.read(at(after), Budget { events, ..Budget::default() }).await
}

fn ends(page: &Page) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.cursor.offset).collect()
}

#[tokio::test]
async fn a_read_is_repeated_until_it_is_answered() {
    let bad = answer("502 Bad Gateway", &[], "<html>");
    let half = Act::BreakOff("HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n[{".to_owned());
    let (peer, log) = log([close(), bad, half, Act::Hang, page(1..=3, "true")]).await;
    let page = read(&log, 0, 10).await.unwrap();
    assert_eq!((ends(&page), page.rest), (vec![1, 2, 3], Rest::Nothing));
    let line = format!("GET /v1/stream/events?offset={}&records=true HTTP/1.1", token(0));
    assert_eq!(peer.requests(), vec![line; 5]);
}

#[tokio::test]
async fn who_catches_up_in_small_pages_has_each_record_sent_once() {
    let acts = [page(1..=10, "true"), page(10..=11, "true"), page(11..=11, "true")];
    let (peer, log) = log(acts).await;
    for (after, expected) in [(0, [1, 2, 3]), (3, [4, 5, 6]), (6, [7, 8, 9])] {
        let page = read(&log, after, 3).await.unwrap();
        assert_eq!((ends(&page), page.rest), (expected.to_vec(), Rest::More));
        assert_eq!(peer.requests().len(), 1);
    }
    // What was the end then need not be it any more, so the server is asked.
    let page = read(&log, 9, 3).await.unwrap();
    assert_eq!((ends(&page), page.rest), (vec![10, 11], Rest::Nothing));
    assert_eq!(peer.requests().len(), 2);
    // Somebody else is somewhere else.
    assert_eq!(ends(&read(&log, 10, 3).await.unwrap()), [11]);
}

#[tokio::test]
async fn behind_an_answer_that_was_not_the_end_there_is_more() {
    let (peer, log) = log([page(1..=4, "false"), page(5..=5, "true")]).await;
    assert_eq!(ends(&read(&log, 0, 3).await.unwrap()), [1, 2, 3]);
    let page = read(&log, 3, 3).await.unwrap();
    assert_eq!((ends(&page), page.rest), (vec![4], Rest::More));
    assert_eq!(peer.requests().len(), 1);
    let page = read(&log, 4, 3).await.unwrap();
    assert_eq!((ends(&page), page.rest), (vec![5], Rest::Nothing));
}

#[tokio::test]
async fn an_answer_without_an_end_is_given_up() {
    for act in [Act::Endless, page(1..=2_000, "true")] {
        let (peer, log) = log([act]).await;
        let error = read(&log, 0, 10).await.unwrap_err();
        assert!(matches!(error, ReadError::Unavailable(_)), "{error:?}");
        assert_eq!(peer.requests().len(), 1, "it would be as large the next time");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let (peer, log) = log(std::iter::repeat_n(Act::Hang, 100)).await;
    let error = read(&log, 0, 10).await.unwrap_err();
    assert!(matches!(error, ReadError::Unavailable(_)), "{error:?}");
    // A second and a half for each, for four seconds.
    assert!((2..=5).contains(&peer.requests().len()), "{}", peer.requests().len());
}

#[tokio::test]
async fn what_is_no_page_is_an_error() {
    for body in ["", "{}", "<html>", "[{\"payload\":1}]", HOLE] {
        let (_peer, log) = log([answer("200 OK", &[&next(2)], body)]).await;
        let error = read(&log, 0, 10).await.unwrap_err();
        assert!(matches!(error, ReadError::Unavailable(_)), "{body}: {error:?}");
    }
    let corrupt = refusal("500 Internal Server Error", "corrupt", "no", "definite");
    let (_peer, log) = log([corrupt, answer("200 OK", &[&next(9)], "")]).await;
    assert!(matches!(read(&log, 0, 10).await, Err(ReadError::Damaged(_))));
}

#[tokio::test]
async fn a_refused_cursor_is_judged_by_what_the_stream_holds() {
    let gone = || refusal("410 Gone", "offset_expired", "no", "definite");
    let beyond = || refusal("400 Bad Request", "offset_beyond_tail", "no", "definite");
    let earliest = format!("stream-earliest-offset: {}", token(5));
    let extent = || answer("200 OK", &[&next(9), &earliest], "");
    for (refused, after, expected) in [
        (gone(), at(4), "Expired"),
        (beyond(), at(10), "Ahead"),
        (beyond(), Cursor::new(Epoch::new(2), 7), "OtherEpoch"),
        (gone(), Cursor::new(Epoch::new(0), 0), "OtherEpoch"),
    ] {
        let (peer, log) = log([refused, extent()]).await;
        let error = log.read(after, Budget::default()).await.unwrap_err();
        let head = match &error {
            ReadError::Expired { head } | ReadError::Ahead { head } => *head,
            ReadError::OtherEpoch { head } => *head,
            _ => panic!("{error:?}"),
        };
        assert!(format!("{error:?}").starts_with(expected), "{after}: {error:?}");
        assert_eq!((head.epoch, head.floor, head.newest), (Epoch::new(1), 5, 9));
        assert_eq!(peer.requests().len(), 2);
    }
}
