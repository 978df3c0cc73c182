//! Messages that are read piece by piece: limits at their edge, what comes between, and readers that are given up.

use bytes::Bytes;
use headwater_ws::{
    Acceptor, Config, Connector, DecodeError, Deflate, Direction, Encoder, Error, Incoming, Limits,
    Message, Origins, Params, Received, Role, Transport, WebSocket, WindowBits,
};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::peer::{PATIENCE, Peer, frame, server};

/// Reads the next message to its end: how many pieces it had, the bytes of the largest, and of all.
async fn measure<T: Transport>(socket: &mut WebSocket<T>) -> Result<(usize, usize, usize), Error> {
    let Some(Incoming::Binary(mut reader)) = socket.recv_pieces().await? else {
        return Err(Error::Closed);
    };
    let mut measured = (0, 0, 0);
    while let Some(piece) = reader.next().await? {
        measured = (measured.0 + 1, measured.1.max(piece.len()), measured.2 + piece.len());
    }
    Ok(measured)
}

/// A fragment of a client's binary message, masked with nothing.
fn fragment(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u64).to_be_bytes();
    match payload.len() {
        ..126 => [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat(),
        126..65_536 => [&[first, 0xFE, length[6], length[7], 0, 0, 0, 0], payload].concat(),
        _ => [&[first, 0xFF][..], &length, &[0; 4], payload].concat(),
    }
}

