//! Headers to the letter, and what encoders make of messages.

use bytes::Bytes;
use headwater_ws::{
    CloseCode, CloseReason, Closed, ControlPayload, Decoder, Encoder, Limits, Message, Role,
};
use proptest::prelude::*;

use crate::support::{Seen, decode, server};

#[test]
fn what_is_wrong_is_refused_at_its_first_byte() {
    for (what, bytes, code) in [
        ("RSV1", &[0xC1][..], None),
        ("RSV2", &[0xA1], Some(1002)),
        ("RSV3", &[0x91], Some(1002)),
        ("RSV1 of a ping", &[0xC9], Some(1002)),
        ("opcode 3", &[0x83], Some(1002)),
        ("opcode 15", &[0x8F], Some(1002)),
        ("a ping that goes on", &[0x09], Some(1002)),
        ("no mask", &[0x81, 0x01], Some(1002)),
        ("a ping of 126 bytes", &[0x89, 0xFE], Some(1002)),
        ("125 in two bytes", &[0x82, 0xFE, 0, 125], Some(1002)),
        ("65,535 in eight bytes", &[0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], Some(1002)),
        ("2^63", &[0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], Some(1002)),
        (
            "more than a message may have",
            &[0x82, 0xFF, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3, 4],
            Some(1009),
        ),
        ("a part of a header", &[0x82, 0xFE, 1], None),
    ] {
        let expected: Vec<_> = code.map(Seen::Failed).into_iter().collect();
        assert_eq!(decode(server(), &[bytes]), expected, "{what}");
    }
}

#[test]
fn a_client_refuses_masks() {
    let client = Decoder::new(Role::Client, Limits::DEFAULT);
    assert_eq!(decode(client, &[&[0x81, 0x80]]), [Seen::Failed(1002)]);
}

#[test]
fn an_error_is_final() {
    let mut decoder = server();
    let first = decoder.decode(&mut &[0x83][..], std::time::Instant::now()).unwrap_err();
    let again = decoder.decode(&mut &[0x89, 0x80, 0, 0, 0, 0][..], std::time::Instant::now());
    assert_eq!(again.unwrap_err(), first);
}

#[test]
fn a_servers_frames_byte_by_byte() {
    let mut encoder = Encoder::new(Role::Server);
    for (length, header) in [
        (0, &[0x82, 0][..]),
        (125, &[0x82, 125]),
        (126, &[0x82, 126, 0, 126]),
        (65_535, &[0x82, 126, 255, 255]),
        (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let mut out = Vec::new();
        let payload = Bytes::from(vec![7; length]);
        encoder.message(&Message::binary(payload.clone()), &mut out).unwrap();
        assert_eq!(out.concat(), [header, &payload].concat(), "{length}");
        if length > 4096 {
            assert_eq!(out[1].as_ptr(), payload.as_ptr(), "a long payload is not copied");
        }
    }
}

#[test]
fn nothing_follows_a_close() {
    let mut encoder = Encoder::new(Role::Server);
    let mut out = Vec::new();
    encoder.ping(ControlPayload::new("?").unwrap(), &mut out).unwrap();
    encoder.close(Some(&CloseReason::new(CloseCode::NORMAL, "bye")), &mut out).unwrap();
    assert_eq!(out.concat(), b"\x89\x01?\x88\x05\x03\xE8bye");
    assert!(encoder.is_closed());
    assert_eq!(encoder.message(&Message::text("late"), &mut out), Err(Closed));
    assert_eq!(encoder.close(None, &mut out), Err(Closed));
    assert_eq!(encoder.pong(ControlPayload::default(), &mut out), Err(Closed));
    assert_eq!(out.len(), 2);
}

#[test]
fn a_ping_has_at_most_125_bytes() {
    assert!(ControlPayload::new(vec![0; 125]).is_ok());
    assert!(ControlPayload::new(vec![0; 126]).is_err());
}

#[test]
fn masks_differ_from_frame_to_frame() {
    let mut encoder = Encoder::new(Role::Client);
    let mut out = Vec::new();
    for _ in 0..64 {
        encoder.message(&Message::text("same"), &mut out).unwrap();
    }
    out.sort();
    out.dedup();
    assert!(out.len() > 60, "{} masks", out.len());
}

proptest! {
    #[test]
    fn what_one_end_encodes_the_other_decodes(
        messages in prop::collection::vec(("[a-zé€😀]{0,200}", prop::collection::vec(any::<u8>(), 0..5000)), 1..4),
        from_client: bool,
    ) {
        let (from, to) =
            if from_client { (Role::Client, Role::Server) } else { (Role::Server, Role::Client) };
        let (mut encoder, mut out, mut expected) = (Encoder::new(from), Vec::new(), Vec::new());
        for (text, bytes) in messages {
            encoder.message(&Message::text(text.clone()), &mut out).unwrap();
            encoder.message(&Message::binary(bytes.clone()), &mut out).unwrap();
            expected.extend([Seen::Text(text), Seen::Binary(bytes)]);
        }
        let pieces: Vec<&[u8]> = out.iter().map(|piece| &piece[..]).collect();
        prop_assert_eq!(decode(Decoder::new(to, Limits::DEFAULT), &pieces), expected);
    }
}
