//! A message on its way in: what has come of it, and whether it can still be one. It is kept until it is whole, or handed out piece
//! by piece (`pieces`).

mod pieces;

use bytes::Bytes;
use bytestring::ByteString;

use super::DecodeError;
use crate::deflate::Inflater;
use crate::frame::apply_mask;
use crate::limits::Limits;
use crate::message::Message;

/// Unmasked bytes on their way to be inflated. On the stack, so few.
const UNMASKED: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
}

/// Memory follows what has arrived, not what headers announce.
#[derive(Debug)]
pub(super) struct Assembly {
    kind: Kind,
    bytes: Vec<u8>,
    /// As much of `bytes` is known to be text.
    checked: usize,
    /// As sent, all fragments together, with what the header at hand announces.
    received: usize,
    fragments: u32,
    inflater: Option<Inflater>,
    /// Handed out before the message is whole, as text or bytes, not as sent.
    given: usize,
    /// What has been inflated of what ends a flush and is not sent.
    tail: usize,
}

/// Payload bytes as they came, with what is needed to read them.
pub(super) struct Chunk<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) mask: Option<[u8; 4]>,
    /// Where in its frame's payload it begins.
    pub(super) offset: u64,
    /// What is still to come of that frame.
    pub(super) left: u64,
}

impl Assembly {
    pub(super) fn new(kind: Kind, inflater: Option<Inflater>) -> Self {
        Self {
            kind,
            bytes: Vec::new(),
            checked: 0,
            received: 0,
            fragments: 0,
            inflater,
            given: 0,
            tail: 0,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// A fragment of so many bytes is announced.
    pub(super) fn announce(&mut self, length: u64, limits: &Limits) -> Result<(), DecodeError> {
        self.fragments += 1;
        if self.fragments > limits.fragments {
            return Err(DecodeError::TooManyFragments { limit: limits.fragments });
        }
        let room = limits.message_bytes - self.received;
        match usize::try_from(length) {
            Ok(length) if length <= room => self.received += length,
            _ => return Err(DecodeError::MessageTooLarge { limit: limits.message_bytes }),
        }
        Ok(())
    }

    pub(super) fn append(&mut self, chunk: &Chunk<'_>, limits: &Limits) -> Result<(), DecodeError> {
        match &mut self.inflater {
            None => self.append_plain(chunk),
            Some(inflater) => {
                let mut offset = chunk.offset;
                for masked in chunk.bytes.chunks(UNMASKED) {
                    let mut unmasked = [0; UNMASKED];
                    let unmasked = unmask(masked, chunk.mask, offset, &mut unmasked);
                    inflater.inflate(unmasked, &mut self.bytes, limits.inflated_bytes)?;
                    offset += masked.len() as u64;
                }
            }
        }
        Ok(())
    }

    fn append_plain(&mut self, chunk: &Chunk<'_>) {
        let start = self.bytes.len();
        let needed = chunk.bytes.len();
        if self.bytes.capacity() - start < needed {
            // Exact where all of the frame is here. Else at most twice what has arrived, so that
            // announcing much takes no memory.
            let coming = usize::try_from(chunk.left).unwrap_or(usize::MAX);
            self.bytes.reserve_exact(needed + coming.min(start + needed));
        }
        self.bytes.extend_from_slice(chunk.bytes);
        if let (Some(key), Some(added)) = (chunk.mask, self.bytes.get_mut(start..)) {
            apply_mask(added, key, chunk.offset);
        }
    }

    /// Refuses text at the first byte that cannot be part of it, when more is still to come.
    pub(super) fn check_so_far(&mut self) -> Result<(), DecodeError> {
        if self.kind == Kind::Binary {
            return Ok(());
        }
        let unchecked = self.bytes.get(self.checked..).unwrap_or_default();
        match str::from_utf8(unchecked) {
            Ok(_) => self.checked = self.bytes.len(),
            // The end is the beginning of a character.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(DecodeError::InvalidUtf8),
        }
        Ok(())
    }

    /// The message, when its last byte has come, and what inflated it.
    pub(super) fn finish(
        mut self,
        limits: &Limits,
    ) -> Result<(Message, Option<Inflater>), DecodeError> {
        if let Some(inflater) = &mut self.inflater {
            inflater.finish(&mut self.bytes, limits.inflated_bytes)?;
        }
        let bytes = Bytes::from(self.bytes);
        let message = match self.kind {
            Kind::Text => {
                let text = ByteString::try_from(bytes).map_err(|_| DecodeError::InvalidUtf8)?;
                Message::Text(text)
            }
            Kind::Binary => Message::Binary(bytes),
        };
        Ok((message, self.inflater))
    }
}

/// A copy of the first bytes of `masked`, as many as there is room for, without the mask.
fn unmask<'a>(
    masked: &[u8],
    mask: Option<[u8; 4]>,
    offset: u64,
    room: &'a mut [u8; UNMASKED],
) -> &'a [u8] {
    let count = masked.len().min(UNMASKED);
    let (Some(unmasked), Some(masked)) = (room.get_mut(..count), masked.get(..count)) else {
        return &[];
    };
    unmasked.copy_from_slice(masked);
    if let Some(key) = mask {
        apply_mask(unmasked, key, offset);
    }
    unmasked
}
