//! The bytes of a backup: eight letters, then frames that are numbered and checksummed.
//!
//! A frame has a head of 16 bytes, all numbers little-endian: length of the body (u32), CRC-32C of everything else in the frame
//! (u32), number of the frame from 0 (u64). The body is a kind (u8) and what belongs to it. The order is: begin; for each
//! file its name, its bytes, its end; the end. Nothing may follow.

use std::io::{self, Read};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::error::BackupError;

/// What a backup begins with.
pub(super) const LETTERS: [u8; 8] = *b"hwbackup";

/// The version of this form.
const VERSION: u32 = 1;

/// Bytes before the body of a frame.
const HEAD: usize = 16;

/// Bytes of a file that go into one frame, at most: few frames for a large file, and little memory while it is on its way.
pub(super) const DATA_BYTES: usize = 256 << 10;

/// Longest body of a frame that is believed: data, or a name.
const MOST: usize = DATA_BYTES + 64;

const BEGIN: u8 = 1;
const FILE: u8 = 2;
const DATA: u8 = 3;
const FILE_END: u8 = 4;
const END: u8 = 5;

/// Of what it is a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) version: u32,
    pub(super) adapter: String,
    /// The version of the adapter's own format.
    pub(super) format: u32,
    /// The last group that is in it.
    pub(super) group: u64,
    /// The last unit, and its commit timestamp.
    pub(super) unit: u64,
    pub(super) at: u64,
}

impl Begin {
    pub(super) fn new(format: u32, group: u64, (unit, at): (u64, u64)) -> Self {
        Self { version: VERSION, adapter: "journal".to_owned(), format, group, unit, at }
    }
}

/// A file begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    /// Where it is in the data directory.
    pub(super) path: String,
    /// How long it is. What is not in the backup is zeros, at its end.
    pub(super) size: u64,
}

/// What came of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileEnd {
    pub(super) bytes: u64,
    pub(super) crc: u32,
}

/// What came in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

impl FileEnd {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.crc = crc32c::crc32c_append(self.crc, bytes);
    }
}

impl End {
    pub(super) fn add(&mut self, file: FileEnd) {
        self.files += 1;
        self.bytes += file.bytes;
    }
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Begin(Begin),
    File(File),
    Data(Bytes),
    FileEnd(FileEnd),
    End(End),
}

/// What a backup is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Files in it.
    pub files: u64,
    /// Bytes of these files that are in it.
    pub bytes: u64,
    /// The number of the last commit that is in it.
    pub unit: u64,
    /// The commit timestamp of that one, in milliseconds since the Unix epoch.
    pub at: u64,
}

/// Turns pieces into frames.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    number: u64,
}

impl Encoder {
    /// The next frame; the letters come in front of the first.
    pub(super) fn frame(&mut self, piece: &Piece) -> Result<Bytes, postcard::Error> {
        let mut out = if self.number == 0 { LETTERS.to_vec() } else { Vec::new() };
        let from = out.len();
        out.resize(from + HEAD, 0);
        let out = match piece {
            Piece::Begin(begin) => encode(out, BEGIN, begin)?,
            Piece::File(file) => encode(out, FILE, file)?,
            Piece::FileEnd(end) => encode(out, FILE_END, end)?,
            Piece::End(end) => encode(out, END, end)?,
            Piece::Data(bytes) => {
                out.push(DATA);
                out.extend_from_slice(bytes);
                out
            }
        };
        let mut out = out;
        // No body is longer than a piece of data or a path.
        let len = ((out.len() - from - HEAD) as u32).to_le_bytes();
        let number = self.number.to_le_bytes();
        let body = out.get(from + HEAD..).unwrap_or_default();
        let crc = checksum(len, number, body).to_le_bytes();
        let head = [&len[..], &crc, &number].concat();
        if let Some(room) = out.get_mut(from..from + HEAD) {
            room.copy_from_slice(&head);
        }
        self.number += 1;
        Ok(out.into())
    }
}

fn encode(mut out: Vec<u8>, kind: u8, said: &impl Serialize) -> Result<Vec<u8>, postcard::Error> {
    out.push(kind);
    postcard::to_extend(said, out)
}

fn checksum(len: [u8; 4], number: [u8; 8], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(&len), &number), body)
}

/// Takes what is in a backup, in its order. What it is given was verified.
pub(super) trait Sink {
    /// Whether its errors are of the sink or of the backup is theirs to say.
    type Error: From<BackupError>;

    fn file(&mut self, file: &File) -> Result<(), Self::Error>;
    fn data(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
    fn file_end(&mut self) -> Result<(), Self::Error>;
}

/// Keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    type Error = BackupError;

    fn file(&mut self, _: &File) -> Result<(), BackupError> {
        Ok(())
    }

    fn data(&mut self, _: &[u8]) -> Result<(), BackupError> {
        Ok(())
    }

