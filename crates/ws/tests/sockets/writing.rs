//! Messages that are written in fragments: what the other end reads, what comes between, and what becomes of those that are given up.

use std::time::Duration;

use bytes::Bytes;
use headwater_ws::{
    Accepted, Acceptor, CloseCode, Config, Connector, Deflate, Direction, Error, Incoming, Limits,
    Message, Origins, Overdue, Received, Role, WebSocket, WindowBits,
};
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::peer::{PATIENCE, frame, server};

const FRAGMENT: usize = 64 * 1024;

/// Ends of a connection on a real socket that agreed on what both want.
pub(crate) async fn pair(deflate: Option<Deflate>, limits: Limits) -> [WebSocket<TcpStream>; 2] {
    let (connector, acceptor) = match deflate {
        None => (Connector::new(), Acceptor::new(Origins::any())),
        Some(wanted) => (
            Connector::new().with_deflate(wanted),
            Acceptor::new(Origins::any()).with_deflate(wanted),
        ),
    };
    let (request, pending) = connector.request(&"ws://x/".parse().unwrap()).unwrap();
    let (response, at_server) = acceptor.accept(&request).unwrap();
    let at_client = pending.check(&response).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let config = Config { limits, ..Config::default() };
    [
        WebSocket::new(server, Role::Server, &at_server, Bytes::new(), config),
        WebSocket::new(client, Role::Client, &at_client, Bytes::new(), config),
    ]
}

/// Letters that compress, with a character of two bytes now and then.
fn letters(length: usize) -> String {
    let mut text = String::with_capacity(length + 1);
    for n in 0_u32.. {
        match length - text.len() {
            0 => break,
            2.. if n % 7 == 0 => text.push('ü'),
            _ => text.push(char::from(b'a' + (n.wrapping_mul(0x9E37_79B9) >> 28) as u8)),
        }
    }
    text
}

#[tokio::test]
async fn what_is_written_in_any_pieces_is_read_whole_and_in_pieces() {
    let direction = Direction { context_takeover: true, window_bits: WindowBits::MAX };
    let takeover = Deflate::DEFAULT.with_server(direction).with_client(direction);
    let limits = Limits::DEFAULT.with_message_bytes(4 << 20);
    for deflate in [None, Some(Deflate::DEFAULT), Some(takeover)] {
        let [mut server, mut client] = pair(deflate, limits).await;
        for length in [0, 1, FRAGMENT - 1, FRAGMENT, FRAGMENT + 1, 200_000] {
            let text = letters(length);
            for step in [100, 4096, 70_000, usize::MAX] {
                let mut pieces = Vec::new();
                let mut rest = text.as_str();
                while !rest.is_empty() {
                    let (piece, after) = rest.split_at(rest.floor_char_boundary(step));
                    pieces.push(piece.to_owned());
                    rest = after;
                }
                for (from, to) in [(0, 1), (1, 0)] {
                    let mut ends = [&mut server, &mut client];
                    let [from, to] = ends.get_disjoint_mut([from, to]).unwrap();
                    let writing = async {
                        let mut message = from.write_text().unwrap();
                        for piece in &pieces {
                            message.write(piece.as_str()).await.unwrap();
                        }
                        message.finish().await.unwrap();
                        from.send(&Message::text(text.clone())).await.unwrap();
                    };
                    let reading = async {
                        let Some(Incoming::Text(mut reader)) = to.recv_pieces().await.unwrap()
                        else {
                            panic!("a text is begun");
                        };
                        let mut all = String::new();
                        while let Some(piece) = reader.next().await.unwrap() {
                            assert!(!piece.is_empty() && piece.len() <= 16 * 1024);
                            all.push_str(&piece);
                        }
                        assert!(all == text, "{length} in steps of {step}, {deflate:?}");
                        // And what is compressed next refers to the right bytes.
                        assert_eq!(to.recv().await.unwrap(), Some(Message::text(text.clone())));
                    };
                    timeout(PATIENCE, async { tokio::join!(writing, reading) }).await.unwrap();
                }
            }
        }
    }
}

/// The first byte of every frame and the length of its payload, of what a server sent without compression.
fn heads(mut bytes: &[u8]) -> Vec<(u8, usize)> {
    let mut heads = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let (length, rest) = match second {
            126 => (u16::from_be_bytes([rest[0], rest[1]]).into(), &rest[2..]),
            127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
            short => (usize::from(*short), rest),
        };
        heads.push((*first, length));
        bytes = &rest[length..];
    }
    heads
}

