//! The ends of a chunk file: a header by which it is recognized, and a footer that says what is in it.

use super::super::log::{Mark, Place};
use super::name::ChunkName;

/// What a file begins with: eight letters, version, checksum, first and last round, turn.
pub(super) const HEADER: usize = 40;

/// What a file ends with: eight letters, version, checksum, and [`FIELDS`] numbers.
pub(super) const FOOTER: usize = LEAD + FIELDS * 8;

const HEADER_LETTERS: [u8; 8] = *b"hwchunk{";
const FOOTER_LETTERS: [u8; 8] = *b"}hwchunk";
const VERSION: u32 = 1;

/// Letters, version, and checksum.
const LEAD: usize = 16;
const FIELDS: usize = 22;

/// What all rows of the catalogue add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) rows: u64,
    /// Streams among them, soft-deleted ones included.
    pub(crate) streams: u64,
    /// The sum of the rows' fingerprints, modulo 2^64.
    pub(crate) digest: u64,
    /// Bytes of their keys and values.
    pub(crate) bytes: u64,
}

/// What is said of a file by who writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its place in the history of the catalogue.
    pub(crate) edition: u64,
    /// The edition of the catalogue as of which it was chosen what goes into it. A round is its own; what was merged looked at
    /// an earlier one.
    pub(crate) as_of: u64,
    /// The edition of the last round in it.
    pub(crate) latest: u64,
    /// Where the part of the journal begins that is in it.
    pub(crate) from: Mark,
    /// Where that part ends.
    pub(crate) to: Mark,
    /// The last unit in it.
    pub(crate) unit: u64,
    /// The last commit timestamp in it.
    pub(crate) at: u64,
    /// What the catalogue adds up to when the rows of this file are in it.
    pub(crate) ledger: Ledger,
}

impl Facts {
    /// Whether the file was made of others: then its rows say nothing new, save where things are.
    pub(crate) fn is_merge(&self) -> bool {
        self.as_of != self.edition
    }
}

/// Where the rows of a file are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    /// How many rows.
    pub(crate) rows: u64,
    /// CRC-32C of the heads of the pieces, each of which has the checksum of its piece.
    pub(crate) crc: u32,
}

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) name: ChunkName,
    pub(crate) facts: Facts,
    pub(crate) section: Section,
}

/// Why one of the ends is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no such thing, or its checksum does not match.
    Checksum,
    /// It has a version that this program does not know.
    Version(u32),
    /// What it says cannot be.
    Content,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Checksum => f.write_str("does not match its checksum"),
            Self::Version(version) => write!(f, "has the unknown version {version}"),
            Self::Content => f.write_str("cannot be understood"),
        }
    }
}

/// The header of a file.
pub(crate) fn header(name: ChunkName) -> Vec<u8> {
    seal(HEADER_LETTERS, &[name.first(), name.last(), name.turn().into()])
}

/// Which file a header belongs to.
pub(super) fn parse_header(bytes: &[u8]) -> Result<ChunkName, Fault> {
    let [first, last, turn] = open::<3>(HEADER_LETTERS, bytes)?;
    named(first, last, turn)
}

fn named(first: u64, last: u64, turn: u64) -> Result<ChunkName, Fault> {
    let turn = u32::try_from(turn).map_err(|_| Fault::Content)?;
    ChunkName::with_turn(first, last, turn).ok_or(Fault::Content)
}

impl Footer {
    /// The stored form.
    pub(super) fn encode(&self) -> Vec<u8> {
        let Self { name, facts, section } = *self;
        let Facts { edition, as_of, latest, from, to, unit, at, ledger } = facts;
        let numbers: [u64; FIELDS] = [
            name.first(),
            name.last(),
            name.turn().into(),
            edition,
            as_of,
            latest,
            from.place.generation,
            from.place.offset.into(),
            from.group,
            to.place.generation,
            to.place.offset.into(),
            to.group,
            unit,
            at,
            section.offset,
            section.len,
            section.rows,
            section.crc.into(),
            ledger.rows,
            ledger.streams,
            ledger.digest,
            ledger.bytes,
        ];
        seal(FOOTER_LETTERS, &numbers)
    }

    /// Reads the stored form.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let [
            first,
            last,
            turn,
            edition,
            as_of,
            latest,
            from,
            from_offset,
            from_group,
            to,
            to_offset,
            to_group,
            unit,
            at,
            offset,
            len,
            rows,
            crc,
            all_rows,
            streams,
            digest,
            bytes_of_rows,
        ] = open::<FIELDS>(FOOTER_LETTERS, bytes)?;
        let short = |number: u64| u32::try_from(number).map_err(|_| Fault::Content);
        let mark = |generation, offset, group| {
            short(offset).map(|offset| Mark { place: Place { generation, offset }, group })
        };
        Ok(Self {
            name: named(first, last, turn)?,
            facts: Facts {
                edition,
                as_of,
                latest,
                from: mark(from, from_offset, from_group)?,
                to: mark(to, to_offset, to_group)?,
                unit,
                at,
                ledger: Ledger { rows: all_rows, streams, digest, bytes: bytes_of_rows },
            },
            section: Section { offset, len, rows, crc: short(crc)? },
        })
    }
}

/// Numbers behind letters, version, and the checksum of all three.
fn seal(letters: [u8; 8], numbers: &[u64]) -> Vec<u8> {
    let mut bytes = letters.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    let body: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes), &body);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

fn open<const N: usize>(letters: [u8; 8], bytes: &[u8]) -> Result<[u64; N], Fault> {
    let (found, rest) = bytes.split_first_chunk::<8>().ok_or(Fault::Checksum)?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or(Fault::Checksum)?;
    let (crc, body) = rest.split_first_chunk::<4>().ok_or(Fault::Checksum)?;
    let sum = [found.as_slice(), version, body]
        .iter()
        .fold(0, |sum, part| crc32c::crc32c_append(sum, part));
    if *found != letters || u32::from_le_bytes(*crc) != sum {
        return Err(Fault::Checksum);
    }
    match u32::from_le_bytes(*version) {
        VERSION => {}
        version => return Err(Fault::Version(version)),
    }
    let (numbers, rest) = body.as_chunks::<8>();
    let numbers: Vec<u64> = numbers.iter().map(|number| u64::from_le_bytes(*number)).collect();
    match <[u64; N]>::try_from(numbers) {
        Ok(numbers) if rest.is_empty() => Ok(numbers),
        _ => Err(Fault::Content),
    }
}
