//! HTTP/2 clients that open no window for what they asked: their streams stall and not their socket, which goes on answering
//! pings. What is held for them is accounted for, and what they do not take is taken from them alone.

use headwater_tests::{Launch, Server, Storage, on_each_storage, wait};
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::h2c::{PATIENCE, Sender, connect_as, request, send, text, whole};

/// More than a piece, so that the end of the answer is a piece of its own.
const LARGE: usize = 70_000;

fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(test);
}

/// A client that opens a window of so many bytes for each answer, and more only when it is read.
async fn with_window(server: &Server, bytes: u32) -> Sender {
    let mut client = http2::Builder::new(TokioExecutor::new());
    client.initial_stream_window_size(bytes).initial_connection_window_size(1 << 20);
    connect_as(server, &client).await
}

async fn get(server: &Server, sender: &Sender, path_and_query: &str) -> Response<Incoming> {
    send(sender, request(server, "GET", path_and_query, whole(""))).await
}

/// Reads events until they say that.
async fn read_to(events: Response<Incoming>, what: &str) {
    let (mut body, mut seen) = (events.into_body(), String::new());
    while !seen.contains(what) {
        let frame = timeout(PATIENCE, body.frame()).await.expect("in time");
        let frame = frame.expect("more events").expect("no error");
        seen.push_str(&String::from_utf8_lossy(&frame.into_data().expect("data")));
    }
}

/// Live readers, and requests in flight.
fn inside(server: &Server) -> (u64, u64) {
    let status = server.operate("/v1/admin/status").send().expect(200).json();
    let number = |name: &str| status[name].as_u64().expect("a number");
    (number("liveReaders"), number("requestsInFlight"))
}

#[test]
fn an_answer_is_accounted_for_until_its_last_byte_may_be_sent() {
    for (bytes, window) in [(2_000, 1), (40_000, 200), (40_000, 39_999), (LARGE, 65_536)] {
        let server = Launch::new(Storage::Sled).start();
        server.create_text("s");
        server.append_text("s", &"x".repeat(bytes));
        server.close("s");
        run(async {
            let sender = with_window(&server, window).await;
            let mut unread = Vec::new();
            for query in ["offset=-1", "offset=-1&records=true", "offset=-1&live=sse"] {
                unread.push(get(&server, &sender, &format!("s?{query}")).await);
            }
            // By the time that another request is answered, which takes no place, whatever can be sent has been.
            assert_eq!(get(&server, &sender, "__ds/none").await.status(), 404);
            assert_eq!(inside(&server), (1, 2), "{bytes} bytes, window {window}");
            let held = server.sample("headwater_read_bytes_held");
            assert!(held >= 2.0 * bytes as f64, "{held} of {bytes} bytes, window {window}");
            for answer in unread {
                assert!(text(answer).await.len() >= bytes);
            }
        });
        wait::until("the places to be given back", || (inside(&server) == (0, 0)).then_some(()));
        assert_eq!(server.sample("headwater_read_bytes_held"), 0.0);
    }
}

/// As a proxy has them that carries many clients over one connection: those who are gone cost the others nothing.
#[test]
fn streams_that_are_not_taken_are_reset_and_the_others_go_on() {
    const STALLED: usize = 5;
    let flags = ["--write-timeout", "2s", "--max-live-readers", "4", "--sse-max-age", "60s"];
    on_each_storage(&flags, |server| {
        server.create_text("large");
        server.append_text("large", &"x".repeat(4 << 20));
        server.create_text("news");
        run(async {
            let sender = with_window(server, 10_000).await;
            let live = get(server, &sender, "news?offset=-1&live=sse").await;
            let live = tokio::spawn(read_to(live, "<the end>"));
            let mut unread = Vec::new();
            for query in ["", "", "&live=sse", "&live=sse", "&live=sse"] {
                unread.push(get(server, &sender, &format!("large?offset=-1{query}")).await);
            }
            let refused = server.get("large", "offset=-1&live=sse").send();
            refused.expect_error(503, "overloaded");
            wait::until("the stalled ones to be reset, while there is news", || {
                server.append_text("news", "<more>");
                (server.refusals("write_time") >= STALLED as f64).then_some(())
            });
            server.append_text("news", "<the end>");
            live.await.expect("a reader that was not disturbed");
            for answer in unread {
                let broken = timeout(PATIENCE, answer.into_body().collect()).await.expect("an end");
                broken.expect_err("a reset stream");
            }
            wait::until("what they held to be given back", || {
                let held = server.sample("headwater_read_bytes_held");
                (inside(server) == (0, 0) && held == 0.0).then_some(())
            });
            assert_eq!(server.refusals("write_time"), STALLED as f64);
            assert!(text(get(server, &sender, "large").await).await.ends_with("xxx"));
        });
    });
}
