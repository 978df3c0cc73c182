//! The keys: every row in the database has a name, and each name is one key.
//!
//! A key is a tag and then its parts. Numbers have fixed width and are big-endian, so keys sort as the numbers do. A text
//! is the last part, or ends with a zero byte, which no name contains. So no key is a prefix of another's, and a scan over
//! one stream never meets another whose name begins alike.

use std::fmt;

use headwater_core::storage::SpaceSequence;
use headwater_core::{Lineage, StoreId, StreamKey, Timestamp};

/// The kinds of rows. The numbers are stored and stay as they are; gaps are for kinds to come.
pub(crate) mod tag {
    pub(crate) const GROUP: u8 = 0x01;
    pub(crate) const STATE: u8 = 0x10;
    pub(crate) const LINEAGE: u8 = 0x11;
    pub(crate) const SPACE: u8 = 0x12;
    pub(crate) const RANGES: u8 = 0x13;
    pub(crate) const CHUNK: u8 = 0x20;
    pub(crate) const ORDER: u8 = 0x30;
    pub(crate) const PRODUCER: u8 = 0x40;
    pub(crate) const DEADLINE: u8 = 0x50;
    pub(crate) const PIN: u8 = 0x60;
    pub(crate) const GRAVE: u8 = 0x70;
    pub(crate) const TRIM: u8 = 0x71;
    /// Last, among small rows: it is written with every batch, and each time sled writes its neighbours too.
    pub(crate) const CHECKPOINT: u8 = 0x7F;
}

/// A key and its value, to be written.
pub(crate) type Written = (Vec<u8>, Vec<u8>);

