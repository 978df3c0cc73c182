//! What streams cost that nobody uses: after a while, next to nothing.
#![cfg(target_os = "linux")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use headwater_tests::{Launch, Server, Storage, wait};

const STREAMS: usize = 100_000;

/// Connections that create them, each one after the other.
const CONNECTIONS: usize = 16;

/// Most that they may add to the process, in bytes.
const MOST: u64 = 40_000_000;

/// When they have to be idle at the latest.
const WITHIN: Duration = Duration::from_secs(60);

/// Resident memory of the server in bytes.
fn resident(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn create_all(server: &Server) {
    thread::scope(|scope| {
        for first in 0..CONNECTIONS {
            scope.spawn(move || {
                let mut conn = server.connect();
                for number in (first..STREAMS).step_by(CONNECTIONS) {
                    let put = format!(
                        "PUT /v1/stream/idle/{number} HTTP/1.1\r\nHost: x\r\n\
                         Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
                    );
                    conn.write(put.as_bytes()).unwrap();
                    conn.read_response("PUT").unwrap().expect(201);
                }
            });
        }
    });
}

#[test]
fn a_hundred_thousand_idle_streams_add_at_most_40_mb() {
    let server = Launch::new(Storage::Sled).start();
    let before = resident(&server);
    create_all(&server);
    let most = resident(&server) - before;
    let idle = Instant::now();
    let added = wait::until_within(WITHIN, "the memory is given back", || {
        let added = resident(&server).saturating_sub(before);
        (added <= MOST).then_some(added)
    });
    eprintln!(
        "{STREAMS} idle streams add {added} bytes after {:?}, {most} at first, to {before}",
        idle.elapsed()
    );
    assert_eq!(server.read("idle/77777"), b"hello");
}
