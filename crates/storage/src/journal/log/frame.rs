//! A frame's bytes: a header of 32 bytes, then the body, then zeros up to a multiple of 8.
//!
//! The checksum begins with the log's identity and covers the rest of the header and the body. Nothing here trusts a length
//! before it was compared with the bytes that are there.

use bytes::{Buf, BufMut, Bytes};

#[cfg(test)]
use super::planted::{self, Fault};
use super::{Flaw, Mark, Place};

/// Bytes of a header.
pub(super) const HEADER: usize = 32;

/// Bytes of kind and version, with which each body begins.
pub(super) const TAG: usize = 2;

/// Where a frame's content begins, from the frame's beginning.
pub(crate) const CONTENT: usize = HEADER + TAG;

/// Frames begin at multiples of it, so that the beginning of each fits into one sector and a search needs few steps.
pub(super) const ALIGNMENT: usize = 8;

/// What stands behind the last group where there is room. No frame begins so, because no body is empty.
pub(super) const END: [u8; ALIGNMENT] = [0; ALIGNMENT];

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind(pub(crate) u8);

impl Kind {
    /// The log's own: the first frame of each file.
    pub(super) const BEGIN: Self = Self(1);
    /// One unit.
    pub(crate) const UNIT: Self = Self(2);
}

/// With what the checksums of a log begin, so that the frames of another log, or payload that imitates frames, do not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u32);

impl Identity {
    /// From a number that is drawn at random for each log, and that clients do not know.
    #[must_use]
    pub(crate) fn new(number: u64) -> Self {
        Self(crc32c::crc32c(&number.to_le_bytes()))
    }

    /// The only one by which a frame would be whole that takes all of these bytes.
    pub(super) fn of_frame(bytes: &[u8]) -> Option<Self> {
        let (&len, rest) = bytes.split_first_chunk::<4>()?;
        let (&sum, rest) = rest.split_first_chunk::<4>()?;
        let size = u32::from_le_bytes(len) as usize;
        let said = rest.get(..HEADER - 8 + size)?;
        let checksum = |seed| crc32c::crc32c_append(Self(seed).checksum(&len), said);
        // A CRC is linear in what it begins with, save for what it is of zero: so that can be had from it, bit by bit.
        let zero = checksum(0);
        let mut rows: Vec<(u32, u32)> =
            (0..u32::BITS).map(|bit| (checksum(1 << bit) ^ zero, 1 << bit)).collect();
        let (mut left, mut seed) = (u32::from_le_bytes(sum) ^ zero, 0);
        for bit in (0..u32::BITS).map(|bit| 1_u32 << bit) {
            let at = rows.iter().position(|(image, _)| image & bit != 0)?;
            let (image, source) = rows.swap_remove(at);
            for row in rows.iter_mut().filter(|row| row.0 & bit != 0) {
                *row = (row.0 ^ image, row.1 ^ source);
            }
            if left & bit != 0 {
                (left, seed) = (left ^ image, seed ^ source);
            }
        }
        (left == 0).then_some(Self(seed))
    }

    /// A checksum of this log.
    pub(super) fn checksum(self, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(self.0, bytes)
    }
}

/// The rest of a header, besides the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes of the body.
    pub(super) len: u32,
    /// Where the frame is.
    pub(super) place: Place,
    /// Which of its group's frames it is, from 0.
    pub(super) index: u16,
    /// How many frames the group has.
    pub(super) count: u16,
    /// The group.
    pub(super) group: u64,
    /// How many groups back the last one is that was durable when this was written.
    pub(super) lag: u32,
}

impl Header {
    /// The last group that was durable when this frame was written.
    pub(super) fn durable(&self) -> u64 {
        self.group.saturating_sub(u64::from(self.lag))
    }

