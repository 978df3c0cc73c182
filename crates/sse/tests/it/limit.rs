//! The limit per event, and time that grows with the bytes and not faster.

use std::time::{Duration, Instant};

use headwater_sse::{DecodeError, Decoder};

use crate::support::{observe, observe_with};

/// (stream, size of its largest event by the rule of the limit, messages it has)
const SIZED: &[(&[u8], usize, usize)] = &[
    (b"data: 12345\n\n", 5, 1),
    (b"data:12345\r\n\r\n", 5, 1),
    (b"data: 12\ndata: 345\n\n", 6, 1),
    (b"data\ndata\ndata\n\n", 2, 1),
    (b"event: abc\nid: 12\nretry: 7\ndata: x\n\n", 7, 1),
    (b"event: abc\nevent: de\ndata: x\n\n", 6, 1),
    (b"data: \xFF\xFF\xFF\n\n", 3, 1),
    (b": a very long comment\nunknown: field\ndata: x\n\n", 1, 1),
    (b"data: 123\n\ndata: 1234\n\ndata: 12\n\n", 4, 3),
    (b"id: 123\n\nid: 456\n\ndata: 1\n\n", 3, 1),
];

#[test]
fn an_event_of_the_limit_is_taken_and_one_byte_more_refused_at_every_cut() {
    for &(stream, size, messages) in SIZED {
        for at in 0..=stream.len() {
            let (head, tail) = stream.split_at(at);
            let limited =
                |limit| observe_with(Decoder::new().with_event_limit(limit), [head, tail]);
            let name = String::from_utf8_lossy(stream);
            let taken = limited(size);
            assert_eq!(taken.error, None, "{name:?} at {at}");
            assert_eq!(taken.messages.len(), messages, "{name:?} at {at}");
            let refused = limited(size - 1);
            let error = DecodeError::EventTooLarge { limit: size - 1 };
            assert_eq!(refused.error, Some(error), "{name:?} at {at}");
            assert!(refused.messages.len() < messages, "{name:?} at {at}");
        }
    }
}

#[test]
fn what_came_before_the_large_event_is_delivered() {
    let decoder = Decoder::new().with_event_limit(3);
    let observed = observe_with(decoder, [&b"id: 1\ndata: a\n\nid: 2\ndata: 1234\n\n"[..]]);
    assert_eq!(observed.error, Some(DecodeError::EventTooLarge { limit: 3 }));
    assert_eq!(observed.messages.len(), 1);
    assert_eq!(observed.last_event_id, "1");
}

#[test]
fn a_failed_decoder_stays_failed_until_it_restarts() {
    let mut decoder = Decoder::new().with_event_limit(3);
    let refused = Err(DecodeError::EventTooLarge { limit: 3 });
    assert_eq!(decoder.decode(&mut &b"data: 1234"[..]), refused);
    assert_eq!(decoder.decode(&mut &b"\n\ndata: a\n\n"[..]), refused);
    assert_eq!(decoder.decode(&mut &b""[..]), refused);
    decoder.restart();
    let message = decoder.decode(&mut &b"data: a\n\n"[..]).unwrap().unwrap();
    assert_eq!(message.data(), "a");
}

#[test]
fn a_lost_connection_does_not_count_against_the_next() {
    let mut decoder = Decoder::new().with_event_limit(3);
    assert_eq!(decoder.decode(&mut &b"data: 123"[..]), Ok(None));
    decoder.restart();
    let message = decoder.decode(&mut &b"data: 456\n\n"[..]).unwrap().unwrap();
    assert_eq!(message.data(), "456");
}

/// Scanning an event anew with every piece would take hours here, not seconds.
#[test]
fn a_large_event_in_small_pieces_takes_linear_time() {
    const DEADLINE: Duration = Duration::from_secs(60);
    for payload in ["x".repeat(4 * 1024 * 1024), "y\n".repeat(1024 * 1024)] {
        let stream = format!("data:{}\n\n", payload.replace('\n', "\ndata:"));
        let started = Instant::now();
        let observed = observe(stream.as_bytes().chunks(5));
        assert!(started.elapsed() < DEADLINE, "took {:?}", started.elapsed());
        assert_eq!(observed.messages.len(), 1);
        assert!(observed.messages.first().is_some_and(|seen| seen.data == payload));
    }
}