#[tokio::test]
async fn fragments_are_full_and_flushing_sends_what_there_is() {
    let (mut socket, mut peer) = server(Config::default(), 1 << 20);
    let mut message = socket.write_binary().unwrap();
    message.write(vec![1; 10]).await.unwrap();
    message.write(vec![2; FRAGMENT]).await.unwrap();
    for _ in 0..5 {
        message.write(vec![3; 4095]).await.unwrap();
    }
    message.flush().await.unwrap();
    message.flush().await.unwrap();
    message.finish().await.unwrap();
    // One that fits is a frame like any other.
    let mut message = socket.write_text().unwrap();
    message.write("al").await.unwrap();
    message.write("l").await.unwrap();
    message.finish().await.unwrap();
    drop(socket);
    let mut bytes = Vec::new();
    peer.stream.read_to_end(&mut bytes).await.unwrap();
    let expected = [(0x02, FRAGMENT), (0x00, 10 + 5 * 4095), (0x80, 0), (0x81, 3)];
    assert_eq!(heads(&bytes), expected);
}

#[tokio::test]
async fn pings_are_answered_between_fragments_and_messages_wait_their_turn() {
    let (mut socket, mut peer) = server(Config::default(), 1 << 20);
    let mut message = socket.write_text().unwrap();
    message.write("first, ").await.unwrap();
    message.flush().await.unwrap();
    peer.send(&frame(9, b"here?")).await;
    peer.send(&frame(1, b"mine")).await;
    peer.send(&frame(9, b"behind a message")).await;
    message.write("second").await.unwrap();
    message.flush().await.unwrap();
    assert_eq!(message.recv().await.unwrap(), Some(Message::text("mine")));
    message.flush().await.unwrap();
    message.finish().await.unwrap();
    for asked in ["here?", "behind a message"] {
        match peer.next().await.unwrap() {
            Received::Pong(payload) => assert_eq!(payload.as_bytes(), asked.as_bytes()),
            other => panic!("{other:?}"),
        }
    }
    let whole = Message::text("first, second");
    assert_eq!(peer.next().await, Some(Received::Message(whole)));
}

#[tokio::test]
async fn a_peer_that_closes_in_the_middle_is_answered() {
    let (mut socket, mut peer) = server(Config::default(), 1 << 20);
    let mut message = socket.write_text().unwrap();
    message.write("begun").await.unwrap();
    message.flush().await.unwrap();
    peer.send(&frame(8, &1001_u16.to_be_bytes())).await;
    assert!(matches!(message.write("more").await, Err(Error::Closed)));
    assert!(matches!(message.finish().await, Err(Error::Closed)));
    assert_eq!(peer.close_code().await, Some(1001));
    assert_eq!(peer.next().await, None);
    assert_eq!(socket.close_reason().unwrap().code(), CloseCode::GOING_AWAY);
}

#[tokio::test]
async fn a_peer_that_goes_away_in_the_middle_is_an_error() {
    let [mut server, client] = pair(None, Limits::DEFAULT).await;
    let mut message = server.write_binary().unwrap();
    message.write(vec![0; FRAGMENT]).await.unwrap();
    drop(client);
    let end = async {
        loop {
            if let Err(error) = message.write(vec![0; FRAGMENT]).await {
                return error;
            }
        }
    };
    let error = timeout(PATIENCE, end).await.unwrap();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
}

#[tokio::test]
async fn a_message_that_is_given_up_is_never_taken_for_complete() {
    // Nothing of it has been sent: nothing has happened.
    let (mut socket, mut peer) = server(Config::default(), 1 << 20);
    let mut message = socket.write_text().unwrap();
    message.write("never mind").await.unwrap();
    drop(message);
    socket.send(&Message::text("well")).await.unwrap();
    assert_eq!(peer.next().await, Some(Received::Message(Message::text("well"))));
    // Some of it has.
    let mut message = socket.write_text().unwrap();
    message.write("half of").await.unwrap();
    message.flush().await.unwrap();
    drop(message);
    assert!(matches!(socket.send(&Message::text("another")).await, Err(Error::Closed)));
    assert!(matches!(socket.write_text(), Err(Error::Closed)));
    let closing = tokio::spawn(async move { socket.recv().await });
    assert_eq!(peer.close_code().await, Some(1011), "and no message before");
    peer.send(&frame(8, &1011_u16.to_be_bytes())).await;
    assert!(matches!(closing.await.unwrap(), Ok(None)));
}

