//! Quiet event streams behind a proxy that cuts connections on which nothing moves.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use headwater_tests::browser::Browser;
use headwater_tests::http::Call;
use headwater_tests::proxy::Proxy;
use headwater_tests::server::target;
use headwater_tests::sse::Sse;
use headwater_tests::{Launch, Server, Storage, wait};
use serde_json::json;

fn start(flags: &[&str]) -> Server {
    let server = Launch::new(Storage::Memory).flags(flags).start();
    server.create_json("s");
    server
}

/// A reader of the whole stream, which has heard that there is nothing.
fn reader(proxy: &Proxy) -> Sse {
    let query = format!("{}?offset=-1&live=sse", target("s"));
    let mut live = Call::new(proxy.address(), "GET", &query).events();
    live.next_control();
    live
}

/// Listens for longer than the proxy waits, and then to a record over the same connection.
fn expect_stays(server: &Server, proxy: &Proxy, patience: Duration) {
    let mut live = reader(proxy);
    let start = Instant::now();
    while start.elapsed() <= patience {
        live.wait_for_comment();
    }
    server.append_json("s", "{\"n\":0}");
    assert_eq!(live.next_data().0.data, "[{\"n\":0}]");
    assert_eq!(proxy.cut(), 0);
}

fn page_url(proxy: &Proxy) -> String {
    format!("http://{}{}", proxy.address(), target("s"))
}

#[test]
fn a_quiet_reader_stays_connected() {
    thread::scope(|scope| {
        scope.spawn(|| {
            let server = start(&["--sse-keep-alive", "1s"]);
            let patience = Duration::from_secs(4);
            expect_stays(&server, &Proxy::start(server.address(), patience), patience);
        });
        // As both are by default, and a browser too.
        let server = start(&[]);
        let patience = Duration::from_secs(20);
        let proxy = Proxy::start(server.address(), patience);
        let mut browser = Browser::start();
        let page = browser.open("event-source", &page_url(&proxy));
        browser.expect_state(&page, "live");
        expect_stays(&server, &proxy, patience);
        assert_eq!(browser.records(&page, 1), [json!({ "n": 0 })]);
        browser.expect_state(&page, "live");
        assert_eq!((proxy.used(), proxy.cut()), (2, 0));
    });
}

#[test]
fn a_reader_that_is_too_quiet_is_cut_and_a_browser_comes_back() {
    let server = start(&["--sse-keep-alive", "1h"]);
    let patience = Duration::from_secs(2);
    let proxy = Proxy::start(server.address(), patience);
    let mut live = reader(&proxy);
    let ended = live.try_event(wait::DEADLINE).expect_err("the proxy cuts").kind();
    assert_eq!((ended, proxy.cut()), (io::ErrorKind::UnexpectedEof, 1));

    let mut browser = Browser::start();
    let page = browser.open("event-source", &page_url(&proxy));
    for number in 0..2 {
        let cut = proxy.cut();
        wait::until("the page's connection is cut", || (proxy.cut() > cut).then_some(()));
        server.append_json("s", &json!({ "n": number }).to_string());
        let expected: Vec<_> = (0..=number).map(|n| json!({ "n": n })).collect();
        assert_eq!(browser.records(&page, expected.len()), expected);
    }
}
