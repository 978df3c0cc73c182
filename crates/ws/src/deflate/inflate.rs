//! Inflating, never to more than is allowed.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::params::{Direction, WindowBits};
use super::{KEPT, TAIL};
use crate::decode::DecodeError;

/// The first room for what is inflated.
const FIRST_ROOM: usize = 1024;

thread_local! {
    /// Inflaters with the largest window, at the start of a stream.
    static IDLE: RefCell<Vec<Inflater>> = const { RefCell::new(Vec::new()) };
}

/// A peer's inflating state: lent for a message, or kept for all of them.
#[derive(Debug)]
pub(crate) enum Inbound {
    Off,
    /// Every message begins anew.
    Fresh,
    /// Messages refer to earlier ones. It is here between messages.
    Kept {
        bits: WindowBits,
        inflater: Option<Inflater>,
    },
}

impl Inbound {
    pub(crate) fn off() -> Self {
        Self::Off
    }

    pub(crate) fn new(direction: Direction) -> Self {
        if direction.context_takeover {
            Self::Kept { bits: direction.window_bits, inflater: None }
        } else {
            Self::Fresh
        }
    }

    /// The inflater for the message that begins, unless compression was not agreed on.
    pub(crate) fn take(&mut self) -> Option<Inflater> {
        match self {
            Self::Off => None,
            Self::Fresh => Some(Inflater::lent()),
            Self::Kept { bits, inflater } => {
                Some(inflater.take().unwrap_or_else(|| Inflater::new(*bits)))
            }
        }
    }

    /// The message is complete.
    pub(crate) fn give_back(&mut self, used: Inflater) {
        match self {
            Self::Kept { inflater, .. } => *inflater = Some(used),
            Self::Off | Self::Fresh => used.end_loan(),
        }
    }
}

/// In a box, because most connections have none most of the time.
#[derive(Debug)]
pub(crate) struct Inflater(Box<Decompress>);

impl Inflater {
    fn new(bits: WindowBits) -> Self {
        Self(Box::new(Decompress::new_with_window_bits(false, bits.number())))
    }

    fn lent() -> Self {
        let idle = IDLE.with_borrow_mut(Vec::pop);
        idle.unwrap_or_else(|| Self::new(WindowBits::MAX))
    }

    fn end_loan(mut self) {
        IDLE.with_borrow_mut(|idle| {
            if idle.len() < KEPT {
                self.0.reset(false);
                idle.push(self);
            }
        });
    }

    /// Inflates a piece of a message to the end of `out`, which may hold `limit` bytes.
    pub(crate) fn inflate(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), DecodeError> {
        loop {
            if out.len() == out.capacity() {
                // One byte more than allowed, so that going beyond it is seen.
                let most = limit.saturating_add(1);
                let room = (2 * out.capacity()).max(FIRST_ROOM).min(most);
                out.reserve_exact(room.saturating_sub(out.len()));
            }
            let (read_before, out_before) = (self.0.total_in(), out.len());
            let status = self
                .0
                .decompress_vec(input, out, FlushDecompress::Sync)
                .map_err(|_| DecodeError::Inflate)?;
            if out.len() > limit {
                return Err(DecodeError::InflatedTooLarge { limit });
            }
            let read = usize::try_from(self.0.total_in() - read_before).unwrap_or(usize::MAX);
            input = input.get(read..).unwrap_or_default();
            if status == Status::StreamEnd {
                // A final block is allowed, and the message may go on behind it (7.2.3.4).
                self.0.reset(false);
            }
            let stuck = read == 0 && out.len() == out_before;
            if input.is_empty() && out.len() < out.capacity() {
                return Ok(());
            }
            if stuck && out.len() < out.capacity() {
                return Err(DecodeError::Inflate);
            }
        }
    }

    /// Inflates until `out` has no room left or everything that the input comes to is in it, and says how much of the input that took.
    pub(crate) fn inflate_into_room(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, DecodeError> {
        let mut read = 0;
        while out.len() < out.capacity() {
            let (read_before, out_before) = (read, out.len());
            let rest = input.get(read..).unwrap_or_default();
            let before = self.0.total_in();
            let status = self
                .0
                .decompress_vec(rest, out, FlushDecompress::Sync)
                .map_err(|_| DecodeError::Inflate)?;
            read += usize::try_from(self.0.total_in() - before).unwrap_or(usize::MAX);
            if status == Status::StreamEnd {
                // As in `inflate`.
                self.0.reset(false);
            }
            if read == input.len() && out.len() < out.capacity() {
                break;
            }
            if read == read_before && out.len() == out_before {
                return Err(DecodeError::Inflate);
            }
        }
        Ok(read)
    }

    /// The message's last piece has been inflated.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>, limit: usize) -> Result<(), DecodeError> {
        self.inflate(&TAIL, out, limit)
    }
}
