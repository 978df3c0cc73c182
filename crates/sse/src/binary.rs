//! Bytes that are not text, as data of events.
//!
//! Promises that whatever is encoded is one line, and comes back as it was. What of an event's data is binary the two sides agree on
//! elsewhere, by its type for example.

use std::borrow::Cow;

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use thiserror::Error;

use crate::line::{CR, LF};

/// Why data is not base64; positions are in bytes without line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidBase64 {
    /// A character is not of the alphabet, or stands where it cannot.
    #[error("not base64: there is something else at byte {at}")]
    Symbol {
        /// Where it is.
        at: usize,
    },
    /// It was cut off, or padded wrongly.
    #[error("not base64: it ends in the middle, or not with the right padding")]
    End,
}

/// Bytes as data of an event: base64 with the standard alphabet and padding, which `atob` of a browser reads. It is a third longer
/// than the bytes.
///
/// ```
/// use headwater_sse::{Decoder, Event, decode_base64, encode_base64};
///
/// let image = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0, 0xff];
/// let mut wire = bytes::BytesMut::new();
/// Event::new().data(&encode_base64(&image)).encode(&mut wire);
/// let message = Decoder::new().decode(&mut wire)?.ok_or("an event")?;
/// assert_eq!(decode_base64(message.data())?, image);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of such data. Line ends in it are left out first, because other senders cut long base64 into lines, each of which
/// is a `data` line.
///
/// # Errors
/// [`InvalidBase64`] for everything that [`encode_base64`] does not make, data without its padding included.
pub fn decode_base64(data: &str) -> Result<Vec<u8>, InvalidBase64> {
    let is_end = |byte: u8| byte == CR || byte == LF;
    let text: Cow<'_, [u8]> = if data.bytes().any(is_end) {
        data.bytes().filter(|byte| !is_end(*byte)).collect()
    } else {
        data.as_bytes().into()
    };
    STANDARD.decode(text).map_err(|error| match error {
        DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => {
            InvalidBase64::Symbol { at }
        }
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => InvalidBase64::End,
    })
}
