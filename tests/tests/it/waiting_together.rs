//! What readers are told that wait for the same in a long poll. It is made once for all of them, and nobody may get what is
//! another one's.

use std::time::Duration;

use headwater_tests::http::{Pending, Response};
use headwater_tests::offset::Offset;
use headwater_tests::{Server, on_each_storage};

/// Streams that look alike but for what they are called, what they are, and what is in them.
const STREAMS: [(&str, &str); 3] =
    [("a", "text/plain"), ("b", "text/plain"), ("c", "application/json")];

/// What an answer says as a read of the same does.
const SAME: [&str; 6] = [
    "Content-Type",
    "Cache-Control",
    "ETag",
    "Stream-Next-Offset",
    "Stream-Up-To-Date",
    "Stream-Closed",
];

/// The cursor that one of them echoes: far in the future.
const ECHOED: u64 = 99_999_999;

/// How one of them asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plainly,
    WithName,
    WithCursor,
    WithTag,
    FromNow,
}

const WAYS: [Way; 5] = [Way::Plainly, Way::WithName, Way::WithCursor, Way::WithTag, Way::FromNow];

/// One that waits.
struct Waiter {
    stream: &'static str,
    from: Offset,
    way: Way,
    call: Pending,
}

impl Waiter {
    fn start(server: &Server, stream: &'static str, from: &Offset, way: Way) -> Self {
        let by_offset = format!("offset={from}&live=long-poll");
        let get = |query: &str| server.get(stream, query);
        let call = match way {
            Way::Plainly => get(&by_offset),
            Way::WithName => get(&by_offset).header("X-Request-Id", stream),
            Way::WithCursor => get(&format!("{by_offset}&cursor={ECHOED}")),
            Way::WithTag => get(&by_offset).header("If-None-Match", "*"),
            Way::FromNow => get("offset=now&live=long-poll"),
        };
        Self { stream, from: from.clone(), way, call: call.start() }
    }

    fn parked(self) -> Self {
        let call = self.call.expect_parked(Duration::from_millis(30));
        Self { call, ..self }
    }

    /// Checks what it is told when something has come; returns what its request is called.
    fn judge(self, server: &Server) -> String {
        let Self { stream, from, way, call } = self;
        let page = server.page(stream, &from).expect(200);
        let told = call.finish();
        let same = |names: &[&str]| {
            for name in names {
                assert_eq!(told.header(name), page.header(name), "{name}, {way:?}: {told}");
            }
        };
        match way {
            Way::WithTag => {
                same(&SAME[1..]);
                told.clone().expect(304).expect_body("");
            }
            Way::FromNow => {
                told.clone().expect(200).expect_no_header("ETag").expect_body(&page.body);
                told.clone().expect_header("Cache-Control", "no-store");
            }
            Way::Plainly | Way::WithName | Way::WithCursor => {
                same(&SAME);
                told.clone().expect(200).expect_body(&page.body);
            }
        }
        check_cursor(way, &told);
        let name = told.header("X-Request-Id").unwrap_or_default().to_owned();
        assert!(way != Way::WithName || name == stream, "{told}");
        name
    }
}

/// After the end there is none, and what is echoed is passed.
fn check_cursor(way: Way, told: &Response) {
    let cursor = told.header("Stream-Cursor").map(|cursor| cursor.parse::<u64>().unwrap());
    assert_eq!(cursor.is_none(), told.closed(), "{told}");
    let passed = cursor.is_none_or(|cursor| cursor > ECHOED);
    assert!(way != Way::WithCursor || passed, "{told}");
}

#[test]
fn who_waits_beside_others_is_told_what_a_read_tells_and_what_is_its_own() {
    on_each_storage(&["--long-poll-timeout", "60s"], |server| {
        let mut tails = STREAMS.map(|(stream, kind)| server.create(stream, kind));
        for last in [false, false, true] {
            let waiters: Vec<_> = STREAMS
                .iter()
                .zip(&tails)
                .flat_map(|((stream, _), from)| {
                    WAYS.map(|way| Waiter::start(server, stream, from, way))
                })
                .collect();
            let waiters: Vec<_> = waiters.into_iter().map(Waiter::parked).collect();
            for ((stream, kind), tail) in STREAMS.iter().zip(&mut tails) {
                let record = format!("\"{stream}\"");
                let call = server.post(stream).content_type(kind).body(record.as_bytes());
                let call = if last { call.header("Stream-Closed", "true") } else { call };
                *tail = call.send().expect(204).offset();
            }
            let names: Vec<_> = waiters.into_iter().map(|waiter| waiter.judge(server)).collect();
            let mut distinct = names.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), STREAMS.len() * WAYS.len(), "{names:?}");
        }
    });
}