    fn file_end(&mut self) -> Result<(), BackupError> {
        Ok(())
    }
}

/// Reads all of a backup, and says what it is of. Blocks.
///
/// # Errors
/// When any byte of it is not as it was written, or it is not all there.
pub fn verify(input: impl Read) -> Result<Summary, BackupError> {
    walk(input, u32::MAX, &mut Nowhere)
}

/// Reads a backup of an adapter's format up to this one, to its end.
pub(super) fn walk<S: Sink>(
    input: impl Read,
    format: u32,
    sink: &mut S,
) -> Result<Summary, S::Error> {
    let mut frames = Frames { input, number: 0, at: 0, from: 0, file: None };
    let begin = frames.begin()?;
    if begin.version > VERSION || begin.format > format {
        return Err(BackupError::Newer.into());
    }
    let mut sum = End::default();
    loop {
        match frames.piece()? {
            Piece::File(file) => {
                frames.file = Some(file.path.clone());
                sink.file(&file)?;
                sum.add(content(&mut frames, &file, sink)?);
                sink.file_end()?;
                frames.file = None;
            }
            Piece::End(end) if end == sum => {
                frames.nothing_more()?;
                let Begin { unit, at, .. } = begin;
                return Ok(Summary { files: sum.files, bytes: sum.bytes, unit, at });
            }
            _ => return Err(frames.damage("a frame is not in its place").into()),
        }
    }
}

/// The content of a file.
fn content<S: Sink>(
    frames: &mut Frames<impl Read>,
    file: &File,
    sink: &mut S,
) -> Result<FileEnd, S::Error> {
    let mut sum = FileEnd::default();
    loop {
        match frames.piece()? {
            Piece::Data(bytes) => {
                sum.add(&bytes);
                sink.data(&bytes)?;
            }
            Piece::FileEnd(end) if end == sum && sum.bytes <= file.size => return Ok(sum),
            _ => return Err(frames.damage("a frame is not in its place").into()),
        }
    }
}

/// Reads frames.
struct Frames<R> {
    input: R,
    number: u64,
    /// Bytes that were read, and where the last frame begins.
    at: u64,
    from: u64,
    /// The file that is read.
    file: Option<String>,
}

impl<R: Read> Frames<R> {
    fn begin(&mut self) -> Result<Begin, BackupError> {
        let mut letters = [0; LETTERS.len()];
        self.fill(&mut letters)?;
        if letters != LETTERS {
            return Err(BackupError::Foreign);
        }
        match self.piece()? {
            Piece::Begin(begin) => Ok(begin),
            _ => Err(self.damage("a frame is not in its place")),
        }
    }

    fn piece(&mut self) -> Result<Piece, BackupError> {
        self.from = self.at;
        let (mut len, mut crc, mut number) = ([0; 4], [0; 4], [0; 8]);
        self.fill(&mut len)?;
        self.fill(&mut crc)?;
        self.fill(&mut number)?;
        let size = u32::from_le_bytes(len) as usize;
        if size > MOST {
            return Err(self.damage("a frame does not match its checksum"));
        }
        let mut body = vec![0; size];
        self.fill(&mut body)?;
        if u32::from_le_bytes(crc) != checksum(len, number, &body) {
            return Err(self.damage("a frame does not match its checksum"));
        }
        if u64::from_le_bytes(number) != self.number {
            return Err(self.damage("frames are missing, or not in their order"));
        }
        self.number += 1;
        parse(body.into()).ok_or_else(|| self.damage("a frame cannot be understood"))
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), BackupError> {
        let mut rest = buffer;
        while !rest.is_empty() {
            match self.input.read(rest) {
                Ok(0) => return Err(BackupError::Incomplete { at: self.at }),
                Ok(read) => {
                    self.at += read as u64;
                    rest = rest.get_mut(read..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn nothing_more(&mut self) -> Result<(), BackupError> {
        self.from = self.at;
        match self.fill(&mut [0]) {
            Err(BackupError::Incomplete { .. }) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Err(self.damage("something follows its end")),
        }
    }

    fn damage(&self, what: &'static str) -> BackupError {
        BackupError::Damaged { at: self.from, file: self.file.clone(), what }
    }
}

fn parse(body: Bytes) -> Option<Piece> {
    fn all<'b, T: Deserialize<'b>>(said: &'b [u8]) -> Option<T> {
        postcard::take_from_bytes(said)
            .ok()
            .filter(|(_, rest)| rest.is_empty())
            .map(|(said, _)| said)
    }
    let (kind, said) = body.split_first()?;
    Some(match *kind {
        BEGIN => Piece::Begin(all(said)?),
        FILE => Piece::File(all(said)?),
        DATA => Piece::Data(body.slice(1..)),
        FILE_END => Piece::FileEnd(all(said)?),
        END => Piece::End(all(said)?),
        _ => return None,
    })
}
