//! A file: what it holds, what of that is durable, and what may be lost.

use std::ops::Range;

use bytes::Bytes;

use super::choice::{Bit, Choice};
use super::content::Content;
use super::pending::Pending;

/// What a disk writes whole or not at all.
pub const SECTOR: u64 = 512;

/// A file with or without a name.
#[derive(Clone, Debug, Default)]
pub(super) struct FileState {
    /// As the running system sees it.
    live: Content,
    /// What has surely reached the disk, without what still waits.
    durable: Content,
    pending: Pending<Write>,
}

#[derive(Clone, Debug)]
struct Write {
    offset: u64,
    bytes: Bytes,
    /// The file was shorter before.
    grows: bool,
    /// What it writes of each sector that it changes: places in its bytes. Where it writes what is there, as zeros over
    /// zeros, nobody can tell whether it did.
    parts: Vec<Range<usize>>,
}

impl Write {
    fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    fn apply(&self, content: &mut Content) {
        content.grow(self.end());
        content.put(self.offset, &self.bytes);
    }
}

impl FileState {
    /// A file at rest.
    pub(super) fn synced(content: Content) -> Self {
        Self { durable: content.clone(), live: content, pending: Pending::default() }
    }

    pub(super) fn live(&self) -> &Content {
        &self.live
    }

    pub(super) fn write(&mut self, at: u64, offset: u64, bytes: &Bytes) {
        let grows = offset + bytes.len() as u64 > self.live.size();
        let changes = |part: &Range<usize>| {
            let (place, part) = (offset + part.start as u64, bytes.get(part.clone()));
            part.is_some_and(|part| !self.live.has(place, part) || !self.durable.has(place, part))
        };
        let parts = sectors(offset, bytes.len()).filter(changes).collect();
        let write = Write { offset, bytes: bytes.clone(), grows, parts };
        write.apply(&mut self.live);
        self.pending.push(at, write);
    }

    pub(super) fn synced_before(&mut self, began: u64) {
        let settled = self.pending.succeeded(began);
        if self.pending.is_empty() {
            self.durable = self.live.clone();
        } else {
            settled.iter().for_each(|write| write.apply(&mut self.durable));
        }
    }

    pub(super) fn sync_failed(&mut self, began: u64) {
        self.pending.failed(began);
    }

    /// Alters a byte where it lies.
    pub(super) fn flip(&mut self, offset: u64, mask: u8) {
        for content in [&mut self.live, &mut self.durable] {
            if let Some(old) = content.read(offset..offset + 1) {
                content.put(offset, &[old.first().copied().unwrap_or_default() ^ mask]);
            }
        }
    }

    /// The file as a crash leaves it. Sizes first: bytes are there only as far as the file reaches.
    pub(super) fn image(&self, choice: &mut Choice) -> Content {
        let mut content = self.durable.clone();
        for (write, sure) in self.pending.iter() {
            if sure || (write.grows && choice.keeps(Bit::Size)) {
                content.grow(write.end());
            }
        }
        for (write, sure) in self.pending.iter() {
            if sure {
                content.put(write.offset, &write.bytes);
                continue;
            }
            choice.next_write();
            for part in &write.parts {
                let offset = write.offset + part.start as u64;
                if choice.keeps(Bit::Sector)
                    && let Some(bytes) = write.bytes.get(part.clone())
                {
                    content.put(offset, bytes);
                }
            }
        }
        content
    }
}

/// The parts of a write that lie in different sectors: places in its bytes.
fn sectors(offset: u64, len: usize) -> impl Iterator<Item = Range<usize>> {
    let end = offset + len as u64;
    (offset / SECTOR..end.div_ceil(SECTOR)).map(move |sector| {
        let first = (sector * SECTOR).max(offset) - offset;
        let last = ((sector + 1) * SECTOR).min(end) - offset;
        first as usize..last as usize
    })
}
