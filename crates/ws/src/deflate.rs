//! permessage-deflate, RFC 7692: what the handshake agrees on, inflating with a bound, compressing.
//!
//! Compression is zlib's in Rust. A connection whose peers take no context over holds neither
//! compressor nor inflater: each thread keeps a few, lent for one message.

mod compress;
mod inflate;
mod negotiate;
mod params;

pub(crate) use compress::{Outbound, Stream, compress_once};
pub(crate) use inflate::{Inbound, Inflater};
pub(crate) use negotiate::{agree, check_answer, offers};
pub use params::{Deflate, Direction, InvalidWindowBits, Level, Params, WindowBits};

/// What ends every flush. It is left off the wire (RFC 7692, 7.2.1).
pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Idle compressors and inflaters that a thread keeps. Messages are handled one after the other,
/// so it needs one; the second is for a message that is not complete yet.
const KEPT: usize = 2;
