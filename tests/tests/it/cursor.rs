//! `Stream-Cursor`: the number of the 20-second interval, and always past what the client has.

use std::time::{SystemTime, UNIX_EPOCH};

use headwater_tests::{Server, on_each_storage};

/// 2024-10-09T00:00:00Z, from which intervals are counted, in seconds since the Unix epoch.
const COUNTED_FROM: u64 = 1_728_432_000;

/// The length of an interval, in seconds.
const INTERVAL: u64 = 20;

/// The most a cursor may jump past the client's, in intervals: an hour.
const LARGEST_JUMP: u64 = 3_600 / INTERVAL;

fn interval_now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs();
    (now - COUNTED_FROM) / INTERVAL
}

fn parse(cursor: &str) -> u64 {
    assert!(!cursor.is_empty() && cursor.bytes().all(|b| b.is_ascii_digit()), "{cursor:?}");
    cursor.parse().expect("a cursor in 64 bits")
}

fn by_long_poll(server: &Server, cursor: &str) -> u64 {
    let query = format!("cursor={cursor}&offset=-1&live=long-poll");
    let answer = server.get("s", &query).send().expect(200);
    parse(answer.header("Stream-Cursor").unwrap_or_default())
}

fn by_sse(server: &Server, cursor: &str) -> u64 {
    let query = format!("cursor={cursor}&offset=now&live=sse");
    let control = server.get("s", &query).events().next_control().control();
    parse(control["streamCursor"].as_str().unwrap_or_default())
}

#[test]
fn a_cursor_is_the_interval_or_past_what_the_client_has() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.append_text("s", "x");
        for ask in [by_long_poll, by_sse] {
            for none in ["", "0", "1", "abc", "-5", "1.5", "99999999999999999999999999"] {
                let (before, cursor, after) = (interval_now(), ask(server, none), interval_now());
                assert!((before..=after).contains(&cursor), "cursor={none} gave {cursor}");
            }
            let mut cursor = ask(server, "");
            for _ in 0..5 {
                let next = ask(server, &cursor.to_string());
                assert!(next > cursor, "{next} after {cursor}");
                let jump = next - cursor.max(interval_now());
                assert!(jump <= LARGEST_JUMP + 1, "{next} is far past {cursor}");
                cursor = next;
            }
            let ahead = interval_now() + 100_000;
            assert!(ask(server, &ahead.to_string()) > ahead);
        }
    });
}
