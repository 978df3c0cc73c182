//! Values as messages, and what is not one.

use std::collections::BTreeMap;

use headwater_ws::{CloseCode, Config, JsonError, Message, Received};

use crate::peer::{frame, server};

type Point = BTreeMap<String, i64>;

#[tokio::test]
async fn values_go_both_ways_and_a_wrong_one_costs_itself_only() {
    let (mut socket, mut peer) = server(Config::default(), 1 << 16);
    for bytes in [frame(1, br#"{"x":1}"#), frame(1, b"{"), frame(1, b"[1]"), frame(2, b"{}")] {
        peer.send(&bytes).await;
    }
    peer.send(&frame(1, br#"{"x":-9007199254740993}"#)).await;
    peer.send(&frame(8, b"")).await;
    assert_eq!(socket.recv_json::<Point>().await.unwrap(), Some([("x".into(), 1)].into()));
    for code in [CloseCode::INVALID_DATA, CloseCode::INVALID_DATA, CloseCode::UNSUPPORTED_DATA] {
        let error = socket.recv_json::<Point>().await.unwrap_err();
        assert_eq!(error.close_code(), Some(code), "{error:?}");
    }
    let exact = -9_007_199_254_740_993;
    let point = socket.recv_json::<Point>().await.unwrap().unwrap();
    assert_eq!(point, [("x".into(), exact)].into());
    socket.send_json(&point).await.unwrap();
    let sent = Message::text(r#"{"x":-9007199254740993}"#);
    assert_eq!(peer.next().await, Some(Received::Message(sent)));
    let no_form = BTreeMap::from([([1, 2], 3)]);
    let error = socket.send_json(&no_form).await.unwrap_err();
    assert!(matches!(error, JsonError::Value(_)), "{error:?}");
    assert!(matches!(socket.recv_json::<Point>().await, Ok(None)));
    let over = socket.send_json(&point).await.unwrap_err();
    assert!(matches!(over, JsonError::Connection(_)) && over.close_code().is_none(), "{over:?}");
}
