//! Close codes and reasons, to the letter of RFC 6455 section 7.4.

use headwater_ws::{CloseCode, CloseReason, Encoder, MAX_REASON, Role};

use crate::support::{Frame, Seen, decode, server};

#[test]
fn every_number_is_a_code_or_is_not() {
    let valid =
        |number: u16| matches!(number, 1000..=1003 | 1007..=1014) || (3000..5000).contains(&number);
    for number in 0..=u16::MAX {
        assert_eq!(CloseCode::new(number).is_ok(), valid(number), "{number}");
        let seen = decode(server(), &[&Frame::new(8, number.to_be_bytes()).bytes()]);
        let expected = if valid(number) {
            Seen::Close(Some((number, String::new())))
        } else {
            Seen::Failed(1002)
        };
        assert_eq!(seen, [expected]);
    }
}

#[test]
fn a_reason_is_cut_where_a_character_ends() {
    for (text, kept) in [
        ("x".repeat(123), 123),
        ("x".repeat(124), 123),
        ("é".repeat(62), 122),
        (format!("{}🦀", "x".repeat(119)), 123),
        (format!("{}🦀", "x".repeat(120)), 120),
    ] {
        let reason = CloseReason::new(CloseCode::GOING_AWAY, text.clone());
        assert_eq!(reason.text(), &text[..kept]);
        assert!(reason.text().len() <= MAX_REASON);
        let mut out = Vec::new();
        Encoder::new(Role::Server).close(Some(&reason), &mut out).unwrap();
        assert_eq!(out.concat().len(), 2 + 2 + kept, "a control frame of at most 125 bytes");
    }
}

#[test]
fn an_empty_close_is_answered_empty() {
    let mut out = Vec::new();
    Encoder::new(Role::Server).close(None, &mut out).unwrap();
    assert_eq!(out.concat(), [0x88, 0x00]);
}
