//! Any bytes as data: they come back as they were, over one line, and nothing else is taken for them.

use bytes::BytesMut;
use headwater_sse::{Event, InvalidBase64, decode_base64, encode_base64};
use proptest::prelude::*;

use crate::support::{cut, observe};

/// The data of the one event that comes out of it.
fn over_the_wire(data: &str, lengths: &[usize]) -> String {
    let mut wire = BytesMut::new();
    Event::new().data(data).encode(&mut wire);
    let mut observed = observe(cut(&wire, lengths));
    assert_eq!(observed.messages.len(), 1, "{data:?}");
    observed.messages.remove(0).data
}

#[test]
fn all_bytes_come_back() {
    let all: Vec<u8> = (0..=255).collect();
    for length in 0..=all.len() {
        let encoded = encode_base64(&all[..length]);
        assert_eq!(encoded.len(), length.div_ceil(3) * 4);
        assert_eq!(decode_base64(&over_the_wire(&encoded, &[7])).unwrap(), &all[..length]);
    }
    // As RFC 4648 has it.
    assert_eq!(encode_base64(b"fooba"), "Zm9vYmE=");
}

#[test]
fn base64_of_many_lines_is_read() {
    let text = "Zm9v\nYmFy\r\nZm9v\rYg==\n";
    assert_eq!(decode_base64(&over_the_wire(text, &[3])).unwrap(), b"foobarfoob");
}

#[test]
fn what_is_not_base64_is_an_error() {
    for (data, wrong) in [
        ("Zm9vYmE", InvalidBase64::End),
        ("Z", InvalidBase64::End),
        ("Zm9vYmF", InvalidBase64::End),
        ("Zm9vYm==E", InvalidBase64::Symbol { at: 6 }),
        ("Zm9v YmFy", InvalidBase64::Symbol { at: 4 }),
        ("Zm9-YmFy", InvalidBase64::Symbol { at: 3 }),
        ("Zm\n9_", InvalidBase64::Symbol { at: 3 }),
        // More bits than bytes: another text of the same bytes.
        ("Zm9vYmF=", InvalidBase64::Symbol { at: 6 }),
    ] {
        assert_eq!(decode_base64(data), Err(wrong), "{data:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_bytes_come_back_wherever_the_wire_is_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        lengths in prop::collection::vec(0usize..40, 1..12),
    ) {
        let encoded = encode_base64(&bytes);
        prop_assert!(!encoded.contains(['\n', '\r']));
        prop_assert_eq!(decode_base64(&over_the_wire(&encoded, &lengths)), Ok(bytes));
    }

    /// There is one text for each row of bytes.
    #[test]
    fn whatever_is_read_is_what_would_be_written(text in "[A-Za-z0-9+/=]{0,12}") {
        if let Ok(bytes) = decode_base64(&text) {
            prop_assert_eq!(encode_base64(&bytes), text);
        }
    }
}
