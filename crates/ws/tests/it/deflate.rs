//! permessage-deflate: what goes over it, at every cut, and what must not.

use std::time::Instant;

use flate2::{Compress, Compression, FlushCompress};
use headwater_ws::{
    DecodeError, Decoder, Deflate, Direction, Encoder, Limits, Message, Params, Role, WindowBits,
};
use proptest::prelude::*;

use crate::support::{Frame, Seen, decode};

const FRESH: Direction = Direction { context_takeover: false, window_bits: WindowBits::MAX };

fn both(direction: Direction) -> Params {
    Params { server: direction, client: direction }
}

fn server(limits: Limits, direction: Direction) -> Decoder {
    Decoder::new(Role::Server, limits).with_deflate(both(direction))
}

/// A payload as a client would compress it.
fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::with_capacity(payload.len() + 100);
    Compress::new(Compression::best(), false)
        .compress_vec(payload, &mut compressed, FlushCompress::Sync)
        .unwrap();
    compressed.truncate(compressed.len() - 4);
    compressed
}

fn compressed_frame(payload: Vec<u8>) -> Frame {
    Frame { reserved: 4, ..Frame::new(1, payload) }
}

#[test]
fn the_examples_of_the_standard() {
    // RFC 7692, section 7.2.3: one block, two fragments, no compression, a final block, two blocks.
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let expected = [Seen::Text("Hello".to_owned())];
    let fragments =
        [Frame { fin: false, ..compressed_frame(hello[..3].to_vec()) }, Frame::new(0, &hello[3..])];
    let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    for bytes in [
        compressed_frame(hello.to_vec()).bytes(),
        crate::support::bytes_of(&fragments),
        compressed_frame(stored.to_vec()).bytes(),
        compressed_frame(last.to_vec()).bytes(),
        compressed_frame(two.to_vec()).bytes(),
    ] {
        for cut in 0..bytes.len() {
            let (a, b) = bytes.split_at(cut);
            assert_eq!(decode(server(Limits::DEFAULT, FRESH), &[a, b]), expected, "{cut}");
        }
    }
    // The second message refers to the first.
    let kept = Direction { context_takeover: true, ..FRESH };
    let again = compressed_frame(vec![0xf2, 0x00, 0x11, 0x00, 0x00]).bytes();
    let bytes = [compressed_frame(hello.to_vec()).bytes(), again].concat();
    let seen = decode(server(Limits::DEFAULT, kept), &[&bytes]);
    assert_eq!(seen, [expected.clone(), expected].concat());
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let limits = Limits::DEFAULT.with_inflated_bytes(100_000);
    let run = |length: usize| {
        let bytes = compressed_frame(deflated(&vec![b'x'; length])).bytes();
        server(limits, FRESH).decode(&mut &bytes[..], Instant::now()).map(|seen| seen.is_some())
    };
    assert_eq!(run(100_000), Ok(true));
    assert_eq!(run(100_001), Err(DecodeError::InflatedTooLarge { limit: 100_000 }));
    assert_eq!(run(50_000_000), Err(DecodeError::InflatedTooLarge { limit: 100_000 }));
    let refused = run(50_000_000).unwrap_err();
    assert_eq!(refused.close_code().number(), 1009);
}

#[test]
fn bytes_that_inflate_to_nothing_have_a_limit_too() {
    // Stored blocks of no bytes, without end.
    let nothing = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(30_000);
    let bytes = compressed_frame(nothing).bytes();
    let limits = Limits::DEFAULT.with_message_bytes(100_000);
    let refused = server(limits, FRESH).decode(&mut &bytes[..], Instant::now());
    assert_eq!(refused, Err(DecodeError::MessageTooLarge { limit: 100_000 }));
}

#[test]
fn what_is_damaged_is_refused() {
    let mut seen = Vec::new();
    for damaged in [vec![0xFF; 20], vec![0x06, 0xFF, 0xFF], deflated(&[0xFF, 0xFE, 0xFD])] {
        let bytes = compressed_frame(damaged).bytes();
        seen.extend(decode(server(Limits::DEFAULT, FRESH), &[&bytes]));
    }
    assert_eq!(seen, vec![Seen::Failed(1007); 3]);
}

