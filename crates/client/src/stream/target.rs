//! The path of a stream's URL.

use headwater_core::StreamKey;

/// Characters beside letters and digits that stand in a path as they are. `%` is among them, because in the canonical form of a name it
/// is what encodes.
const PLAIN: &[u8] = b"-._~!$&'()*+,;=:@/%";

/// The path, percent-encoded.
pub(super) fn of(root: &str, key: &StreamKey) -> String {
    let mut target = String::with_capacity(root.len() + 1 + key.path().len());
    target.push_str(root);
    target.push('/');
    for byte in key.path().bytes() {
        if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) {
            target.push(char::from(byte));
        } else {
            target.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                target.push(digit.to_ascii_uppercase());
            }
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use headwater_core::{StoreId, StreamKey};

    use super::*;

    #[test]
    fn names_come_back_as_they_were() {
        for (path, expected) in [
            ("s", "/v1/stream/s"),
            ("a/b", "/v1/stream/a/b"),
            ("a%2Fb/50%25", "/v1/stream/a%2Fb/50%25"),
            ("a b?c#d", "/v1/stream/a%20b%3Fc%23d"),
            ("%C3%A4/\u{1F30A}", "/v1/stream/%C3%A4/%F0%9F%8C%8A"),
            ("a\"<>\\^`{|}", "/v1/stream/a%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ] {
            let key = StreamKey::parse(StoreId::DEFAULT, path).unwrap();
            let target = of("/v1/stream", &key);
            assert_eq!(target, expected);
            assert!(target.parse::<http::Uri>().is_ok());
            let encoded = target.strip_prefix("/v1/stream/").unwrap();
            assert_eq!(StreamKey::parse(StoreId::DEFAULT, encoded).unwrap(), key);
        }
    }
}