    /// The header's bytes for a body.
    pub(super) fn encode<'b>(
        &self,
        identity: Identity,
        body: impl Iterator<Item = &'b [u8]>,
    ) -> [u8; HEADER] {
        let sum = body.fold(self.checksum(identity), crc32c::crc32c_append);
        self.lay_out(sum)
    }

    /// The checksum of the header alone, to which the body is appended.
    fn checksum(&self, identity: Identity) -> u32 {
        let bytes = self.lay_out(0);
        let (len, rest) = bytes.split_at(4);
        let (_, rest) = rest.split_at(4);
        #[cfg(test)]
        let rest = planted::unless(Fault::IgnoresGeneration, rest, |rest| rest.split_at(4).1);
        crc32c::crc32c_append(identity.checksum(len), rest)
    }

    /// Where the frame ends.
    pub(super) fn end(&self) -> Option<u32> {
        let len = (self.len as usize).checked_next_multiple_of(ALIGNMENT)?.checked_add(HEADER)?;
        self.place.offset.checked_add(u32::try_from(len).ok()?)
    }

    fn lay_out(&self, sum: u32) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let mut out = bytes.as_mut_slice();
        out.put_u32_le(self.len);
        out.put_u32_le(sum);
        // Files have no larger numbers: see `files`.
        out.put_u32_le(self.place.generation as u32);
        out.put_u32_le(self.lag);
        out.put_u32_le(self.place.offset);
        out.put_u16_le(self.index);
        out.put_u16_le(self.count);
        out.put_u64_le(self.group);
        bytes
    }

    /// A header and its checksum.
    fn decode(bytes: &[u8; HEADER]) -> (Self, u32) {
        let mut bytes = bytes.as_slice();
        let len = bytes.get_u32_le();
        let sum = bytes.get_u32_le();
        let (generation, lag) = (bytes.get_u32_le().into(), bytes.get_u32_le());
        let place = Place { generation, offset: bytes.get_u32_le() };
        let (index, count) = (bytes.get_u16_le(), bytes.get_u16_le());
        (Self { len, place, index, count, group: bytes.get_u64_le(), lag }, sum)
    }
}

/// The bytes of a file from a place on.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    /// The file, and where in it the bytes begin.
    pub(super) from: Place,
    /// The bytes.
    pub(super) bytes: Bytes,
}

/// A frame that was found whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its header.
    pub(super) header: Header,
    /// What it is.
    pub(super) kind: Kind,
    /// The version of the content.
    pub(super) version: u8,
    /// The rest of the body; shares the stretch's memory.
    pub(super) content: Bytes,
    /// Where the next frame begins, in the file.
    pub(super) end: u32,
}

impl Stretch {
    /// Bytes of the file up to the end of the stretch.
    pub(super) fn end(&self) -> u64 {
        u64::from(self.from.offset) + self.bytes.len() as u64
    }

    /// The bytes from an offset of the file on.
    fn tail(&self, offset: u32) -> &[u8] {
        let skipped = offset.checked_sub(self.from.offset).map(|skipped| skipped as usize);
        skipped.and_then(|skipped| self.bytes.get(skipped..)).unwrap_or_default()
    }

    /// Whether the log may have ended here in good order: the file has no room for a mark, or there is one.
    pub(super) fn is_end(&self, offset: u32) -> bool {
        self.tail(offset).first_chunk().is_none_or(|mark| *mark == END)
    }

    /// The header at an offset, if it is one that could have been written there. Nothing is said about its checksum.
    pub(super) fn header(&self, offset: u32) -> Result<Header, Flaw> {
        self.peek(offset).map(|(header, ..)| header)
    }

    /// The header, its checksum, and the bytes behind it.
    fn peek(&self, offset: u32) -> Result<(Header, u32, &[u8]), Flaw> {
        let tail = self.tail(offset);
        let Some((header, rest)) = tail.split_first_chunk() else {
            return Err(if tail.iter().any(|byte| *byte != 0) { Flaw::Short } else { Flaw::Blank });
        };
        if header.starts_with(&END) {
            return Err(Flaw::Blank);
        }
        let (header, sum) = Header::decode(header);
        let place = Place { offset, ..self.from };
        #[cfg(test)]
        let place = planted::unless(Fault::IgnoresGeneration, place, |place| Place {
            generation: header.place.generation,
            ..place
        });
        let counted = header.lag > 0 && u64::from(header.lag) <= header.group;
        let shaped = header.index < header.count && header.len as usize >= TAG && counted;
        if header.place != place || !shaped {
            return Err(Flaw::Header);
        }
        if header.len as usize > rest.len() {
            return Err(Flaw::Short);
        }
        Ok((header, sum, rest))
    }

    /// The frame at an offset.
    pub(super) fn frame(&self, identity: Identity, offset: u32) -> Result<Found, Flaw> {
        let (header, sum, rest) = self.peek(offset)?;
        let len = header.len as usize;
        let body = rest.get(..len).ok_or(Flaw::Short)?;
        let padding = rest.get(len..len + padding(len)).ok_or(Flaw::Short)?;
        let matches = sum == crc32c::crc32c_append(header.checksum(identity), body);
        if !matches || padding.iter().any(|byte| *byte != 0) {
            return Err(Flaw::Checksum);
        }
        let Some(([kind, version], content)) = body.split_first_chunk() else {
            return Err(Flaw::Header);
        };
        let end = offset + (HEADER + len + padding.len()) as u32;
        let content = self.bytes.slice_ref(content);
        Ok(Found { header, kind: Kind(*kind), version: *version, content, end })
    }

