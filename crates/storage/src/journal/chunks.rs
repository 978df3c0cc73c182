//! Chunk files: what was recent, sorted by lineage and by space, in one file that never changes.
//!
//! A file has, in this order: a header; the payload of each lineage in one stretch, divided into blocks, with the tables of
//! its blocks behind it; stretches of the order of spaces; the rows by which the catalogue changes; and a footer. Every byte
//! stands under a checksum, and under exactly one of: header, a row's reference, a piece of rows, footer.
//!
//! - `name` says which files there are, and which of them count.
//! - [`ChunkWriter`] writes a file. It counts when it has its name, which it gets last of all.
//! - [`ChunkFile`] reads one. What is damaged is never served: a block is verified when it is first read, a table and a
//!   stretch each time, and damage in one fails that one only.
//! - `refs` are the values of the catalogue's rows that lead into a file.
//!
//! What a file holds, when it is written, and when it may go, is for others to say.

mod across;
mod ahead;
mod column;
mod cut;
mod file;
mod footer;
mod leave;
mod name;
mod open;
mod order;
mod out;
mod pieces;
mod place;
mod refs;
mod scrub;
mod seen;
mod spill;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use ahead::Ahead;
pub(crate) use file::{ChunkFile, Found};
#[cfg(test)]
pub(crate) use footer::Footer;
pub(crate) use footer::{Facts, Ledger, header};
pub(crate) use leave::push;
pub(crate) use name::{ChunkName, FOLDER, Listing, tidy_up};
pub(crate) use pieces::{RowEdit, Rows as ChunkRows};
pub(crate) use place::{Block, Start};
pub(crate) use refs::OrderRef;
#[cfg(test)]
pub(crate) use refs::{BlockRef, Extent};
pub(crate) use writer::ChunkWriter;

/// Bytes of a block's payload, at most: what is read and verified at once when one byte of it is asked for.
pub(crate) const BLOCK_BYTES: usize = 64 * 1024;

/// Records that begin in a block, at most: who wants to know about one of them decodes the table of all.
pub(crate) const BLOCK_RECORDS: usize = 1024;
