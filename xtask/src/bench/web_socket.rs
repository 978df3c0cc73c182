//! The part of WebSocket that a measuring subscriber needs: the request to begin, the payload of messages as consecutive bytes,
//! and the answers that a server may wait for.
//!
//! It is written apart from the servers' own framing, so that the two check each other. Nothing is negotiated: a frame that is
//! compressed or masked is an error, and so is one of a kind that RFC 6455 does not know.

use anyhow::ensure;

use super::base_url::BaseUrl;

/// The head of a frame with the longest length: two bytes, and eight.
const LONGEST_HEAD: usize = 10;

/// Frames of control are no longer than this.
const MAX_CONTROL: u64 = 125;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Takes the bytes that a server sends behind its handshake, and gives out the payload.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    /// The beginning of a head whose rest has not arrived.
    head: Vec<u8>,
    body: Option<Body>,
    control: Vec<u8>,
    answers: Vec<u8>,
    closed: bool,
}

/// A frame whose head has been read.
#[derive(Clone, Copy, Debug)]
struct Body {
    opcode: u8,
    left: u64,
}

/// The request that begins it.
pub(crate) fn upgrade_request(base: &BaseUrl) -> Vec<u8> {
    let (target, host) = (base.target("socket"), base.authority());
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

impl FrameReader {
    /// Takes the next bytes and hands on the payload in them. What comes behind the end is dropped.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        mut payload: impl FnMut(&[u8]),
    ) -> anyhow::Result<()> {
        let mut rest = bytes;
        while !self.closed {
            if let Some(body) = self.body {
                let take = rest.len().min(usize::try_from(body.left).unwrap_or(usize::MAX));
                let (part, after) = rest.split_at_checked(take).unwrap_or_default();
                rest = after;
                self.part(body.opcode, part, &mut payload);
                let left = body.left - take as u64;
                if left > 0 {
                    self.body = Some(Body { left, ..body });
                    return Ok(());
                }
                self.body = None;
                self.frame_end(body.opcode);
            } else if self.head.is_empty()
                && let Some((body, length)) = head(rest)?
            {
                rest = rest.get(length..).unwrap_or_default();
                self.body = Some(body);
            } else {
                let Some((&byte, after)) = rest.split_first() else { return Ok(()) };
                rest = after;
                self.head.push(byte);
                if let Some((body, _)) = head(&self.head)? {
                    self.head.clear();
                    self.body = Some(body);
                }
            }
        }
        Ok(())
    }

    /// Whether the server has said that this is the end.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// What the server is to be told in return, if anything.
    pub(crate) fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answers)
    }

    fn part(&mut self, opcode: u8, part: &[u8], payload: &mut impl FnMut(&[u8])) {
        if opcode < CLOSE {
            payload(part);
        } else {
            self.control.extend_from_slice(part);
        }
    }

    fn frame_end(&mut self, opcode: u8) {
        match opcode {
            CLOSE => {
                self.closed = true;
                self.answer(CLOSE);
            }
            PING => self.answer(PONG),
            _ => {}
        }
        self.control.clear();
    }

    /// A client's frame is masked, if only with zeros.
    fn answer(&mut self, opcode: u8) {
        let length = u8::try_from(self.control.len()).unwrap_or_default();
        self.answers.extend([FINAL | opcode, MASKED | length, 0, 0, 0, 0]);
        self.answers.extend_from_slice(&self.control);
    }
}

/// The frame that begins here and the length of its head, once all of it is there.
fn head(bytes: &[u8]) -> anyhow::Result<Option<(Body, usize)>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let opcode = first & 0x0f;
    ensure!(first & RESERVED == 0, "a frame with reserved bits set: {first:#04x}");
    ensure!(second & MASKED == 0, "a masked frame from a server");
    ensure!(matches!(opcode, 0..=2 | CLOSE..=PONG), "a frame of the unknown kind {opcode}");
    let (left, length) = match second {
        126 => match rest.first_chunk() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), LONGEST_HEAD),
            None => return Ok(None),
        },
        short => (u64::from(*short), 2),
    };
    let control = opcode >= CLOSE;
    ensure!(!control || left <= MAX_CONTROL, "a frame of control of {left} bytes");
    ensure!(!control || first & FINAL != 0, "a frame of control in parts");
    Ok(Some((Body { opcode, left }, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            short @ ..=125 => frame.push(short as u8),
            long @ ..=65_535 => {
                frame.push(126);
                frame.extend((long as u16).to_be_bytes());
            }
            longer => {
                frame.push(127);
                frame.extend((longer as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn payload_comes_out_however_the_bytes_are_cut() {
        let long = vec![b'x'; 300];
        let frames = [
            frame(0x81, b"first"),
            frame(0x89, b"are you there?"),
            frame(0x01, &long),
            frame(0x8a, b"a pong nobody asked for"),
            frame(0x80, b"second"),
            frame(0x82, b""),
            frame(0x88, b"\x03\xe8bye"),
            frame(0x81, b"behind the end"),
        ]
        .concat();
        let expected = [b"first".as_slice(), &long, b"second"].concat();
        let pong = b"\x8a\x8e\0\0\0\0are you there?".to_vec();
        let close = b"\x88\x85\0\0\0\0\x03\xe8bye".to_vec();
        let answers = [pong, close].concat();
        for piece in 1..=frames.len() {
            let (mut reader, mut payload) = (FrameReader::default(), Vec::new());
            for piece in frames.chunks(piece) {
                reader.feed(piece, |part| payload.extend_from_slice(part)).unwrap();
            }
            assert_eq!(payload, expected, "pieces of {piece}");
            assert!(reader.is_closed(), "pieces of {piece}");
            assert_eq!(reader.take_answers(), answers, "pieces of {piece}");
        }
    }

    #[test]
    fn long_frames_are_read() {
        let long = vec![b'x'; 70_000];
        let (mut reader, mut count) = (FrameReader::default(), 0);
        reader.feed(&frame(0x82, &long), |part| count += part.len()).unwrap();
        assert_eq!((count, reader.is_closed()), (70_000, false));
    }

    #[test]
    fn what_a_server_may_not_send_is_an_error() {
        for bad in [
            &[0xc1, 1, b'x'][..],
            &[0x81, 0x81, 0, 0, 0, 0, b'x'],
            &[0x83, 0],
            &[0x8b, 0],
            &[0x09, 1, b'x'],
            &[0x89, 126, 0, 126],
        ] {
            for piece in 1..=bad.len() {
                let mut reader = FrameReader::default();
                let fed = bad.chunks(piece).try_for_each(|piece| reader.feed(piece, |_| ()));
                assert!(fed.is_err(), "{bad:?} in pieces of {piece}");
            }
        }
    }
}
