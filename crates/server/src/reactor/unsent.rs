//! What a socket has not taken yet.

use std::io::{self, Write};
use std::time::Instant;

use bytes::{Bytes, BytesMut};

/// Bytes that are left to be written, in order.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// Shared with all that were told the same.
    bytes: Bytes,
    /// When the socket took something last, if something is left.
    since: Option<Instant>,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    All,
    /// The socket takes no more for now.
    Part,
    /// The other side is gone.
    Nothing,
}

impl Unsent {
    /// Since when the socket takes nothing of what is left, if something is.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Writes bytes behind those that are left.
    pub(super) fn write(&mut self, socket: &mut impl Write, bytes: Bytes, now: Instant) -> Written {
        if self.bytes.is_empty() {
            self.bytes = bytes;
            return self.flush(socket, now);
        }
        let mut both = BytesMut::with_capacity(self.bytes.len() + bytes.len());
        both.extend_from_slice(&self.bytes);
        both.extend_from_slice(&bytes);
        self.bytes = both.freeze();
        Written::Part
    }

    /// Writes what is left.
    pub(super) fn flush(&mut self, socket: &mut impl Write, now: Instant) -> Written {
        while !self.bytes.is_empty() {
            match socket.write(&self.bytes) {
                Ok(0) => return Written::Nothing,
                Ok(written) if written == self.bytes.len() => self.bytes = Bytes::new(),
                Ok(written) => {
                    drop(self.bytes.split_to(written));
                    self.since = Some(now);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.since.get_or_insert(now);
                    return Written::Part;
                }
                Err(_) => return Written::Nothing,
            }
        }
        self.since = None;
        Written::All
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Takes so many bytes, and then none for once.
    struct Narrow {
        room: Vec<usize>,
        taken: Vec<u8>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.room.pop() {
                Some(0) => Err(io::ErrorKind::WouldBlock.into()),
                Some(room) => {
                    let taken = room.min(bytes.len());
                    self.taken.extend_from_slice(&bytes[..taken]);
                    Ok(taken)
                }
                None => Err(io::ErrorKind::BrokenPipe.into()),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn wherever_a_write_is_cut_the_rest_follows_in_order() {
        const ANSWER: &[u8] = b"3\r\nabc\r\n0\r\n\r\n";
        let begun = Instant::now();
        let later = begun + Duration::from_secs(1);
        for first in 1..ANSWER.len() {
            for second in 1..ANSWER.len() {
                for cut in 1..ANSWER.len() {
                    let room = vec![ANSWER.len(), second, 0, first];
                    let mut socket = Narrow { room, taken: Vec::new() };
                    let mut unsent = Unsent::default();
                    let (one, two) = ANSWER.split_at(cut);
                    let wrote = unsent.write(&mut socket, Bytes::from_static(one), begun);
                    assert_eq!(wrote == Written::All, first >= one.len());
                    assert_eq!(unsent.since(), (wrote == Written::Part).then_some(begun));
                    let wrote = unsent.write(&mut socket, Bytes::from_static(two), begun);
                    assert_eq!(wrote, Written::Part, "it took nothing for once");
                    assert_eq!(unsent.flush(&mut socket, later), Written::All);
                    assert_eq!((socket.taken.as_slice(), unsent.since()), (ANSWER, None));
                }
            }
        }
    }

    #[test]
    fn who_takes_nothing_is_known_since_when_and_who_is_gone_at_once() {
        let begun = Instant::now();
        let later = begun + Duration::from_secs(1);
        let mut socket = Narrow { room: vec![0, 1, 0, 0], taken: Vec::new() };
        let mut unsent = Unsent::default();
        assert_eq!(unsent.write(&mut socket, Bytes::from_static(b"abc"), begun), Written::Part);
        assert_eq!(unsent.flush(&mut socket, later), Written::Part);
        assert_eq!(unsent.since(), Some(begun));
        assert_eq!(unsent.flush(&mut socket, later), Written::Part);
        assert_eq!(unsent.since(), Some(later), "it took a byte");
        assert_eq!(unsent.flush(&mut socket, later), Written::Nothing);
    }
}