/// The name of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row<'a> {
    /// A part of a committed group that is not packed yet.
    Group { group: u64, part: u32 },
    /// How far packing has come, and what the packed rows add up to.
    Checkpoint,
    /// What stands under a key.
    State { store: StoreId, path: &'a str },
    /// Which stream has a lineage.
    Lineage(Lineage),
    /// How far the order of a space has come.
    Space { store: StoreId, space: &'a str },
    /// Inherited ranges that are too many for the state row.
    Ranges { lineage: Lineage, index: u16 },
    /// Records of a stream from a position and a sequence on.
    Chunk { lineage: Lineage, position: u64, sequence: u64 },
    /// The order of a space from a space sequence on.
    Order { store: StoreId, space: &'a str, first: SpaceSequence },
    /// What a stream remembers of a producer.
    Producer { lineage: Lineage, id: &'a str },
    /// When a stream ends.
    Deadline { at: Timestamp, lineage: Lineage },
    /// How many forks diverge at a position.
    Pin { lineage: Lineage, position: u64 },
    /// What is left of a lineage and is to be deleted.
    Grave(Lineage),
    /// The beginning of a lineage that is to be deleted.
    Trim(Lineage),
}

impl<'a> Row<'a> {
    /// The key.
    pub(crate) fn key(&self) -> Vec<u8> {
        match *self {
            Self::Group { group, part } => {
                key(tag::GROUP, &[&group.to_be_bytes(), &part.to_be_bytes()])
            }
            Self::Checkpoint => key(tag::CHECKPOINT, &[]),
            Self::State { store, path } => {
                key(tag::STATE, &[&store.0.to_be_bytes(), path.as_bytes()])
            }
            Self::Lineage(lineage) => key(tag::LINEAGE, &[&lineage.0.to_be_bytes()]),
            Self::Space { store, space } => {
                key(tag::SPACE, &[&store.0.to_be_bytes(), space.as_bytes()])
            }
            Self::Ranges { lineage, index } => {
                key(tag::RANGES, &[&lineage.0.to_be_bytes(), &index.to_be_bytes()])
            }
            Self::Chunk { lineage, position, sequence } => key(
                tag::CHUNK,
                &[&lineage.0.to_be_bytes(), &position.to_be_bytes(), &sequence.to_be_bytes()],
            ),
            Self::Order { store, space, first } => key(
                tag::ORDER,
                &[&store.0.to_be_bytes(), space.as_bytes(), &[0], &first.0.to_be_bytes()],
            ),
            Self::Producer { lineage, id } => {
                key(tag::PRODUCER, &[&lineage.0.to_be_bytes(), id.as_bytes()])
            }
            Self::Deadline { at, lineage } => {
                key(tag::DEADLINE, &[&at.0.to_be_bytes(), &lineage.0.to_be_bytes()])
            }
            Self::Pin { lineage, position } => {
                key(tag::PIN, &[&lineage.0.to_be_bytes(), &position.to_be_bytes()])
            }
            Self::Grave(lineage) => key(tag::GRAVE, &[&lineage.0.to_be_bytes()]),
            Self::Trim(lineage) => key(tag::TRIM, &[&lineage.0.to_be_bytes()]),
        }
    }

    /// Reads a key; `None` when it is none of ours.
    pub(crate) fn parse(key: &'a [u8]) -> Option<Self> {
        let (tag, rest) = key.split_first()?;
        let mut parts = Parts(rest);
        let row = match *tag {
            tag::GROUP => {
                Self::Group { group: parts.number()?, part: parts.take().map(u32::from_be_bytes)? }
            }
            tag::CHECKPOINT => Self::Checkpoint,
            tag::STATE => Self::State { store: parts.store()?, path: parts.rest()? },
            tag::LINEAGE => Self::Lineage(parts.lineage()?),
            tag::SPACE => Self::Space { store: parts.store()?, space: parts.rest()? },
            tag::RANGES => Self::Ranges { lineage: parts.lineage()?, index: parts.short()? },
            tag::CHUNK => Self::Chunk {
                lineage: parts.lineage()?,
                position: parts.number()?,
                sequence: parts.number()?,
            },
            tag::ORDER => Self::Order {
                store: parts.store()?,
                space: parts.until_zero()?,
                first: SpaceSequence(parts.number()?),
            },
            tag::PRODUCER => Self::Producer { lineage: parts.lineage()?, id: parts.rest()? },
            tag::DEADLINE => {
                Self::Deadline { at: Timestamp(parts.number()?), lineage: parts.lineage()? }
            }
            tag::PIN => Self::Pin { lineage: parts.lineage()?, position: parts.number()? },
            tag::GRAVE => Self::Grave(parts.lineage()?),
            tag::TRIM => Self::Trim(parts.lineage()?),
            _ => return None,
        };
        parts.0.is_empty().then_some(row)
    }

    /// The state row of a stream.
    pub(crate) fn state(key: &'a StreamKey) -> Self {
        Self::State { store: key.store(), path: key.path() }
    }
}

/// The first part of the keys of one lineage's rows of a kind.
pub(crate) fn of_lineage(tag: u8, lineage: Lineage) -> Vec<u8> {
    key(tag, &[&lineage.0.to_be_bytes()])
}

/// The first part of the keys of one space's order.
pub(crate) fn of_space(store: StoreId, space: &str) -> Vec<u8> {
    key(tag::ORDER, &[&store.0.to_be_bytes(), space.as_bytes(), &[0]])
}

fn key(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(tag);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// What is left of a key that is being read.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (part, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*part)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn short(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    fn lineage(&mut self) -> Option<Lineage> {
        self.number().map(Lineage)
    }

    fn store(&mut self) -> Option<StoreId> {
        self.take().map(|bytes| StoreId(u128::from_be_bytes(bytes)))
    }

    fn rest(&mut self) -> Option<&'a str> {
        str::from_utf8(std::mem::take(&mut self.0)).ok()
    }

    fn until_zero(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = str::from_utf8(self.0.get(..end)?).ok();
        self.0 = self.0.get(end + 1..)?;
        text
    }
}

/// A place to look, for the messages about damage.
impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Group { group, part } => write!(f, "part {part} of group {group}"),
            Self::Checkpoint => f.write_str("the checkpoint"),
            Self::State { store, path } => {
                write!(f, "the state of stream `{path}` of store {:x}", store.0)
            }
            Self::Lineage(lineage) => write!(f, "the name of lineage {}", lineage.0),
            Self::Space { store, space } => {
                write!(f, "the counters of space `{space}` of store {:x}", store.0)
            }
            Self::Ranges { lineage, index } => {
                write!(f, "part {index} of the inherited ranges of lineage {}", lineage.0)
            }
            Self::Chunk { lineage, position, sequence } => write!(
                f,
                "the chunk of lineage {} at position {position}, sequence {sequence}",
                lineage.0
            ),
            Self::Order { store, space, first } => write!(
                f,
                "the order of space `{space}` of store {:x} at space sequence {}",
                store.0, first.0
            ),
            Self::Producer { lineage, id } => {
                write!(f, "the producer `{id}` of lineage {}", lineage.0)
            }
            Self::Deadline { at, lineage } => {
                write!(f, "the deadline {} of lineage {}", at.0, lineage.0)
            }
            Self::Pin { lineage, position } => {
                write!(f, "the forks of lineage {} at position {position}", lineage.0)
            }
            Self::Grave(lineage) => write!(f, "the remains of lineage {}", lineage.0),
            Self::Trim(lineage) => write!(f, "the given-up beginning of lineage {}", lineage.0),
        }
    }
}

/// Names the row of a key, or shows the key where it is none of ours.
pub(crate) fn describe(key: &[u8]) -> String {
    Row::parse(key)
        .map_or_else(|| format!("a row with the unknown key {key:02x?}"), |row| row.to_string())
}
