//! What a client came back with.

use headwater_sse::serve::LastEventId;
use hyper::HeaderMap;
use hyper::header::HeaderValue;

fn parse(values: &[&[u8]]) -> Option<String> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append("last-event-id", HeaderValue::from_bytes(value).unwrap());
    }
    LastEventId::from_headers(&headers).as_deref().map(str::to_owned)
}

#[test]
fn the_header_is_taken_as_the_client_sent_it() {
    assert_eq!(parse(&[]), None);
    assert_eq!(parse(&[b""]).as_deref(), Some(""));
    assert_eq!(parse(&["a:1 \u{1f30a}".as_bytes()]).as_deref(), Some("a:1 \u{1f30a}"));
    // Neither of them can be told from the other, so it is an id that no log gave.
    assert_eq!(parse(&[b"1", b"2"]).as_deref(), Some("1, 2"));
    assert_eq!(parse(&[b"\xff1"]).as_deref(), Some("\u{fffd}1"));
}
