//! From bytes to messages, however the bytes are cut.

mod assembly;
mod decoder;
mod error;
mod reader;

pub(crate) use assembly::Kind;
pub use decoder::Decoder;
pub use error::DecodeError;
pub use reader::Role;
pub(crate) use reader::{Arrived, Reader, Want};
