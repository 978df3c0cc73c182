//! From bytes to messages, however the bytes are cut.

mod assembly;
mod decoder;
mod error;

pub use decoder::{Decoder, Role};
pub use error::DecodeError;
