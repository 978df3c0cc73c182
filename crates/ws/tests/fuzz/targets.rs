//! The targets themselves; each is a test that a fuzzer can drive.

use std::time::Instant;

use headwater_ws::{
    Acceptor, Connector, Decoder, Deflate, Limits, Message, Origins, Received, Role,
};
use http::HeaderValue;

use crate::model::interpret;
use crate::support::{Frame, bytes_of, decode, server};

/// So that all targets together take a second or two where nothing else is asked for.
const ITERATIONS: usize = 3_000;

/// A frame as a fuzzer describes it: flags, mask, payload.
type Described = (u8, [u8; 4], Vec<u8>);

/// Most are what a peer may send; the higher bits of the flags spoil one now and then.
fn frame((flags, mask, payload): &Described) -> Frame {
    let opcode = match flags & 0x0F {
        kind @ 0..=2 | kind @ 8..=10 => kind,
        3 if flags & 0x40 != 0 => 3,
        other => other % 3,
    };
    let reserved = if *flags == 0xFF { 4 } else { 0 };
    let mask = (*flags != 0xFE).then_some(*mask);
    let frame = match flags & 0x10 {
        0 => Frame::new(opcode, payload.clone()),
        _ => Frame::more(opcode, payload.clone()),
    };
    Frame { reserved, mask, ..frame }
}

/// Any frames, cut anywhere, are what the model makes of them.
#[test]
fn frames() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Vec<Described>, Vec<u8>)>().for_each(
        |(described, cuts)| {
            let frames: Vec<_> = described.iter().map(frame).collect();
            let bytes = bytes_of(&frames);
            let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
            for cut in cuts {
                let (piece, after) = rest.split_at(usize::from(*cut % 16).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            assert_eq!(decode(server(), &pieces), interpret(&frames), "{frames:?} {cuts:?}");
        },
    );
}

/// Whatever a compressed payload is, it inflates to no more than is allowed, and nothing panics.
#[test]
fn inflating() {
    const MOST: usize = 10_000;
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Vec<Vec<u8>>, bool)>().for_each(
        |(payloads, context_takeover)| {
            let direction = headwater_ws::Direction {
                context_takeover: *context_takeover,
                window_bits: headwater_ws::WindowBits::MAX,
            };
            let params = headwater_ws::Params { server: direction, client: direction };
            let limits = Limits::DEFAULT.with_inflated_bytes(MOST);
            let mut decoder = Decoder::new(Role::Server, limits).with_deflate(params);
            for payload in payloads {
                let bytes = Frame { reserved: 4, ..Frame::new(2, payload.clone()) }.bytes();
                match decoder.decode(&mut &bytes[..], Instant::now()) {
                    Ok(Some(Received::Message(Message::Binary(inflated)))) => {
                        assert!(inflated.len() <= MOST);
                    }
                    Ok(other) => panic!("{other:?}"),
                    Err(_) => return,
                }
            }
        },
    );
}

/// Whatever a client offers, nothing panics, and what is answered is what is agreed on.
#[test]
fn offers() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(String, Vec<u8>)>().for_each(
        |(text, words)| {
            const WORDS: &[&str] = &[
                "permessage-deflate",
                "; server_no_context_takeover",
                "; client_no_context_takeover",
                "; server_max_window_bits=",
                "; client_max_window_bits",
                "=",
                "8",
                "15",
                "9",
                ", ",
                "\"",
                "\\",
            ];
            let words: String =
                words.iter().map(|word| WORDS[usize::from(*word) % WORDS.len()]).collect();
            for offer in [text, &words] {
                let Ok(value) = HeaderValue::from_str(offer) else { continue };
                let connector = Connector::new().with_deflate(Deflate::DEFAULT);
                let (mut request, _) = connector.request(&"ws://x/".parse().unwrap()).unwrap();
                request.headers_mut().insert("sec-websocket-extensions", value);
                let acceptor = Acceptor::new(Origins::any()).with_deflate(Deflate::DEFAULT);
                let Ok((response, accepted)) = acceptor.accept(&request) else { continue };
                let answered = response.headers().contains_key("sec-websocket-extensions");
                assert_eq!(answered, accepted.deflate().is_some());
                assert!(!answered || offer.contains("permessage-deflate"));
            }
        },
    );
}
