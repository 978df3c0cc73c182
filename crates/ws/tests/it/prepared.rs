//! Prepared messages: one frame for all, one compressed form for each size of window.

use bytes::Bytes;
use headwater_ws::{
    Decoder, Deflate, Direction, Encoder, Limits, Message, Params, PreparedMessage, Role,
    WindowBits,
};

use crate::support::{Seen, decode};

fn params(context_takeover: bool, bits: u8) -> Params {
    let direction = Direction { context_takeover, window_bits: WindowBits::new(bits).unwrap() };
    Params { server: direction, client: direction }
}

fn encode(encoder: &mut Encoder, prepared: &PreparedMessage) -> Bytes {
    let mut out = Vec::new();
    encoder.prepared(prepared, &mut out).unwrap();
    assert_eq!(out.len(), 1);
    out.remove(0)
}

#[test]
fn connections_of_the_same_kind_share_the_memory() {
    let prepared = PreparedMessage::new(Message::text("price ".repeat(100)));
    let plain = |_| encode(&mut Encoder::new(Role::Server), &prepared);
    let deflated = |bits| {
        let mut encoder =
            Encoder::new(Role::Server).with_deflate(params(false, bits), &Deflate::DEFAULT);
        encode(&mut encoder, &prepared)
    };
    let (a, b) = (plain(0), plain(1));
    assert_eq!((a.as_ptr(), a.len()), (b.as_ptr(), b.len()));
    let (a, b, other) = (deflated(15), deflated(15), deflated(9));
    assert_eq!((a.as_ptr(), a.len()), (b.as_ptr(), b.len()));
    assert!(a.len() < 100 && a.as_ptr() != other.as_ptr());
    assert_eq!(deflated(8).as_ptr(), plain(2).as_ptr(), "no compressor has so small a window");
}

#[test]
fn what_gets_no_smaller_or_is_short_is_sent_as_it_is() {
    let noise: Vec<u8> =
        (0_u64..400).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
    for message in [Message::binary(noise), Message::text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")] {
        let prepared = PreparedMessage::new(message);
        let mut encoder =
            Encoder::new(Role::Server).with_deflate(params(false, 15), &Deflate::DEFAULT);
        assert_eq!(encode(&mut encoder, &prepared)[0] & 0x40, 0);
    }
}

#[test]
fn a_prepared_message_between_others_does_not_spoil_their_context() {
    let deflate = Deflate::DEFAULT.with_threshold(0);
    let mut encoder = Encoder::new(Role::Server).with_deflate(params(true, 15), &deflate);
    let decoder = Decoder::new(Role::Client, Limits::DEFAULT).with_deflate(params(true, 15));
    let (mut out, mut expected) = (Vec::new(), Vec::new());
    for round in 0..20 {
        let own = format!("one two three {round} one two three");
        let shared = format!("broadcast broadcast {round} broadcast");
        encoder.message(&Message::text(own.clone()), &mut out).unwrap();
        let prepared = PreparedMessage::new(Message::text(shared.clone()));
        encoder.prepared(&prepared, &mut out).unwrap();
        expected.extend([Seen::Text(own), Seen::Text(shared)]);
    }
    assert_eq!(decode(decoder, &[&out.concat()]), expected);
}

#[test]
fn a_client_masks_what_is_prepared_like_anything_else() {
    let prepared = PreparedMessage::from(Message::text("hello"));
    let mut out = Vec::new();
    Encoder::new(Role::Client).prepared(&prepared, &mut out).unwrap();
    let server = Decoder::new(Role::Server, Limits::DEFAULT);
    assert_eq!(decode(server, &[&out.concat()]), [Seen::Text("hello".to_owned())]);
}
