//! What only the inside shows: how much memory a decoder holds.

use super::*;

const LIMIT: usize = 4096;

/// A stream that never completes an event: how it begins, and what then repeats for ever.
struct Flood {
    name: &'static str,
    start: &'static [u8],
    repeat: &'static [u8],
}

const REFUSED: &[Flood] = &[
    Flood { name: "one endless data line", start: b"data: ", repeat: b"x" },
    Flood { name: "many data lines", start: b"", repeat: b"data: x\n" },
    Flood { name: "many empty data lines", start: b"", repeat: b"data\r\n" },
    Flood { name: "an endless type", start: b"event:", repeat: b"ab" },
    Flood { name: "many types", start: b"", repeat: b"event: abc\r" },
    Flood { name: "an endless id", start: b"id:", repeat: b"1" },
    Flood { name: "many ids", start: b"", repeat: b"id: 123\n" },
    Flood { name: "an endless retry", start: b"retry:", repeat: b"0" },
    Flood { name: "invalid UTF-8", start: b"data:", repeat: b"\xFF" },
    Flood { name: "all fields", start: b"", repeat: b"data: x\nid: 1\nevent: y\nretry: 2\n" },
];

const TAKEN: &[Flood] = &[
    Flood { name: "one endless comment", start: b":", repeat: b"x" },
    Flood { name: "many comments", start: b"", repeat: b": keep-alive\n" },
    Flood { name: "an endless unknown field", start: b"unknown:", repeat: b"x: " },
    Flood { name: "an endless field name", start: b"data", repeat: b"a" },
    Flood { name: "many unknown fields", start: b"", repeat: b"dat: x\r\n" },
    Flood { name: "many blank lines", start: b"", repeat: b"\n" },
    Flood { name: "many ids, each dispatched", start: b"", repeat: b"id: 123\n\n" },
    Flood { name: "many messages", start: b"", repeat: b"event: e\ndata: x\n\n" },
];

/// Feeds the flood in chunks and returns how the decoder ended and the most memory it held.
fn drown(flood: &Flood, chunk_len: usize) -> (Result<(), DecodeError>, usize) {
    let mut decoder = Decoder::new().with_event_limit(LIMIT);
    let endless = flood.start.iter().chain(flood.repeat.iter().cycle()).copied();
    let bytes: Vec<u8> = endless.take(64 * LIMIT).collect();
    let mut peak = 0;
    for mut chunk in bytes.chunks(chunk_len) {
        loop {
            let outcome = decoder.decode(&mut chunk);
            peak = peak.max(decoder.name.capacity() + decoder.pending.held());
            match outcome {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => return (Err(error), peak),
            }
        }
    }
    (Ok(()), peak)
}

#[test]
fn a_flood_is_refused_before_it_is_held() {
    for flood in REFUSED {
        for chunk_len in [1, 7, 1000, 64 * LIMIT] {
            let (outcome, peak) = drown(flood, chunk_len);
            let refused = Err(DecodeError::EventTooLarge { limit: LIMIT });
            assert_eq!(outcome, refused, "{} in chunks of {chunk_len}", flood.name);
            // Twice for the doubling, and a little for the smallest buffers.
            assert!(peak <= 2 * LIMIT + 64, "{} held {peak} bytes", flood.name);
        }
    }
}

#[test]
fn what_is_ignored_or_dispatched_takes_no_memory() {
    for flood in TAKEN {
        for chunk_len in [1, 7, 1000, 64 * LIMIT] {
            let (outcome, peak) = drown(flood, chunk_len);
            assert_eq!(outcome, Ok(()), "{} in chunks of {chunk_len}", flood.name);
            assert!(peak <= 64, "{} held {peak} bytes", flood.name);
        }
    }
}

#[test]
fn a_refused_event_is_let_go() {
    let mut decoder = Decoder::new().with_event_limit(LIMIT);
    let fields = [&b"event: x\nretry: 1\ndata: "[..], &[b'x'; LIMIT]].concat();
    let outcome = fields.chunks(7).try_for_each(|mut chunk| decoder.decode(&mut chunk).map(drop));
    assert_eq!(outcome, Err(DecodeError::EventTooLarge { limit: LIMIT }));
    assert_eq!(decoder.pending.held(), 0);
}
