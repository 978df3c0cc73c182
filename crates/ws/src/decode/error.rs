//! What a peer can do wrong, and the close code that tells it so.

use crate::close::CloseCode;

/// Why a peer's bytes are refused. The connection is over after any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A reserved bit is set that no extension gives a meaning to here.
    #[error("a reserved bit is set")]
    ReservedBits,
    /// An opcode that means nothing.
    #[error("opcode {0:#x} is reserved")]
    ReservedOpcode(u8),
    /// A control frame that is not final.
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A control frame of more than 125 bytes.
    #[error("a control frame has more than 125 bytes")]
    ControlTooLong,
    /// A length in more bytes than it needs.
    #[error("a length is not in its shortest form")]
    LongLength,
    /// A length of 2^63 or more.
    #[error("a length is out of range")]
    LengthOutOfRange,
    /// A client's frame without a mask.
    #[error("a client's frame is not masked")]
    Unmasked,
    /// A server's frame with a mask.
    #[error("a server's frame is masked")]
    Masked,
    /// A continuation without a beginning.
    #[error("a continuation frame continues nothing")]
    UnexpectedContinuation,
    /// A new message before the last one ended.
    #[error("a message begins before the last one ended")]
    UnfinishedMessage,
    /// A close frame of one byte.
    #[error("a close frame has one byte")]
    CloseTooShort,
    /// A close frame with a code that may not be sent.
    #[error("close code {0} may not be sent")]
    CloseCode(u16),
    /// Text, or a close reason, that is not UTF-8.
    #[error("a text is not valid UTF-8")]
    InvalidUtf8,
    /// A compressed message that cannot be inflated.
    #[error("a compressed message is damaged")]
    Inflate,
    /// More bytes than [`Limits::message_bytes`](crate::Limits::message_bytes).
    #[error("a message has more than {limit} bytes")]
    MessageTooLarge {
        /// The limit.
        limit: usize,
    },
    /// More bytes than [`Limits::inflated_bytes`](crate::Limits::inflated_bytes).
    #[error("a compressed message inflates to more than {limit} bytes")]
    InflatedTooLarge {
        /// The limit.
        limit: usize,
    },
    /// More fragments than [`Limits::fragments`](crate::Limits::fragments).
    #[error("a message has more than {limit} fragments")]
    TooManyFragments {
        /// The limit.
        limit: u32,
    },
    /// Control frames faster than [`Limits::control_rate`](crate::Limits::control_rate).
    #[error("control frames come too fast")]
    ControlRate,
    /// Frames faster than [`Limits::frame_rate`](crate::Limits::frame_rate).
    #[error("frames come too fast")]
    FrameRate,
}

impl DecodeError {
    /// The code to close the connection with.
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode(_)
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::LongLength
            | Self::LengthOutOfRange
            | Self::Unmasked
            | Self::Masked
            | Self::UnexpectedContinuation
            | Self::UnfinishedMessage
            | Self::CloseTooShort
            | Self::CloseCode(_) => CloseCode::PROTOCOL_ERROR,
            Self::InvalidUtf8 | Self::Inflate => CloseCode::INVALID_DATA,
            Self::MessageTooLarge { .. } | Self::InflatedTooLarge { .. } => CloseCode::TOO_BIG,
            Self::TooManyFragments { .. } | Self::ControlRate | Self::FrameRate => {
                CloseCode::POLICY_VIOLATION
            }
        }
    }
}
