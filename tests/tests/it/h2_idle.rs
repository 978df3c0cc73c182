//! HTTP/2 connections that nobody uses: their client is told before they end, so that it knows of a request that crosses the
//! news whether it was taken. Frame by frame, because a client's library hides this.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use headwater_tests::wait::DEADLINE;
use headwater_tests::{Launch, Server, Storage};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_OF_STREAM_AND_HEADERS: u8 = 5;

/// A stream that no client has opened.
const NO_STREAM_YET: u32 = (1 << 31) - 1;

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

struct Client(TcpStream);

impl Client {
    fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time-out");
        let mut client = Self(stream);
        client.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("a preface");
        client.send(SETTINGS, 0, 0, &[]);
        client
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        self.0.write_all(&frame).expect("the server takes a frame");
    }

    /// Asks for `/healthz`.
    fn ask(&mut self, stream: u32) {
        let mut fields = vec![0x82, 0x86, 0x04, 8];
        fields.extend(b"/healthz");
        fields.extend([0x01, 1, b'x']);
        self.send(HEADERS, END_OF_STREAM_AND_HEADERS, stream, &fields);
    }

    /// The next frame, or nothing at the end.
    fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        match self.0.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            read => read.expect("a frame"),
        }
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.0.read_exact(&mut payload).expect("a whole frame");
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    /// Reads up to the news that the connection ends, and returns the last stream that is still taken.
    fn until_goaway(&mut self) -> u32 {
        loop {
            let frame = self.next().expect("a goodbye before the end");
            if frame.kind == GOAWAY {
                let (last, reason) = (&frame.payload[..4], &frame.payload[4..8]);
                assert_eq!(reason, [0; 4], "no error");
                return u32::from_be_bytes(last.try_into().expect("four bytes"));
            }
        }
    }
}

#[test]
fn a_connection_that_is_idle_is_closed_with_notice() {
    let server = Launch::new(Storage::Memory).flags(&["--head-timeout", "1s"]).start();
    let mut client = Client::connect(&server);
    client.ask(1);
    assert_eq!(client.until_goaway(), NO_STREAM_YET);
    // A request that crosses it is answered, and told to be the last.
    client.ask(3);
    let (mut answered, mut last) = (false, None);
    while let Some(frame) = client.next() {
        match frame.kind {
            PING if frame.flags & ACK == 0 => client.send(PING, ACK, 0, &frame.payload),
            DATA | HEADERS => answered |= frame.stream == 3,
            GOAWAY => last = frame.payload.get(..4).map(<[u8]>::to_vec),
            _ => {}
        }
    }
    assert!(answered);
    assert_eq!(last, Some(vec![0, 0, 0, 3]));
    assert_eq!(server.refusals("idle"), 1.0);
}

#[test]
fn one_that_never_asked_anything_is_told_too() {
    let server = Launch::new(Storage::Memory).flags(&["--head-timeout", "1s"]).start();
    assert_eq!(Client::connect(&server).until_goaway(), NO_STREAM_YET);
    assert_eq!(server.refusals("head_time"), 1.0);
}

#[test]
fn a_client_that_does_not_answer_holds_nothing_up() {
    let server = Launch::new(Storage::Memory).flags(&["--head-timeout", "1s"]).start();
    let mut client = Client::connect(&server);
    // Idle for a second, and then a second to answer in: when the client hears of either does not matter.
    let asked = Instant::now();
    client.ask(1);
    client.until_goaway();
    while client.next().is_some() {}
    assert!(asked.elapsed() >= Duration::from_secs(2), "it had no time to answer");
    assert_eq!(server.refusals("idle"), 1.0);
}