#[tokio::test(start_paused = true)]
async fn limits_hold_at_their_edge() {
    const LIMIT: usize = 300_000;
    let limits = Limits::DEFAULT.with_message_bytes(LIMIT).with_fragments(3);
    let large = DecodeError::MessageTooLarge { limit: LIMIT };
    let many = DecodeError::TooManyFragments { limit: 3 };
    let half = LIMIT / 2;
    for (frames, expected) in [
        (vec![fragment(0x82, &[1; LIMIT])], Ok(LIMIT)),
        (vec![fragment(0x82, &[1; LIMIT + 1])], Err(large)),
        (vec![fragment(0x02, &[1; 150_000]), fragment(0x80, &[1; 150_000])], Ok(2 * half)),
        (vec![fragment(0x02, &[1; 150_000]), fragment(0x80, &[1; 150_001])], Err(large)),
        (vec![fragment(0x02, b"1"), fragment(0, b""), fragment(0x80, b"2")], Ok(2)),
        (vec![fragment(0x02, b"1"), fragment(0, b"").repeat(3)], Err(many)),
    ] {
        // By who reads all of it and by who reads nothing.
        for reads in [true, false] {
            let (mut socket, mut peer) = server(Config { limits, ..Config::default() }, 1 << 20);
            peer.send(&frames.concat()).await;
            peer.send(&frame(2, b"next")).await;
            let seen = match reads {
                true => measure(&mut socket).await,
                false => match socket.recv_pieces().await {
                    Ok(_) => Ok((0, 0, 0)),
                    Err(error) => Err(error),
                },
            };
            let next = match &seen {
                Ok(_) => socket.recv().await,
                Err(_) => Ok(None),
            };
            match (expected, seen, next) {
                (Ok(length), Ok(seen), Ok(next)) => {
                    assert!(!reads || (seen.2 == length && seen.1 <= 16 * 1024), "{seen:?}");
                    assert_eq!(next, Some(Message::binary("next")));
                }
                (Err(expected), Err(Error::Refused(error)), _)
                | (Err(expected), Ok(_), Err(Error::Refused(error))) => {
                    assert_eq!(error, expected);
                    assert_eq!(peer.close_code().await, Some(error.close_code().number()));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A message of so many zeros, compressed, and a server that inflates up to `limit`.
fn inflating(length: usize, limit: usize) -> (WebSocket<tokio::io::DuplexStream>, Vec<u8>) {
    let connector = Connector::new().with_deflate(Deflate::DEFAULT);
    let (request, _) = connector.request(&"ws://x/".parse().unwrap()).unwrap();
    let acceptor = Acceptor::new(Origins::any()).with_deflate(Deflate::DEFAULT);
    let (_, accepted) = acceptor.accept(&request).unwrap();
    let mut wire = Vec::new();
    let deflate = Direction { context_takeover: false, window_bits: WindowBits::MAX };
    let params = Params { server: deflate, client: deflate };
    let mut encoder = Encoder::new(Role::Client).with_deflate(params, &Deflate::DEFAULT);
    encoder.message(&Message::binary(vec![0; length]), &mut wire).unwrap();
    let wire = wire.concat();
    let (ours, mut theirs) = tokio::io::duplex(1 << 20);
    let limits = Limits::DEFAULT.with_message_bytes(1 << 20).with_inflated_bytes(limit);
    let config = Config { limits, ..Config::default() };
    let sent = wire.clone();
    tokio::spawn(async move {
        // It may be refused before the end.
        let _ = theirs.write_all(&sent).await;
        let mut peer = Peer::new(theirs);
        while peer.next().await.is_some() {}
    });
    (WebSocket::new(ours, Role::Server, &accepted, Bytes::new(), config), wire)
}

#[tokio::test]
async fn what_inflates_to_much_comes_in_small_pieces_up_to_its_limit() {
    const LIMIT: usize = 40 << 20;
    let (mut socket, wire) = inflating(LIMIT, LIMIT);
    assert!(wire.len() < LIMIT / 100, "{} bytes are sent", wire.len());
    let (pieces, largest, all) = measure(&mut socket).await.unwrap();
    assert_eq!(all, LIMIT);
    assert!(largest <= 16 * 1024 && pieces <= LIMIT / (8 * 1024), "{pieces} of {largest}");
    let (mut socket, _) = inflating(LIMIT + 1, LIMIT);
    let end = measure(&mut socket).await;
    let refused = DecodeError::InflatedTooLarge { limit: LIMIT };
    assert!(matches!(end, Err(Error::Refused(error)) if error == refused), "{end:?}");
    // Whoever does not want it is as safe.
    let (mut socket, _) = inflating(LIMIT + 1, LIMIT);
    assert!(socket.recv_pieces().await.unwrap().is_some());
    let end = socket.recv().await;
    assert!(matches!(end, Err(Error::Refused(error)) if error == refused), "{end:?}");
}

#[tokio::test]
async fn a_message_that_is_given_up_keeps_the_window_in_step() {
    let takeover = Direction { context_takeover: true, window_bits: WindowBits::MAX };
    let wanted = Deflate::DEFAULT.with_server(takeover).with_client(takeover).with_threshold(0);
    let (request, pending) =
        Connector::new().with_deflate(wanted).request(&"ws://x/".parse().unwrap()).unwrap();
    let acceptor = Acceptor::new(Origins::any()).with_deflate(wanted);
    let (response, at_server) = acceptor.accept(&request).unwrap();
    let at_client = pending.check(&response).unwrap();
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let config = Config::default();
    let mut server = WebSocket::new(ours, Role::Server, &at_server, Bytes::new(), config);
    let mut client = WebSocket::new(theirs, Role::Client, &at_client, Bytes::new(), config);
    let text = "one after the other, ".repeat(3_000);
    for round in 0..3_usize {
        let sending = async {
            for _ in 0..3 {
                client.send(&Message::text(text.clone())).await.unwrap();
            }
        };
        let reading = async {
            assert!(server.recv_pieces().await.unwrap().is_some());
            match server.recv_pieces().await.unwrap() {
                Some(Incoming::Text(mut reader)) => {
                    for _ in 0..round {
                        reader.next().await.unwrap().unwrap();
                    }
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(server.recv().await.unwrap(), Some(Message::text(text.clone())));
        };
        timeout(PATIENCE, async { tokio::join!(sending, reading) }).await.unwrap();
    }
}

#[tokio::test]
async fn pieces_come_as_they_are_sent_and_pings_are_answered_between() {
    let (mut socket, mut peer) = server(Config::default(), 1 << 16);
    let whole = fragment(0x82, b"abcdef");
    peer.send(&whole[..6 + 2]).await;
    let Some(Incoming::Binary(mut reader)) = socket.recv_pieces().await.unwrap() else {
        panic!("bytes are begun");
    };
    assert_eq!(reader.next().await.unwrap().unwrap(), "ab");
    reader.send(&Message::text("2 of 6")).await.unwrap();
    assert_eq!(peer.next().await, Some(Received::Message(Message::text("2 of 6"))));
    peer.send(&whole[6 + 2..]).await;
    assert_eq!(reader.next().await.unwrap().unwrap(), "cdef");
    assert_eq!(reader.next().await.unwrap(), None);
    assert_eq!(reader.next().await.unwrap(), None, "and that is all");
    // Between two fragments.
    peer.send(&fragment(0x02, b"gh")).await;
    let Some(Incoming::Binary(mut reader)) = socket.recv_pieces().await.unwrap() else {
        panic!("bytes are begun");
    };
    assert_eq!(reader.next().await.unwrap().unwrap(), "gh");
    peer.send(&[frame(9, b"here?"), fragment(0x80, b"ij")].concat()).await;
    assert_eq!(reader.next().await.unwrap().unwrap(), "ij");
    assert_eq!(reader.next().await.unwrap(), None);
    socket.flush().await.unwrap();
    assert!(matches!(peer.next().await, Some(Received::Pong(_))));
}

#[tokio::test]
async fn a_message_that_breaks_off_is_never_complete() {
    // Its peer goes away, closes, or sends what is no text after all.
    for how in 0..3 {
        let (mut socket, mut peer) = server(Config::default(), 1 << 16);
        peer.send(&fragment(0x01, b"half")).await;
        let Some(Incoming::Text(mut reader)) = socket.recv_pieces().await.unwrap() else {
            panic!("a text is begun");
        };
        assert_eq!(reader.next().await.unwrap().unwrap(), "half");
        match how {
            0 => drop(peer),
            1 => {
                peer.send(&frame(8, &4000_u16.to_be_bytes())).await;
                assert!(matches!(reader.next().await, Err(Error::Closed)));
                assert!(matches!(reader.next().await, Err(Error::Closed)));
                assert_eq!(peer.close_code().await, Some(4000));
                continue;
            }
            _ => {
                // The first bytes of a character, at the end.
                peer.send(&fragment(0x80, &[b'e', 0xF0, 0x9F])).await;
                assert_eq!(reader.next().await.unwrap().unwrap(), "e");
                let refused = tokio::spawn(async move { socket.recv().await });
                assert_eq!(peer.close_code().await, Some(1007));
                drop(peer);
                let end = refused.await.unwrap();
                assert!(matches!(end, Err(Error::Refused(DecodeError::InvalidUtf8))));
                continue;
            }
        }
        assert!(matches!(reader.next().await, Err(Error::Transport(_))));
        assert!(matches!(socket.recv_pieces().await, Ok(None)), "it is over");
    }
}

#[tokio::test]
async fn what_a_cancelled_recv_has_kept_comes_first() {
    let (mut socket, mut peer) = server(Config::default(), 1 << 16);
    let whole = fragment(0x82, &(0..100).collect::<Vec<u8>>());
    peer.send(&whole[..50]).await;
    tokio::select! {
        biased;
        _ = socket.recv() => panic!("it is not whole"),
        () = tokio::task::yield_now() => {}
    }
    peer.send(&whole[50..]).await;
    let Some(Incoming::Binary(mut reader)) = socket.recv_pieces().await.unwrap() else {
        panic!("bytes are begun");
    };
    let mut all = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        all.extend_from_slice(&piece);
    }
    assert_eq!(all, (0..100).collect::<Vec<u8>>());
}
