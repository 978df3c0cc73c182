//! The challenge that shows both ends that the other one means WebSocket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// What RFC 6455 section 1.3 has the server append.
const SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The length of a decoded key.
const LENGTH: usize = 16;

/// A fresh key for a client's request.
pub(super) fn generate() -> String {
    STANDARD.encode(rand::random::<[u8; LENGTH]>())
}

/// Whether a key is one: 16 bytes in base64.
pub(super) fn is_valid(key: &HeaderValue) -> bool {
    STANDARD.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == LENGTH)
}

/// The value of `Sec-WebSocket-Accept` for a key.
pub(super) fn accept(key: &[u8]) -> String {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(key);
    hash.update(SUFFIX);
    STANDARD.encode(hash.digest().bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_sixteen_bytes() {
        for (key, valid) in [
            ("dGhlIHNhbXBsZSBub25jZQ==", true),
            ("dGhlIHNhbXBsZSBub25jZQ", false),
            ("dGhlIHNhbXBsZSBub25j", false),
            ("dGhlIHNhbXBsZSBub25jZSE=", false),
            ("", false),
            ("????????????????????????", false),
        ] {
            assert_eq!(is_valid(&HeaderValue::from_static(key)), valid, "{key}");
        }
    }
}
