//! Where a body ends.

use anyhow::bail;

use super::Framing;
use super::chunked::Dechunker;

/// What is still to come of a body.
#[derive(Debug)]
pub(crate) enum Body {
    Sized(u64),
    Chunked(Dechunker),
    UntilClose,
}

impl Body {
    /// One of which nothing has been read.
    pub(crate) fn of(framing: Framing) -> Self {
        match framing {
            Framing::Length(length) => Self::Sized(length),
            Framing::Chunked => Self::Chunked(Dechunker::default()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Whether all of it has been read; one that ends with the connection never knows.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Sized(left) => *left == 0,
            Self::Chunked(dechunker) => dechunker.is_done(),
            Self::UntilClose => false,
        }
    }

    /// Hands its data at the front of `input` to `sink` and returns how many bytes it consumed: all of them, unless the body ended
    /// before.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        sink: &mut impl FnMut(&[u8]),
    ) -> anyhow::Result<usize> {
        match self {
            Self::Sized(left) => {
                let take = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                sink(input.get(..take).unwrap_or_default());
                *left -= take as u64;
                Ok(take)
            }
            Self::Chunked(dechunker) => dechunker.decode(input, sink),
            Self::UntilClose => {
                sink(input);
                Ok(input.len())
            }
        }
    }

    /// The connection has ended here.
    pub(super) fn cut(&self) -> anyhow::Result<()> {
        match self {
            Self::Sized(left) => bail!("the body ended {left} bytes early"),
            Self::Chunked(_) => bail!("the body ended inside a chunk"),
            Self::UntilClose => Ok(()),
        }
    }
}
