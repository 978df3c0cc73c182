//! From bytes to messages, as the HTML standard interprets an event stream.
//!
//! Promises the same messages wherever the bytes are cut, bounded memory, and time linear in the
//! bytes. Connecting, reconnecting and waiting are left to others.

mod decoder;
mod message;
mod pending;

pub use decoder::Decoder;
pub use message::Message;
pub use pending::{DEFAULT_EVENT_LIMIT, DecodeError};
