//! The ticker of `crates/sse/examples` in Chromium: over every connection each tick comes once and in order, and a
//! server that starts anew, and so has another epoch, is told from one that went on.

use headwater_tests::binary;
use headwater_tests::browser::Browser;
use headwater_tests::example::Example;
use serde_json::Value;

/// A tick every 20 ms, and streams of at most 600 ms: many connections in little time.
fn start(address: &str) -> Example {
    Example::start(binary::ticker(), &[address, "20", "600"])
}

/// Requires ticks without a gap and without a repetition; returns the last.
#[track_caller]
fn expect_contiguous(records: &[Value]) -> u64 {
    let ticks: Vec<_> = records.iter().map(|record| record["tick"].as_u64().unwrap()).collect();
    assert!(ticks.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ticks:?}");
    *ticks.last().expect("a tick")
}

#[test]
fn a_page_misses_no_tick_and_is_told_when_the_server_began_anew() {
    let ticker = start("127.0.0.1:0");
    let address = ticker.address.clone();
    let mut browser = Browser::start();
    let page = browser.visit("ticker", &format!("http://{address}/"));
    // Two seconds of ticks: the stream has ended several times.
    let before = browser.records(&page, 100);
    expect_contiguous(&before);
    assert!(browser.number(&page, "connections") > 1, "the page came back at least once");

    drop(ticker);
    browser.expect_state(&page, "reconnecting");
    let _ticker = start(&address);
    browser.expect_state(&page, "live");
    let shown = browser.records(&page, before.len() + 150);
    let lost = shown.iter().position(|record| record["reason"].is_string()).expect("it was told");
    assert_eq!(shown[lost]["reason"], "other_epoch");
    expect_contiguous(&shown[..lost]);
    assert_eq!(shown[lost + 1]["tick"], 1, "all that the new one has");
    expect_contiguous(&shown[lost + 1..]);
    let told = shown.iter().filter(|record| record["reason"].is_string()).count();
    assert_eq!(told, 1, "once, and not with every connection");
}
