//! The pages of `examples/browser` in Chromium: both are there after the server was killed, was full, or had closed their
//! stream. They come from another origin than the stream, so whatever they do the server must allow to browsers.

use std::fs;
use std::time::Duration;

use headwater_tests::browser::{Browser, Page};
use headwater_tests::server::target;
use headwater_tests::{Launch, Server, Storage, binary, npm, wait};
use serde_json::{Value, json};

/// How often the server is killed.
const KILLS: usize = 3;

/// How many records are appended before each kill, and after it.
const BATCH: usize = 10;

fn url(server: &Server, stream: &str) -> String {
    format!("http://{}{}", server.address(), target(stream))
}

fn append(server: &Server, numbers: std::ops::Range<usize>) {
    for number in numbers {
        server.append_json("s", &json!({ "n": number }).to_string());
    }
}

/// What the server holds.
fn content(server: &Server) -> Vec<Value> {
    server.pages("s").iter().flat_map(|page| page.json().as_array().unwrap().clone()).collect()
}

/// Requires that the pages show what the server holds, once and in order, and returns it.
#[track_caller]
fn expect_same(
    browser: &mut Browser,
    pages: [&Page; 2],
    server: &Server,
    count: usize,
) -> Vec<Value> {
    let shown = pages.map(|page| browser.records(page, count));
    let held = content(server);
    assert_eq!(held.len(), count, "{held:?}");
    for (page, records) in pages.iter().zip(shown) {
        assert_eq!(records, held, "{page:?}");
    }
    held
}

#[track_caller]
fn expect_states(browser: &mut Browser, pages: [&Page; 2], state: &str) {
    for page in pages {
        browser.expect_state(page, state);
    }
}

#[test]
fn both_pages_resume_after_the_server_was_killed() {
    let mut server = Launch::new(Storage::Sled).start();
    let mut browser = Browser::start();
    // The client creates the stream, and the other page waits for it.
    let native = browser.open("event-source", &url(&server, "s"));
    browser.expect_state(&native, "refused");
    let client = browser.open("client", &url(&server, "s"));
    let pages = [&native, &client];
    expect_states(&mut browser, pages, "live");

    let mut count = 0;
    for round in 0..KILLS {
        browser.append(&client, &format!("before kill {round}"));
        wait::until("the page's record is there", || {
            (content(&server).len() > count).then_some(())
        });
        count += 1;
        append(&server, round * 2 * BATCH..(2 * round + 1) * BATCH);
        wait::for_a_moment(Duration::from_millis(rand::random_range(0..50)));
        let address = server.address().to_string();
        server.kill9();
        expect_states(&mut browser, pages, "reconnecting");
        browser.append(&client, &format!("after kill {round}"));
        server = server.launch().clone().listen(&address).start();
        append(&server, (2 * round + 1) * BATCH..(2 * round + 2) * BATCH);
        count += 2 * BATCH + 1;
        expect_same(&mut browser, pages, &server, count);
    }

    let held = expect_same(&mut browser, pages, &server, count);
    let numbers: Vec<_> = held.iter().filter_map(|record| record["n"].as_u64()).collect();
    assert!(numbers.iter().copied().eq(0..(2 * BATCH * KILLS) as u64), "{numbers:?}");
    let texts: Vec<_> = held.iter().filter_map(|record| record["text"].as_str()).collect();
    let said =
        (0..KILLS).flat_map(|round| ["before", "after"].map(|when| format!("{when} kill {round}")));
    assert!(said.eq(texts.iter().copied()), "{texts:?}");

    server.close("s");
    expect_states(&mut browser, pages, "closed");
    expect_same(&mut browser, pages, &server, count);
}

#[test]
fn a_native_page_that_was_refused_goes_on_where_it_was() {
    let mut server = Launch::new(Storage::Sled).start();
    server.create_json("s");
    append(&server, 0..BATCH);
    let mut browser = Browser::start();
    let native = browser.open("event-source", &url(&server, "s"));
    assert_eq!(browser.records(&native, BATCH).len(), BATCH);

    // In its place comes a server that does not know the stream: a browser takes that for the end.
    let address = server.address().to_string();
    let launch = server.launch().clone();
    server.kill9();
    let stranger = Launch::new(Storage::Memory).listen(&address).start();
    browser.expect_state(&native, "refused");
    stranger.stop();
    server = launch.listen(&address).start();
    append(&server, BATCH..2 * BATCH);
    let expected: Vec<_> = (0..2 * BATCH).map(|n| json!({ "n": n })).collect();
    assert_eq!(browser.records(&native, expected.len()), expected);
}

#[test]
fn a_page_may_read_the_server_and_not_just_any() {
    let server = Launch::new(Storage::Memory).start();
    server.create_json("s");
    let mut browser = Browser::start();
    let page = browser.open("event-source", &url(&server, "s"));
    browser.expect_state(&page, "live");
    let missing = url(&server, "missing");
    assert_eq!(browser.access(&page, &missing), json!({ "reached": true, "read": true }));
    let other = browser.other_origin();
    assert_eq!(browser.access(&page, &other), json!({ "reached": true, "read": false }));
}

#[test]
fn the_browser_is_gone_when_its_driver_was_killed() {
    let mut browser = Browser::start();
    assert!(browser.processes().len() > 1, "a browser is several processes");
    browser.kill_driver();
    wait::until("the browser's processes are gone", || {
        browser.processes().is_empty().then_some(())
    });
}

#[test]
fn the_example_names_the_client_that_is_tested() {
    let dependency = |manifest: &std::path::Path, kind: &str| {
        let text = fs::read_to_string(manifest).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        manifest[kind]["@durable-streams/client"].as_str().unwrap().to_owned()
    };
    let example = binary::workspace().join("examples/browser/package.json");
    assert_eq!(
        dependency(&example, "dependencies"),
        dependency(&npm::pinned("package.json"), "devDependencies")
    );
}
