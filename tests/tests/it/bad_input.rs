//! Bytes no good client sends: every request is refused with its one status, never with a 5xx, and
//! the server serves on with its streams untouched.

use std::io;

use headwater_tests::http::{BodyReader, Conn, Response};
use headwater_tests::offset::START;
use headwater_tests::{Server, on_each_storage};

/// What the server must do with a request.
enum Outcome {
    /// An answer with this status; by the HTTP library itself, so possibly bare.
    Bare(u16),
    /// An answer with this status and the JSON error.
    Error(u16),
}

struct Case {
    what: &'static str,
    bytes: Vec<u8>,
    outcome: Outcome,
}

fn case(what: &'static str, bytes: impl Into<Vec<u8>>, outcome: Outcome) -> Case {
    Case { what, bytes: bytes.into(), outcome }
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /v1/stream/s HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}")
}

fn get(query: &str, headers: &str) -> String {
    format!("GET /v1/stream/s{query} HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

/// Heads that are no HTTP: what the library answers before there is a request.
fn broken_heads() -> Vec<Case> {
    use Outcome::{Bare, Error};
    let many: String = (0..10_000).map(|number| format!("X-{number}: y\r\n")).collect();
    vec![
        case("ten thousand headers", get("", &many), Bare(431)),
        case("no HTTP at all", "hello\r\n\r\n", Bare(400)),
        case("binary noise", [0u8, 1, 2, 255, 254, 13, 10, 13, 10].as_slice(), Bare(400)),
        case("a NUL in the path", "GET /v1/stream/a\0b HTTP/1.1\r\nHost: x\r\n\r\n", Bare(400)),
        case("a NUL in a header", get("", "X: a\0b\r\n"), Bare(400)),
        case("a header without a name", get("", ": x\r\n"), Bare(400)),
        case("a header without a colon", get("", "nonsense\r\n"), Bare(400)),
        case("a space before the colon", get("", "X : y\r\n"), Bare(400)),
        case("an unknown version", "GET / HTTP/3.7\r\nHost: x\r\n\r\n", Bare(400)),
        case("no version", "GET /v1/stream/s\r\n\r\n", Bare(400)),
        case("a length that is no number", post("Content-Length: ten\r\n", ""), Bare(400)),
        case("a negative length", post("Content-Length: -1\r\n", ""), Bare(400)),
        case(
            "an absurd length",
            post("Content-Length: 99999999999999999999999\r\n", ""),
            Bare(400),
        ),
        case(
            "two lengths that differ",
            post("Content-Length: 1\r\nContent-Length: 2\r\n", "xy"),
            Bare(400),
        ),
        case(
            "an unknown transfer coding",
            post("Transfer-Encoding: teapot\r\nContent-Type: text/plain\r\n", "x"),
            Bare(400),
        ),
        case(
            "a chunk size that is no number",
            post(
                "Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n",
                "zz\r\nxx\r\n0\r\n\r\n",
            ),
            Error(400),
        ),
        case(
            "an absurd chunk size",
            post(
                "Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n",
                "ffffffffffffffffffff\r\nx\r\n0\r\n\r\n",
            ),
            Error(400),
        ),
        case(
            "a TLS hello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".as_slice(),
            Bare(400),
        ),
    ]
}

fn put_new(headers: &str) -> String {
    format!("PUT /v1/stream/new HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

/// A fork of the stream at its start, with one more header.
fn fork_new(header: &str) -> String {
    put_new(&format!("Stream-Forked-From: /v1/stream/s\r\nStream-Fork-Offset: {START}\r\n{header}"))
}

/// An append of one byte with more headers, which need not be text.
fn append(headers: &[u8]) -> Vec<u8> {
    let head = "POST /v1/stream/s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n";
    [head.as_bytes(), headers, b"\r\nx"].concat()
}

/// An append as a producer, with these two numbers.
fn produce(id: &str, epoch: &str, seq: &str) -> Vec<u8> {
    let headers = format!(
        "Content-Type: text/plain\r\nProducer-Id: {id}\r\nProducer-Epoch: {epoch}\r\n\
         Producer-Seq: {seq}\r\n"
    );
    append(headers.as_bytes())
}

/// Whole requests that ask for what makes no sense. Each answers 400.
fn bad_requests() -> Vec<Case> {
    let huge = "9".repeat(10_000);
    let path = |path: &str| format!("GET /v1/stream/{path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let twice = |name: &str, a: &str, b: &str| {
        append(format!("Content-Type: text/plain\r\n{name}: {a}\r\n{name}: {b}\r\n").as_bytes())
    };
    let bytes = |name: &str| [name.as_bytes(), b": \xff\xfe\r\n"].concat();
    let cases: Vec<(&'static str, Vec<u8>)> = vec![
        ("an absurd epoch", produce("p", &huge, "0")),
        ("an absurd sequence", produce("p", "0", &huge)),
        ("an absurd offset", get(&format!("?offset={huge}"), "").into()),
        ("a NUL in an offset", get("?offset=%00", "").into()),
        ("invalid UTF-8 in an offset", get("?offset=%ff%fe", "").into()),
        ("a NUL in a name", path("%00").into()),
        ("dots in a name", path("../../etc/passwd").into()),
        ("encoded dots", path("%2e%2e/%2e%2e/etc/passwd").into()),
        ("two producer ids", produce("p\r\nProducer-Id: q", "0", "0")),
        ("two epochs", produce("p", "0\r\nProducer-Epoch: 1", "0")),
        ("two sequences", twice("Stream-Seq", "a", "b")),
        ("two closings", twice("Stream-Closed", "true", "false")),
        ("two content types", append(b"Content-Type: text/plain\r\nContent-Type: a/b\r\n")),
        ("a content type that is no text", append(&bytes("Content-Type"))),
        (
            "a producer id that is no text",
            append(
                &[bytes("Producer-Id"), b"Producer-Epoch: 0\r\nProducer-Seq: 0\r\n".into()]
                    .concat(),
            ),
        ),
        ("two lifetimes", put_new("Stream-TTL: 1\r\nStream-TTL: 2\r\n").into()),
        ("an absurd lifetime", put_new(&format!("Stream-TTL: {huge}\r\n")).into()),
        ("an absurd end", put_new(&format!("Stream-Expires-At: {huge}\r\n")).into()),
        ("an absurd fork", fork_new(&format!("Stream-Fork-Offset: {huge}\r\n")).into()),
        ("an absurd sub-offset", fork_new(&format!("Stream-Fork-Sub-Offset: {huge}\r\n")).into()),
        ("two fork sources", fork_new("Stream-Forked-From: /v1/stream/t\r\n").into()),
    ];
    cases.into_iter().map(|(what, bytes)| case(what, bytes, Outcome::Error(400))).collect()
}

fn answer_to(server: &Server, bytes: &[u8]) -> io::Result<Response> {
    let mut conn: Conn = server.connect();
    // The server may hang up in the middle of what it refuses.
    let _ = conn.write(bytes);
    conn.read_response("GET")
}

#[track_caller]
fn check(server: &Server, cases: Vec<Case>) {
    for Case { what, bytes, outcome } in cases {
        let answer = answer_to(server, &bytes);
        match (outcome, &answer) {
            (Outcome::Bare(status), Ok(answer)) => {
                assert_eq!(answer.status(), status, "{what}: {answer}");
            }
            (Outcome::Error(status), Ok(answer)) => {
                assert_eq!(answer.status(), status, "{what}: {answer}");
                assert!(!answer.error_code().is_empty(), "{what}: {answer}");
            }
            (_, Err(error)) => panic!("{what}: no answer: {error}"),
        }
        let read = server.get("s", "").send().expect(200);
        assert_eq!(read.text(), "untouched", "after {what}");
    }
    server.head("new").send().expect(404);
}

#[test]
fn broken_heads_are_refused_and_hurt_nobody() {
    on_each_storage(&[], |server| {
        server.put("s").text("untouched").send().expect(201);
        check(server, broken_heads());
    });
}

/// The frames of HTTP/2 in what a server sent: the type and the payload of each.
fn frames(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut frames = Vec::new();
    while let [high, middle, low, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
        let (payload, after) = rest.split_at(length);
        frames.push((*kind, payload));
        bytes = after;
    }
    assert!(bytes.is_empty(), "half a frame: {bytes:?}");
    frames
}

#[test]
fn noise_after_the_preface_of_http2_ends_the_connection_with_a_reason() {
    const GOAWAY: u8 = 7;
    const FRAME_SIZE_ERROR: [u8; 4] = 6_u32.to_be_bytes();
    on_each_storage(&[], |server| {
        server.put("s").text("untouched").send().expect(201);
        let mut conn = server.connect();
        // As the head of a frame this announces seven million bytes.
        conn.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnoise noise").unwrap();
        let sent = BodyReader::UntilClose.read_all(&mut conn).expect("frames and then the end");
        let frames = frames(&sent);
        let Some((GOAWAY, reason)) = frames.last() else { panic!("no GOAWAY: {frames:?}") };
        assert_eq!(reason[4..8], FRAME_SIZE_ERROR, "{frames:?}");
        assert_eq!(server.read_text("s"), "untouched");
    });
}

#[test]
fn senseless_requests_are_refused_with_a_clear_error() {
    on_each_storage(&[], |server| {
        server.put("s").text("untouched").send().expect(201);
        check(server, bad_requests());
    });
}

#[test]
fn length_and_chunks_together_are_never_two_requests() {
    on_each_storage(&[], |server| {
        server.put("s").text("untouched").send().expect(201);
        // If the two framings were read differently, the rest would be a request of its own.
        let hidden = "POST /v1/stream/s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\
                      Content-Length: 8\r\n\r\nsmuggled";
        let body = format!("0\r\n\r\n{hidden}");
        let headers = format!(
            "Content-Type: text/plain\r\nStream-Closed: no\r\nTransfer-Encoding: chunked\r\n\
             Content-Length: {}\r\n",
            body.len()
        );
        let answer = answer_to(server, post(&headers, &body).as_bytes()).expect("an answer");
        answer.expect_error(400, "invalid_request");
        server.post("s").text("+").send().expect(204);
        assert_eq!(server.read_text("s"), "untouched+");
    });
}

#[test]
fn random_noise_hurts_nobody() {
    use rand::{RngExt as _, SeedableRng as _};
    let seed: u64 = rand::random();
    on_each_storage(&[], |server| {
        server.put("s").text("untouched").send().expect(201);
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let whole =
            post("Content-Type: text/plain\r\nIf-Match: \"x\"\r\nContent-Length: 5\r\n", "12345");
        for round in 0..300 {
            let mut bytes = whole.clone().into_bytes();
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..bytes.len());
                match random.random_range(0..3) {
                    0 => bytes[at] = random.random(),
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, random.random()),
                }
            }
            let mut conn = server.connect();
            let _ = conn.write(&bytes);
            let _ = conn.finish_writing();
            // Noise may be whole, and taken or refused; or it may end before its head does, which nobody answers.
            match conn.read_response("POST") {
                Ok(answer) => {
                    assert!(answer.status() < 500, "seed {seed} round {round}: {answer}");
                }
                Err(error) => {
                    let waited = error.kind() == io::ErrorKind::TimedOut;
                    assert!(!waited, "seed {seed} round {round}: neither an answer nor the end");
                }
            }
        }
        server.get("s", "").send().expect(200);
        server.append_text("s", "!");
        assert!(server.read("s").starts_with(b"untouched"));
    });
}
