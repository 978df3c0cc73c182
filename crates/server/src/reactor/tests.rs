//! Who falls behind and comes back has everything once and in order; with a part of that left out, this is noticed.

use std::cmp::Ordering::{Greater, Less};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use headwater_engine::{Engine, Options, SystemClock};
use headwater_storage::MemoryStorage;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::planted::Fault;
use crate::{Config, Server};

/// Digits of a number in the text that a stream is filled with.
const DIGITS: usize = 8;

/// Bytes of a large append: many times what is kept in memory for readers.
const APPEND: usize = 256 * 1024;

/// Appends while the reader reads nothing: several times what the kernel takes for it.
const APPENDS: usize = 64;

/// Appends that the reader waits for: most of them find it with a thread of the reactor.
const ROUNDS: usize = 4;

/// Lives in which a fault has to be noticed once: it strikes in most of them.
const LIVES: usize = 20;

/// No answer takes longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// A server in this process, on storage in memory.
fn serve(fault: Option<Fault>) -> (Runtime, SocketAddr) {
    let runtime = Runtime::new().unwrap();
    let options = Options { tail_bytes: 64 * 1024, ..Options::default() };
    let (clock, storage) = (Arc::new(SystemClock::new()), Arc::new(MemoryStorage::new()));
    let address = runtime.block_on(async {
        let engine = Engine::start(storage, clock, options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = Config { event_threads: Some(1), fault, ..Config::default() };
        tokio::spawn(Server::new(engine, config).serve(listener, std::future::pending()));
        address
    });
    (runtime, address)
}

/// Sends a request, and requires that it is answered with success.
fn call(address: SocketAddr, method: &str, body: &str) {
    let mut conn = connect(address);
    let length = body.len();
    let head = format!(
        "{method} /v1/stream/s HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: text/plain\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    conn.write_all(head.as_bytes()).unwrap();
    conn.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    conn.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

fn connect(address: SocketAddr) -> TcpStream {
    let conn = TcpStream::connect(address).unwrap();
    conn.set_read_timeout(Some(DEADLINE)).unwrap();
    conn
}

/// A reader whose answer has begun.
fn follow(address: SocketAddr) -> TcpStream {
    let mut live = connect(address);
    live.write_all(b"GET /v1/stream/s?offset=-1&live=sse HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    live.read_exact(&mut [0; 1]).unwrap();
    live
}

/// What the n-th append has: numbers that stand where they say. The first ones are small enough to be in memory when they are told.
fn numbers(append: usize) -> String {
    let large = APPEND / DIGITS;
    let (first, count) = match append.checked_sub(ROUNDS) {
        Some(nth) => (ROUNDS + nth * large, large),
        None => (append, 1),
    };
    (first..first + count).map(|number| format!("{number:0DIGITS$}")).collect()
}

/// The text of the data events in a body that came in chunks.
fn data(body: &str) -> String {
    let mut lines = body.split("\r\n");
    let mut text = String::new();
    // Lines of lengths and of what they are of, in turns.
    while let (Some(_), Some(chunk)) = (lines.next(), lines.next()) {
        text.push_str(chunk);
    }
    let events = text.split("\n\n").filter(|event| event.contains("event: data\n"));
    let lines =
        events.flat_map(|event| event.lines().filter_map(|line| line.strip_prefix("data:")));
    lines.collect()
}

/// Reads on until the reader has been told so many times that it has everything.
fn catch_up(live: &mut TcpStream, answer: &mut Vec<u8>, times: usize) {
    let mut some = [0; 64 * 1024];
    while String::from_utf8_lossy(answer).matches("\"upToDate\":true").count() < times {
        let read = live.read(&mut some).unwrap();
        assert!(read > 0, "the answer is over");
        answer.extend_from_slice(&some[..read]);
    }
}

/// What a reader gets that has everything some times, then reads nothing until much has been appended, and then all of it.
fn followed(fault: Option<Fault>) -> String {
    let (runtime, address) = serve(fault);
    call(address, "PUT", "");
    let (mut live, mut answer) = (follow(address), Vec::new());
    for append in 0..ROUNDS {
        catch_up(&mut live, &mut answer, append + 1);
        call(address, "POST", &numbers(append));
    }
    (ROUNDS..APPENDS).for_each(|append| call(address, "POST", &numbers(append)));
    let reading = std::thread::spawn(move || {
        // It ends with the stream.
        live.read_to_end(&mut answer).map(|_| String::from_utf8(answer).unwrap()).unwrap()
    });
    // More comes while it catches up.
    (APPENDS..APPENDS + 4).for_each(|append| call(address, "POST", &numbers(append)));
    let mut conn = connect(address);
    conn.write_all(
        b"POST /v1/stream/s HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: text/plain\r\nStream-Closed: true\r\n\
          Content-Length: 0\r\n\r\n",
    )
    .unwrap();
    conn.read_to_end(&mut Vec::new()).unwrap();
    let answer = reading.join().unwrap();
    runtime.shutdown_background();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    data(body)
}

#[test]
fn who_falls_behind_misses_nothing() {
    let expected: String = (0..APPENDS + 4).map(numbers).collect();
    let followed = followed(None);
    assert!(followed == expected, "{} of {} bytes", followed.len(), expected.len());
}

/// A thread that dies takes its readers' connections along, which their clients notice; who comes then is served without it.
#[test]
fn a_thread_that_dies_is_noticed_by_its_readers_and_by_nobody_else() {
    let (_runtime, address) = serve(Some(Fault::Dies));
    call(address, "PUT", "");
    let mut first = follow(address);
    // The library may still have it when the first ones come.
    let mut answer = Vec::new();
    while answer.len() < 1 << 20 {
        call(address, "POST", "x");
        let mut some = [0; 4096];
        let Ok(read @ 1..) = first.read(&mut some) else { break };
        answer.extend_from_slice(&some[..read]);
    }
    assert!(!answer.ends_with(b"0\r\n\r\n"), "{}", String::from_utf8_lossy(&answer));
    let mut second = follow(address);
    call(address, "POST", "y");
    let (mut answer, mut some) = (String::new(), [0; 4096]);
    while !answer.contains("data:y\n") {
        let read = second.read(&mut some).unwrap();
        assert!(read > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&some[..read]).unwrap());
    }
    assert!(answer.contains("data:x"), "{answer}");
}

#[test]
fn what_is_left_out_on_the_way_is_noticed() {
    let expected: String = (0..APPENDS + 4).map(numbers).collect();
    for (fault, comes) in [(Fault::SkipsStorage, Less), (Fault::TellsAgain, Greater)] {
        // A reader may be with the library, or on its own, each time.
        let strikes = |_| followed(Some(fault)).len().cmp(&expected.len()) == comes;
        assert!((0..LIVES).any(strikes), "{fault:?}");
    }
}
