//! Pages so small that a short stream has several.

use headwater_engine::Options;
use headwater_server::Config;

use crate::rig::Rig;

const CLOSED_TEXT: &str = "Content-Type: text/plain\r\nStream-Closed: true\r\n";

async fn with_pages_of(page_bytes: usize) -> Rig {
    Rig::with(Config::default(), Options { page_bytes, ..Options::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_before_the_end_of_a_closed_stream_leads_on() {
    let rig = with_pages_of(4).await;
    rig.call("PUT", "s", CLOSED_TEXT, "abcdefgh").await.expect(201);
    let mut from = "-1".to_owned();
    for (page, last) in [("abcd", false), ("efgh", true)] {
        let target = format!("s?offset={from}&live=long-poll");
        let answer = rig.call("GET", &target, "", "").await.expect(200);
        assert_eq!(answer.body, page);
        assert_eq!(answer.header("stream-closed").is_some(), last, "{answer:?}");
        assert_eq!(answer.header("stream-up-to-date").is_some(), last, "{answer:?}");
        assert_eq!(answer.header("stream-cursor").is_some(), !last, "{answer:?}");
        from = answer.header("stream-next-offset").unwrap().to_owned();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_split_no_character_where_pages_do() {
    let text = "a€😀é😀z";
    // A page holds at least the longest character.
    for page_bytes in 4..=text.len() {
        let rig = with_pages_of(page_bytes).await;
        rig.call("PUT", "s", CLOSED_TEXT, text).await.expect(201);
        let mut events = rig.events("s?offset=-1&live=sse").await;
        events.until("streamClosed").await;
        let lines = events.read.lines().filter_map(|line| line.strip_prefix("data:"));
        let read: String = lines.filter(|data| !data.starts_with('{')).collect();
        assert_eq!(read, text, "pages of {page_bytes}");
    }
}