    /// Whether a frame of an earlier generation begins here: the old content of a recycled file.
    pub(super) fn is_stale(&self, identity: Identity, offset: u32) -> bool {
        let header = self.tail(offset).first_chunk().map(|header| Header::decode(header).0);
        header.is_some_and(|header| {
            let before = Place { generation: header.place.generation, ..self.from };
            let stale = Self { from: before, bytes: self.bytes.clone() };
            before < self.from && stale.frame(identity, offset).is_ok()
        })
    }
}

/// Zeros behind a body of this length.
pub(super) fn padding(len: usize) -> usize {
    len.next_multiple_of(ALIGNMENT) - len
}

/// What the first frame of each file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begin {
    /// Where the log before this file ended.
    pub(super) after: Mark,
    /// Bytes that the file was made with. They were durable before anything was written to it.
    pub(super) capacity: u32,
    /// The run that wrote the file.
    pub(super) run: Run,
}

/// What a run says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// Whether what it wrote was acknowledged before it was durable.
    pub(crate) relaxed: bool,
    /// Above which its numbers are.
    pub(crate) floors: Floors,
}

/// Numbers above which a log counts since a crash after which it was not known how far others like them had been given. The log
/// keeps them and knows nothing of what is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Floors {
    /// Units.
    pub(crate) unit: u64,
    /// Records of a space.
    pub(crate) space: u64,
}

/// The version of a Begin frame's content.
const BEGIN_VERSION: u8 = 2;

/// The one that ends before the run.
const WITHOUT_RUN: u8 = 1;

/// Bytes of a Begin frame's body, and of one without the run.
const BEGIN_BODY: usize = SHORT_BODY + 17;
const SHORT_BODY: usize = TAG + 24;

/// Bytes of a Begin frame.
pub(super) const BEGIN: usize = (HEADER + BEGIN_BODY).next_multiple_of(ALIGNMENT);

impl Begin {
    /// The frame, as the first one of a file and of a group.
    pub(super) fn encode(
        &self,
        identity: Identity,
        generation: u64,
        (count, lag): (u16, u32),
    ) -> [u8; BEGIN] {
        let mut bytes = [0; BEGIN];
        let (header, body) = bytes.split_at_mut(HEADER);
        let (body, _) = body.split_at_mut(BEGIN_BODY);
        let mut out = &mut *body;
        out.put_u8(Kind::BEGIN.0);
        out.put_u8(BEGIN_VERSION);
        out.put_u64_le(self.after.place.generation);
        out.put_u32_le(self.after.place.offset);
        out.put_u32_le(self.capacity);
        out.put_u64_le(self.after.group);
        out.put_u8(self.run.relaxed.into());
        out.put_u64_le(self.run.floors.unit);
        out.put_u64_le(self.run.floors.space);
        let place = Place { generation, offset: 0 };
        let len = BEGIN_BODY as u32;
        let said = Header { len, place, index: 0, count, group: self.after.group + 1, lag };
        header.copy_from_slice(&said.encode(identity, std::iter::once(&*body)));
        bytes
    }

    /// What a frame says, if it is a first one.
    pub(super) fn decode(frame: &Found) -> Result<Self, Flaw> {
        if frame.kind != Kind::BEGIN || frame.header.index != 0 || frame.header.place.offset != 0 {
            return Err(Flaw::Continuation);
        }
        let len = match frame.version {
            BEGIN_VERSION => BEGIN_BODY,
            WITHOUT_RUN => SHORT_BODY,
            version => return Err(Flaw::Version(version)),
        };
        let mut content = &*frame.content;
        if content.len() != len - TAG {
            return Err(Flaw::Continuation);
        }
        let place = Place { generation: content.get_u64_le(), offset: content.get_u32_le() };
        let capacity = content.get_u32_le();
        let after = Mark { place, group: content.get_u64_le() };
        let mut run = Run::default();
        if frame.version == BEGIN_VERSION {
            run.relaxed = content.get_u8() != 0;
            run.floors = Floors { unit: content.get_u64_le(), space: content.get_u64_le() };
        }
        let continues = after.group.checked_add(1) == Some(frame.header.group);
        if continues { Ok(Self { after, capacity, run }) } else { Err(Flaw::Continuation) }
    }
}