#[tokio::test]
async fn a_writer_that_is_forgotten_lets_no_message_into_its_own() {
    let (mut socket, mut peer) = server(Config::default(), 1 << 20);
    let mut message = socket.write_text().unwrap();
    message.write("half of").await.unwrap();
    message.flush().await.unwrap();
    std::mem::forget(message);
    assert!(matches!(socket.queue(&Message::text("x")), Err(Error::Closed)));
    let prepared = Message::text("x").into();
    assert!(matches!(socket.queue_prepared(&prepared), Err(Error::Closed)));
    assert!(matches!(socket.write_binary(), Err(Error::Closed)));
    socket.ping(Default::default()).await.unwrap();
    assert_eq!(peer.next().await, Some(Received::Ping(Default::default())));
    socket.start_close(None);
    socket.flush().await.unwrap();
    assert_eq!(peer.close_code().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_waited_for_and_costs_a_fragment() {
    let (mut socket, mut peer) = server(Config::default(), 1024);
    let start = Instant::now();
    let mut message = socket.write_binary().unwrap();
    let written = message.write(vec![0; 10 * FRAGMENT]).await;
    assert!(matches!(written, Err(Error::Overdue(Overdue::Write))), "{written:?}");
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    drop(message);
    assert!(matches!(socket.recv().await, Ok(None)), "it is over");
    drop(socket);
    let mut bytes = Vec::new();
    peer.stream.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes.len(), 1024);
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_by_cancelling() {
    let (mut socket, peer) = server(Config::default(), 1000);
    let mut stream = peer.stream;
    let reading = tokio::spawn(async move {
        let mut client: WebSocket<DuplexStream> = {
            let (ours, theirs) = tokio::io::duplex(1 << 22);
            let (mut reads, mut writes) = tokio::io::split(theirs);
            tokio::spawn(async move {
                tokio::io::copy(&mut stream, &mut writes).await.unwrap();
                tokio::io::copy(&mut reads, &mut tokio::io::sink()).await.unwrap();
            });
            let accepted = Accepted::default();
            let limits = Limits::DEFAULT.with_message_bytes(4 << 20);
            let config = Config { limits, ..Config::default() };
            WebSocket::new(ours, Role::Client, &accepted, Bytes::new(), config)
        };
        client.recv().await.unwrap()
    });
    let mut message = socket.write_binary().unwrap();
    let mut all = Vec::new();
    for number in 0..40_u8 {
        let piece = vec![number; 3000 * usize::from(number)];
        all.extend_from_slice(&piece);
        tokio::select! {
            biased;
            written = message.write(piece) => written.unwrap(),
            () = tokio::task::yield_now() => {}
        }
    }
    timeout(PATIENCE, message.finish()).await.unwrap().unwrap();
    let read = timeout(PATIENCE, reading).await.unwrap().unwrap();
    assert!(read == Some(Message::binary(all)));
}

#[tokio::test]
async fn a_peer_that_reads_only_when_it_has_written_is_read_meanwhile() {
    // More than the kernel holds, both ways.
    const COUNT: usize = 256;
    let limits = Limits::DEFAULT.with_message_bytes(COUNT * FRAGMENT);
    let [mut server, mut client] = pair(None, limits).await;
    let theirs = Message::binary(vec![6; COUNT * FRAGMENT]);
    let peer = tokio::spawn(async move {
        client.send(&theirs).await.unwrap();
        client.recv().await.unwrap().unwrap()
    });
    let piece = Bytes::from_static(&[5; FRAGMENT]);
    let writing = async {
        let mut message = server.write_binary().unwrap();
        let mut written = 0;
        let read = loop {
            tokio::select! {
                received = message.recv() => break received.unwrap().unwrap(),
                () = std::future::ready(()), if message.queued() < FRAGMENT => {
                    message.queue(piece.clone());
                    written += 1;
                }
            }
        };
        assert_eq!(read.as_bytes().len(), COUNT * FRAGMENT);
        assert!(written < COUNT, "it has not read yet");
        for _ in written..COUNT {
            message.write(piece.clone()).await.unwrap();
        }
        message.finish().await.unwrap();
    };
    timeout(PATIENCE, writing).await.unwrap();
    let read = timeout(PATIENCE, peer).await.unwrap().unwrap();
    assert!(read == Message::binary(vec![5; COUNT * FRAGMENT]));
}
