//! Messages that neither end has in memory as a whole: `read` piece by piece, `write` in fragments.

mod read;
mod write;

use bytes::Bytes;
use bytestring::ByteString;

pub use read::{Incoming, MessageReader};
pub use write::MessageWriter;

/// What a message is made of: [`ByteString`] for text, [`Bytes`] for binary messages.
pub trait Piece: sealed::Piece {}

impl Piece for ByteString {}
impl Piece for Bytes {}

mod sealed {
    use bytes::Bytes;
    use bytestring::ByteString;

    use crate::decode::DecodeError;
    use crate::frame::Opcode;

    /// Out of the crate nobody has one more kind of message.
    pub trait Piece: Sized + Unpin {
        #[doc(hidden)]
        const KIND: Kind;

        /// What has been checked is of this kind.
        #[doc(hidden)]
        fn from_wire(bytes: Bytes) -> Result<Self, DecodeError>;

        #[doc(hidden)]
        fn into_wire(self) -> Bytes;
    }

    #[derive(Debug)]
    pub struct Kind(pub(crate) Opcode);

    impl Piece for ByteString {
        const KIND: Kind = Kind(Opcode::Text);

        fn from_wire(bytes: Bytes) -> Result<Self, DecodeError> {
            Self::try_from(bytes).map_err(|_| DecodeError::InvalidUtf8)
        }

        fn into_wire(self) -> Bytes {
            self.into_bytes()
        }
    }

    impl Piece for Bytes {
        const KIND: Kind = Kind(Opcode::Binary);

        fn from_wire(bytes: Bytes) -> Result<Self, DecodeError> {
            Ok(bytes)
        }

        fn into_wire(self) -> Bytes {
            self
        }
    }
}
