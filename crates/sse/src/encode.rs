//! From events to bytes.
//!
//! Promises that an encoded event, whatever its texts contain, reads as exactly that event and
//! ends with the blank line that dispatches it. Sending the bytes is left to others.

mod data;
mod event;
mod joined;
mod prepared;
mod sink;

pub use data::{encode_data_fragments, encode_data_lines};
pub use event::Event;
pub use joined::PreparedEvents;
#[cfg(feature = "broker")]
pub(crate) use prepared::Block;
pub use prepared::PreparedEvent;
