//! Frames as RFC 6455 puts them on the wire: headers, opcodes, masks.
//!
//! Only the form is known here. Which frame may follow which is the decoder's business.

mod header;
mod mask;
mod opcode;

pub(crate) use header::{Header, MAX_HEADER, Sender};
pub(crate) use mask::apply_mask;
pub(crate) use opcode::Opcode;

/// The longest payload of a control frame, as RFC 6455 section 5.5 has it.
pub(crate) const MAX_CONTROL: usize = 125;
