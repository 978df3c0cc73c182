//! The chunked transfer coding, decoded as it arrives.

use anyhow::{Context, bail};

/// Where in a chunked body the next byte falls.
#[derive(Debug, Default)]
pub(crate) struct Dechunker {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In the digits of a chunk's size, with the value of those read.
    Size(Option<u64>),
    /// Behind the size, before the end of its line.
    Extension(u64),
    /// So many bytes of data are left in this chunk.
    Data(u64),
    /// At the line end that follows the data.
    DataEnd,
    /// In the trailer; whether its current line is still empty.
    Trailer(Line),
    Done,
}

#[derive(Clone, Copy, Debug)]
enum Line {
    Empty,
    Begun,
}

impl Default for State {
    fn default() -> Self {
        Self::Size(None)
    }
}

impl Dechunker {
    /// Whether the last chunk and the trailer have been read.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Decodes from the front of `input`, hands data to `sink` and returns how many bytes it consumed:
    /// all of them, unless the body ended before.
    pub(crate) fn decode(
        &mut self,
        input: &[u8],
        sink: &mut impl FnMut(&[u8]),
    ) -> anyhow::Result<usize> {
        let mut rest = input;
        while let (false, Some((&byte, after))) = (self.is_done(), rest.split_first()) {
            if let State::Data(left) = self.state {
                let take = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let (data, after) = rest.split_at_checked(take).unwrap_or_default();
                sink(data);
                rest = after;
                let left = left - take as u64;
                self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
            } else if let State::Size(None) = self.state
                && let Some((size @ 1.., after)) = size_line(rest)
            {
                self.state = State::Data(size);
                rest = after;
            } else {
                self.state = self.state.step(byte)?;
                rest = after;
            }
        }
        Ok(input.len() - rest.len())
    }
}

/// A size that has arrived with all of its line, and nothing else in it, as nearly all do; and what comes behind.
fn size_line(bytes: &[u8]) -> Option<(u64, &[u8])> {
    /// Digits of a size that cannot overflow.
    const MOST: usize = 8;
    let mut size = 0;
    for (at, &byte) in bytes.iter().take(MOST + 1).enumerate() {
        match char::from(byte).to_digit(16) {
            Some(digit) => size = size << 4 | u64::from(digit),
            None if at == 0 => return None,
            None => return Some((size, bytes.get(at..)?.strip_prefix(b"\r\n")?)),
        }
    }
    None
}

impl State {
    /// The state after one byte of framing.
    fn step(self, byte: u8) -> anyhow::Result<Self> {
        Ok(match (self, byte) {
            (Self::Size(value), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                let value = value.unwrap_or_default().checked_mul(16).context("a huge chunk")?;
                Self::Size(Some(value + u64::from(digit)))
            }
            (Self::Size(Some(0)) | Self::Extension(0), b'\n') => Self::Trailer(Line::Empty),
            (Self::Size(Some(size)) | Self::Extension(size), b'\n') => Self::Data(size),
            (Self::Size(Some(size)), b'\r' | b';' | b' ') => Self::Extension(size),
            (Self::Extension(size), _) => Self::Extension(size),
            (Self::DataEnd, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::Size(None),
            (Self::Trailer(Line::Empty), b'\n') => Self::Done,
            (Self::Trailer(_), b'\n') => Self::Trailer(Line::Empty),
            (Self::Trailer(line), b'\r') => Self::Trailer(line),
            (Self::Trailer(_), _) => Self::Trailer(Line::Begun),
            _ => bail!("byte {byte:#04x} where chunk framing was due"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(input: &[u8], piece: usize) -> anyhow::Result<(Vec<u8>, usize, bool)> {
        let mut dechunker = Dechunker::default();
        let (mut out, mut consumed) = (Vec::new(), 0);
        for piece in input.chunks(piece) {
            consumed += dechunker.decode(piece, &mut |data| out.extend_from_slice(data))?;
        }
        Ok((out, consumed, dechunker.is_done()))
    }

    #[test]
    fn data_comes_out_however_the_bytes_are_cut() {
        let body = b"5\r\nhello\r\nB;x=y\r\n, big world\r\n0\r\nTrailer: z\r\n\r\n";
        let mut input = body.to_vec();
        input.extend_from_slice(b"HTTP/1.1 200 OK");
        for piece in 1..=input.len() {
            let decoded = decode(&input, piece).unwrap();
            assert_eq!(decoded, (b"hello, big world".to_vec(), body.len(), true), "{piece}");
        }
    }

    #[test]
    fn an_unfinished_body_is_not_done() {
        let body = b"3\r\nabc\r\n0\r\n\r\n";
        for cut in 0..body.len() {
            assert!(!decode(&body[..cut], 4).unwrap().2, "cut at {cut}");
        }
        assert!(decode(body, 4).unwrap().2);
    }

    #[test]
    fn broken_framing_is_an_error() {
        for body in
            [&b"\r\n"[..], b"xyz\r\n", b"3\r\nabcd\r\n", b"-1\r\n", b"fffffffffffffffff\r\n"]
        {
            assert!(decode(body, 3).is_err(), "{body:?}");
        }
    }
}
