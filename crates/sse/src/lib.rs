#![doc = include_str!("../README.md")]

mod binary;
#[cfg(feature = "broker")]
pub mod broker;
mod decode;
mod encode;
mod field;
mod line;
pub mod replay;
#[cfg(feature = "hyper")]
pub mod serve;
mod sync;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use binary::{InvalidBase64, decode_base64, encode_base64};
pub use decode::{DEFAULT_EVENT_LIMIT, DecodeError, Decoder, Message};
pub use encode::{Event, PreparedEvent, PreparedEvents, encode_data_fragments, encode_data_lines};
pub use field::{EventId, EventType, InvalidEventId, InvalidEventType, StrippedId, StrippedType};
