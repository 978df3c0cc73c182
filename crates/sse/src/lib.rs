#![doc = include_str!("../README.md")]

mod decode;
mod encode;
mod field;
mod line;

pub use decode::{DEFAULT_EVENT_LIMIT, DecodeError, Decoder, Message};
pub use encode::{Event, PreparedEvent, encode_data_fragments, encode_data_lines};
pub use field::{EventId, EventType, InvalidEventId, InvalidEventType};
