//! The chat of `crates/ws/examples` in Chromium: rooms are apart, and pages come back after the server was stopped or killed.

use headwater_tests::browser::{Browser, Page};
use headwater_tests::example::Example;
use headwater_tests::{binary, wait};
use serde_json::{Value, json};

/// What a page shows once it shows so many lines: those that somebody said, not who came and went.
fn said(browser: &mut Browser, page: &Page, lines: usize) -> Vec<Value> {
    let mut shown = browser.records(page, lines);
    shown.retain(|line| line["text"] != "is here" && line["text"] != "has left");
    shown
}

#[test]
fn pages_chat_in_rooms_and_come_back_after_the_server_does() {
    let start = |address: &str| Example::start(binary::chat(), &[address]);
    let chat = start("127.0.0.1:0");
    let address = chat.address.clone();
    let url = |room: &str| format!("http://{address}/#{room}");
    let mut browser = Browser::start();
    // One after the other, so that each knows its name.
    let one = browser.visit("one", &url("harbour"));
    browser.records(&one, 1);
    let two = browser.visit("two", &url("harbour"));
    browser.records(&two, 1);
    let elsewhere = browser.visit("elsewhere", &url("market"));
    browser.records(&elsewhere, 1);

    browser.append(&one, "ahoy <b>you</b>\u{1F6A2}");
    browser.append(&elsewhere, "fish");
    let hello = [json!({ "from": "guest 1", "text": "ahoy <b>you</b>\u{1F6A2}" })];
    assert_eq!(said(&mut browser, &one, 3), hello);
    assert_eq!(said(&mut browser, &two, 2), hello);
    let fish = json!({ "from": "guest 3", "text": "fish" });
    assert_eq!(said(&mut browser, &elsewhere, 2), [fish], "another room");

    chat.stop();
    browser.expect_state(&one, "reconnecting");
    let chat = start(&address);
    browser.expect_state(&one, "live");
    browser.expect_state(&two, "live");
    drop(chat);
    browser.expect_state(&two, "reconnecting");
    browser.expect_state(&one, "reconnecting");
    let _chat = start(&address);
    browser.expect_state(&one, "live");
    browser.expect_state(&two, "live");
    assert_eq!(browser.number(&two, "connections"), 3);
    browser.append(&two, "still here");
    wait::until("what was said after the restarts is shown", || {
        let last = said(&mut browser, &one, 1).pop();
        last.filter(|line| line["text"] == "still here")
    });
}
