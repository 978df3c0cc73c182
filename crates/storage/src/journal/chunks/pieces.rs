//! The rows of a chunk file, in pieces that are verified one by one.
//!
//! A piece has a head, its length and the CRC-32C of length and content, each a little-endian u32; then its rows, in the
//! order of their keys: length of the key (u16), length of the value and one more (u32; 0 where the row is deleted), key, value.
//! A row is never divided. That no piece is missing is what the checksum of all heads, in the footer, is for.

use std::io;

use bytes::Bytes;
use headwater_core::storage::StorageError;

use super::file::ChunkFile;
use super::footer::Section;
use super::out::Out;
use crate::local::row;

/// Length and checksum.
const HEAD: usize = 8;

/// The two lengths before a row.
const LENGTHS: usize = 6;

/// Bytes of a piece, unless one row alone takes more.
const PIECE_BYTES: usize = 64 * 1024;

/// Bytes of a row, at most: many times what any row has, and little enough to be read at once.
const ROW_BYTES: usize = 1 << 20;

/// A row that changes: its key, and its value, if it is to have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowEdit {
    pub(crate) key: Bytes,
    pub(crate) value: Option<Bytes>,
}

impl RowEdit {
    /// Whether a file can hold it.
    pub(super) fn is_sound(&self) -> bool {
        let value = self.value.as_ref().map_or(0, Bytes::len);
        let key = !self.key.is_empty() && u16::try_from(self.key.len()).is_ok();
        key && self.key.len() + value + LENGTHS <= ROW_BYTES
    }

    fn put(&self, piece: &mut Vec<u8>) {
        // A sound row has no longer ones.
        let value = self.value.as_ref().map_or(0, |value| value.len() as u32 + 1);
        piece.extend_from_slice(&(self.key.len() as u16).to_le_bytes());
        piece.extend_from_slice(&value.to_le_bytes());
        piece.extend_from_slice(&self.key);
        piece.extend_from_slice(self.value.as_deref().unwrap_or_default());
    }

    /// Takes the first row of what is left of a piece.
    fn take(piece: &mut Bytes) -> Option<Self> {
        let (&key, rest) = piece.split_first_chunk::<2>()?;
        let (&value, rest) = rest.split_first_chunk::<4>()?;
        let key = usize::from(u16::from_le_bytes(key));
        let value = (u32::from_le_bytes(value) as usize).checked_sub(1);
        if key.saturating_add(value.unwrap_or(0)) > rest.len() {
            return None;
        }
        drop(piece.split_to(LENGTHS));
        let key = piece.split_to(key);
        Some(Self { key, value: value.map(|len| piece.split_to(len)) })
    }
}

/// Writes rows that are sorted.
pub(super) fn put_rows(out: &mut Out, rows: &[RowEdit]) -> io::Result<Section> {
    let mut cutter = Cutter::new(out.offset());
    rows.iter().try_for_each(|row| cutter.put(out, row))?;
    cutter.finish(out)
}

/// Divides rows into pieces while they are written, one after the other in the order of their keys.
#[derive(Debug)]
pub(super) struct Cutter {
    section: Section,
    piece: Vec<u8>,
}

impl Cutter {
    /// Begins at a place in what is written.
    pub(super) fn new(offset: u64) -> Self {
        Self { section: Section { offset, ..Section::default() }, piece: Vec::new() }
    }

    pub(super) fn put(&mut self, out: &mut Out, row: &RowEdit) -> io::Result<()> {
        let len = LENGTHS + row.key.len() + row.value.as_ref().map_or(0, Bytes::len);
        if self.piece.len() + len > PIECE_BYTES && !self.piece.is_empty() {
            put_piece(out, &mut self.section, &mut self.piece)?;
        }
        self.section.rows += 1;
        row.put(&mut self.piece);
        Ok(())
    }

    pub(super) fn finish(mut self, out: &mut Out) -> io::Result<Section> {
        if !self.piece.is_empty() {
            put_piece(out, &mut self.section, &mut self.piece)?;
        }
        self.section.len = out.offset() - self.section.offset;
        Ok(self.section)
    }
}

fn put_piece(out: &mut Out, section: &mut Section, piece: &mut Vec<u8>) -> io::Result<()> {
    // A piece is never longer than a row and what a piece has otherwise.
    let len = (piece.len() as u32).to_le_bytes();
    let crc = crc32c::crc32c_append(crc32c::crc32c(&len), piece).to_le_bytes();
    let head = [len, crc].concat();
    section.crc = crc32c::crc32c_append(section.crc, &head);
    out.put(&head)?;
    out.put(piece)?;
    piece.clear();
    Ok(())
}

/// The rows of a file, in the order of their keys. One piece of them is in memory.
///
/// What was handed out was verified. That it is all there is, is known at the end: an error is the last item.
#[derive(Debug)]
pub(crate) struct Rows<'f> {
    file: &'f ChunkFile,
    offset: u64,
    end: u64,
    crc: u32,
    count: u64,
    piece: Bytes,
    last: Bytes,
    over: bool,
}

impl<'f> Rows<'f> {
    pub(super) fn new(file: &'f ChunkFile) -> Self {
        let Section { offset, len, .. } = file.footer().section;
        // The footer was compared with the size of the file.
        let end = offset.saturating_add(len);
        let (piece, last) = (Bytes::new(), Bytes::new());
        Self { file, offset, end, crc: 0, count: 0, piece, last, over: false }
    }

    /// Where the next piece begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    fn advance(&mut self) -> Result<Option<RowEdit>, StorageError> {
        if self.piece.is_empty() {
            if self.offset >= self.end {
                return self.complete().map(|()| None);
            }
            self.piece = self.next_piece()?;
        }
        let Some(row) = RowEdit::take(&mut self.piece) else {
            return Err(self.damage("a row cannot be understood"));
        };
        self.count += 1;
        if row.key <= self.last {
            let row = row::describe(&row.key);
            return Err(self.damage(&format!("{row} is out of order")));
        }
        self.last = row.key.clone();
        Ok(Some(row))
    }

    fn next_piece(&mut self) -> Result<Bytes, StorageError> {
        let left = self.end - self.offset;
        if left <= HEAD as u64 {
            return Err(self.damage("the rows are cut short"));
        }
        let head = self.file.read(self.offset, HEAD)?;
        let (len, crc) = head.split_at_checked(4).unwrap_or_default();
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
        let size = number(len) as usize;
        if size == 0 || size > PIECE_BYTES + ROW_BYTES || size as u64 > left - HEAD as u64 {
            return Err(self.damage("a piece of rows has an impossible length"));
        }
        let piece = self.file.read(self.offset + HEAD as u64, size)?;
        if crc32c::crc32c_append(crc32c::crc32c(len), &piece) != number(crc) {
            return Err(self.damage("a piece of rows does not match its checksum"));
        }
        self.crc = crc32c::crc32c_append(self.crc, &head);
        self.offset += (HEAD + size) as u64;
        Ok(piece)
    }

    fn complete(&self) -> Result<(), StorageError> {
        let Section { rows, crc, .. } = self.file.footer().section;
        if (self.count, self.crc) == (rows, crc) {
            Ok(())
        } else {
            Err(self.damage("the rows are not all there"))
        }
    }

    fn damage(&self, what: &str) -> StorageError {
        self.file.damage(self.offset, what)
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<RowEdit, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = self.advance().transpose();
        self.over = !matches!(next, Some(Ok(_)));
        next
    }
}
