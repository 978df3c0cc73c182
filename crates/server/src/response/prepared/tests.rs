//! Who may have what another one was answered.

use headwater_core::StreamKey;
use headwater_core::command::Closing;
use headwater_engine::{Start, Step, Tail};
use http::StatusCode;
use http::header::{ETAG, IF_NONE_MATCH};

use super::*;
use crate::app::App;
use crate::fixture::{app_with_stream, append};

const BY_OFFSET: Keeping = Keeping::ByOffset;

async fn tail(app: &App, key: &StreamKey, start: Start) -> Tail {
    let mut tail = app.engine.tail(key, start).await.unwrap();
    assert!(delivery(&mut tail).await.pieces.is_empty());
    tail
}

async fn delivery(tail: &mut Tail) -> Delivery {
    match tail.next().await.unwrap() {
        Step::Delivery(delivery) => delivery,
        Step::End(end) => panic!("{end:?}"),
    }
}

fn text(reply: &Reply) -> String {
    let pieces = reply.body().pieces();
    let pieces: Vec<_> = pieces.iter().map(|piece| piece.memory().unwrap().as_ref()).collect();
    String::from_utf8(pieces.concat()).unwrap()
}

fn nothing() -> KnownPages {
    KnownPages::default()
}

fn anything() -> KnownPages {
    let any = HeaderValue::from_static("*");
    KnownPages::of(&HeaderMap::from_iter([(IF_NONE_MATCH, any)]))
}

/// Readers at two places of a stream that has grown to one state under both, and then to its end.
#[tokio::test]
async fn nobody_is_given_what_was_made_for_another_place_state_or_way() {
    let (app, key) = app_with_stream("text/plain").await;
    let mut behind = tail(&app, &key, Start::Beginning).await;
    append(&app, &key, "abc", Closing::KeepOpen).await;
    let mut ahead = tail(&app, &key, Start::Now).await;
    append(&app, &key, "defg", Closing::KeepOpen).await;
    let (to_ahead, to_behind) = (delivery(&mut ahead).await, delivery(&mut behind).await);
    let state = Arc::clone(&to_ahead.state);
    assert!(Arc::ptr_eq(&state, &to_behind.state));
    // An end without a byte more: the same places, told otherwise.
    append(&app, &key, "", Closing::Close).await;
    let to_the_end = delivery(&mut ahead).await;
    let last = Arc::clone(&to_the_end.state);

    assert!(again(&state, 3, &nothing(), BY_OFFSET).is_none());
    let all = [
        (&to_ahead, 3, "defg", Ending::Open),
        (&to_behind, 0, "abcdefg", Ending::Open),
        (&to_ahead, 3, "defg", Ending::Open),
        (&to_the_end, 3, "defg", Ending::Closed),
        (&to_behind, 0, "abcdefg", Ending::Open),
    ];
    for (delivery, from, expected, ending) in all {
        let reply = answer(delivery.clone(), from, &nothing(), BY_OFFSET);
        let closed = reply.headers().contains_key(headers::CLOSED);
        assert_eq!((text(&reply).as_str(), closed), (expected, ending == Ending::Closed));
    }
    for (delivery, from, expected, ending) in all {
        answer(delivery.clone(), from, &nothing(), BY_OFFSET);
        let (reply, told) = again(&delivery.state, from, &nothing(), BY_OFFSET).unwrap();
        assert_eq!((text(&reply).as_str(), told), (expected, ending));
        let other = if Arc::ptr_eq(&delivery.state, &state) { &last } else { &state };
        for (state, from, known, keeping) in [
            (&delivery.state, 3 - from, nothing(), BY_OFFSET),
            (&delivery.state, from, anything(), BY_OFFSET),
            (&delivery.state, from, nothing(), Keeping::FromNow),
            (other, from, nothing(), BY_OFFSET),
        ] {
            assert!(again(state, from, &known, keeping).is_none(), "{from} {known:?} {keeping:?}");
        }
        let known = answer(delivery.clone(), from, &anything(), BY_OFFSET);
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        let from_now = answer(delivery.clone(), from, &nothing(), Keeping::FromNow);
        assert!(!from_now.headers().contains_key(ETAG));
    }
}