#[test]
fn the_bit_is_for_the_first_frame_and_for_those_who_agreed() {
    let first = Frame { fin: false, ..compressed_frame(vec![0xf2]) };
    let marked = Frame { reserved: 4, ..Frame::new(0, vec![0x48]) };
    let bytes = crate::support::bytes_of(&[first, marked]);
    assert_eq!(decode(server(Limits::DEFAULT, FRESH), &[&bytes]), [Seen::Failed(1002)]);
    let bytes = compressed_frame(deflated(b"x")).bytes();
    assert_eq!(decode(crate::support::server(), &[&bytes]), [Seen::Failed(1002)]);
}

#[test]
fn text_is_refused_before_its_message_ends() {
    let compressed = deflated(&[b'a', 0xFF, b'b']);
    let first = Frame { fin: false, ..compressed_frame(compressed) };
    let seen = decode(server(Limits::DEFAULT, FRESH), &[&first.bytes()]);
    assert_eq!(seen, [Seen::Failed(1007)]);
}

/// Many messages on one connection, over every kind of agreement, cut anywhere.
fn round_trip(direction: Direction, messages: &[String], from: Role, chunk: usize) {
    let to = if from == Role::Client { Role::Server } else { Role::Client };
    let wanted = Deflate::DEFAULT.with_threshold(0);
    let mut encoder = Encoder::new(from).with_deflate(both(direction), &wanted);
    let mut out = Vec::new();
    for text in messages {
        encoder.message(&Message::text(text.clone()), &mut out).unwrap();
    }
    let wire = out.concat();
    let pieces: Vec<_> = wire.chunks(chunk).collect();
    let seen = decode(Decoder::new(to, Limits::DEFAULT).with_deflate(both(direction)), &pieces);
    let expected: Vec<_> = messages.iter().cloned().map(Seen::Text).collect();
    assert_eq!(seen, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_one_end_compresses_the_other_inflates(
        messages in prop::collection::vec("([a-c]{1,40}|[a-zé€😀]{0,300}){0,4}", 1..6),
        bits in 8_u8..=15,
        context_takeover: bool,
        from_client: bool,
        chunk in 1_usize..600,
    ) {
        let direction = Direction { context_takeover, window_bits: WindowBits::new(bits).unwrap() };
        let from = if from_client { Role::Client } else { Role::Server };
        round_trip(direction, &messages, from, chunk);
    }
}

#[test]
fn a_window_is_kept_to() {
    // The second half repeats the first, from farther back than a window of 9 bits.
    let noise: String = (0_u64..1500)
        .map(|n| char::from(b'a' + (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 59) as u8 % 26))
        .collect();
    let text = format!("{noise}{noise}");
    let size = |bits| {
        let direction = Direction { window_bits: WindowBits::new(bits).unwrap(), ..FRESH };
        let mut encoder =
            Encoder::new(Role::Server).with_deflate(both(direction), &Deflate::DEFAULT);
        let mut out = Vec::new();
        encoder.message(&Message::text(text.clone()), &mut out).unwrap();
        out.concat().len()
    };
    assert!(size(15) * 5 < size(9) * 3, "{} and {}", size(15), size(9));
}

#[test]
fn messages_that_get_no_smaller_leave_no_trace_in_the_compressor() {
    let noise = |seed: u64, length: usize| -> Vec<u8> {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        (0..length).map(|_| next()).collect()
    };
    for context_takeover in [false, true] {
        let direction = Direction { context_takeover, ..FRESH };
        let mut encoder =
            Encoder::new(Role::Server).with_deflate(both(direction), &Deflate::DEFAULT);
        let mut decoder = Decoder::new(Role::Client, Limits::DEFAULT).with_deflate(both(direction));
        for round in 0..60 {
            // Bytes that do not compress, between ones that do.
            let bytes = match round % 3 {
                0 => b"much the same ".repeat(500),
                _ => noise(round, 1000 << (round % 8)),
            };
            let mut out = Vec::new();
            encoder.message(&Message::binary(bytes.clone()), &mut out).unwrap();
            let wire = out.concat();
            assert_eq!(wire[0] & 0x40 != 0, round % 3 == 0, "round {round}");
            let received = decoder.decode(&mut &wire[..], Instant::now()).unwrap();
            assert_eq!(received, Some(headwater_ws::Received::Message(Message::binary(bytes))));
        }
    }
}
