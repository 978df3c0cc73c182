//! Hundreds of empty creates at once, each on a connection of its own: all are answered, and none waits for long.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use headwater_tests::wait::DEADLINE;
use headwater_tests::{Launch, Server, Storage};

/// How many at once.
const CREATES: usize = 300;

/// All must be answered by then, on a release build; `cargo xtask siege` measures that.
const IN_TIME: Duration = Duration::from_millis(50);

/// An unoptimised server on a machine that runs other tests at the same time may take so many times as long.
const UNOPTIMISED: u32 = 4;

/// Other work only ever adds to a round, so the shortest of many tells what the server takes.
const ROUNDS: usize = 40;

#[test]
fn three_hundred_empty_creates_at_once_are_quick() {
    let server = Launch::new(Storage::Memory).start();
    let mut conns: Vec<TcpStream> = (0..CREATES).map(|_| connect(&server)).collect();
    let most = if cfg!(debug_assertions) { IN_TIME * UNOPTIMISED } else { IN_TIME };
    let mut shortest = Duration::MAX;
    let mut rounds = 0;
    while rounds < ROUNDS && shortest > IN_TIME {
        shortest = shortest.min(all_at_once(&mut conns, rounds));
        rounds += 1;
    }
    eprintln!("reached: {CREATES} empty creates at once in {shortest:?}, in {rounds} rounds");
    assert!(shortest <= most, "{shortest:?} at best in {rounds} rounds");
}

fn connect(server: &Server) -> TcpStream {
    let conn = TcpStream::connect(server.address()).expect("a connection");
    conn.set_nodelay(true).expect("a socket");
    conn.set_read_timeout(Some(DEADLINE)).expect("a socket");
    conn
}

/// From the first request to the last answer.
fn all_at_once(conns: &mut [TcpStream], round: usize) -> Duration {
    let request = |nth: usize| {
        format!(
            "PUT /v1/stream/{round}-{nth} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let requests: Vec<String> = (0..conns.len()).map(request).collect();
    let begun = Instant::now();
    for (conn, request) in conns.iter_mut().zip(&requests) {
        conn.write_all(request.as_bytes()).expect("a request");
    }
    for conn in conns {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut piece = [0; 1024];
            let count = conn.read(&mut piece).expect("an answer in time");
            assert!(count > 0, "a connection ended");
            answer.extend_from_slice(&piece[..count]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 201 "), "{}", String::from_utf8_lossy(&answer));
    }
    begun.elapsed()
}
