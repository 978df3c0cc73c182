//! The header of a frame: read as soon as enough of it is there, refused as soon as it is wrong.

use super::{MAX_CONTROL, Opcode};
use crate::decode::DecodeError;

/// The longest header: two bytes, eight of length, four of mask.
pub(crate) const MAX_HEADER: usize = 14;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_3: u8 = 0x30;
const MASKED: u8 = 0x80;
/// The length is in the two bytes that follow.
const TWO_BYTES: u8 = 126;
/// The length is in the eight bytes that follow.
const EIGHT_BYTES: u8 = 127;

/// Who sent a frame: clients mask, servers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    Client,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    /// With permessage-deflate: the message is compressed.
    pub(crate) rsv1: bool,
    pub(crate) opcode: Opcode,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) length: u64,
}

/// How long a header is, and the header.
type Length = usize;

impl Header {
    /// Reads the header that `bytes` begin with; `None` if they are too few to tell.
    ///
    /// What the first bytes have wrong is found without those that follow.
    pub(crate) fn parse(
        bytes: &[u8],
        sender: Sender,
    ) -> Result<Option<(Self, Length)>, DecodeError> {
        let [first, after @ ..] = bytes else { return Ok(None) };
        if first & RSV2_AND_3 != 0 {
            return Err(DecodeError::ReservedBits);
        }
        let bits = first & 0x0F;
        let opcode = Opcode::from_bits(bits).ok_or(DecodeError::ReservedOpcode(bits))?;
        let fin = first & FIN != 0;
        let rsv1 = first & RSV1 != 0;
        if opcode.is_control() {
            if !fin {
                return Err(DecodeError::FragmentedControl);
            }
            if rsv1 {
                return Err(DecodeError::ReservedBits);
            }
        }
        let [second, after @ ..] = after else { return Ok(None) };
        match (sender, second & MASKED != 0) {
            (Sender::Client, false) => return Err(DecodeError::Unmasked),
            (Sender::Server, true) => return Err(DecodeError::Masked),
            _ => {}
        }
        let short = second & !MASKED;
        if opcode.is_control() && usize::from(short) > MAX_CONTROL {
            return Err(DecodeError::ControlTooLong);
        }
        let Some((length, after)) = parse_length(short, after)? else { return Ok(None) };
        let (mask, after) = match sender {
            Sender::Server => (None, after),
            Sender::Client => match after.split_first_chunk::<4>() {
                Some((key, after)) => (Some(*key), after),
                None => return Ok(None),
            },
        };
        let size = bytes.len() - after.len();
        Ok(Some((Self { fin, rsv1, opcode, mask, length }, size)))
    }

    /// Writes the header to the front of `out` and says how long it is.
    pub(crate) fn write(&self, out: &mut impl Extend<u8>) {
        let fin = if self.fin { FIN } else { 0 };
        let rsv1 = if self.rsv1 { RSV1 } else { 0 };
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        out.extend([fin | rsv1 | self.opcode.bits()]);
        match (u8::try_from(self.length), u16::try_from(self.length)) {
            (Ok(length), _) if length < TWO_BYTES => out.extend([masked | length]),
            (_, Ok(length)) => {
                out.extend([masked | TWO_BYTES]);
                out.extend(length.to_be_bytes());
            }
            _ => {
                out.extend([masked | EIGHT_BYTES]);
                out.extend(self.length.to_be_bytes());
            }
        }
        out.extend(self.mask.into_iter().flatten());
    }
}

/// The length, and the bytes after it. It has to be written in the fewest bytes (RFC 6455, 5.2).
fn parse_length(short: u8, after: &[u8]) -> Result<Option<(u64, &[u8])>, DecodeError> {
    match short {
        TWO_BYTES => {
            let Some((bytes, after)) = after.split_first_chunk() else { return Ok(None) };
            match u16::from_be_bytes(*bytes) {
                length if length < u16::from(TWO_BYTES) => Err(DecodeError::LongLength),
                length => Ok(Some((u64::from(length), after))),
            }
        }
        EIGHT_BYTES => {
            let Some((bytes, after)) = after.split_first_chunk() else { return Ok(None) };
            match u64::from_be_bytes(*bytes) {
                length if length <= u64::from(u16::MAX) => Err(DecodeError::LongLength),
                // The highest bit has to be 0.
                length if length > i64::MAX as u64 => Err(DecodeError::LengthOutOfRange),
                length => Ok(Some((length, after))),
            }
        }
        length => Ok(Some((u64::from(length), after))),
    }
}
