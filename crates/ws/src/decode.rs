//! From bytes to messages, however the bytes are cut.

mod assembly;
mod decoder;
mod error;
mod reader;

pub use decoder::Decoder;
pub use error::DecodeError;
pub(crate) use reader::Reader;
pub use reader::Role;
