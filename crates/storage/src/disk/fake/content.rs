//! Bytes of a file: pages that files, moments and images share until one of them changes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// What a page takes. As a page cache has it, and small enough that copying one for a changed byte costs nothing worth naming.
pub(super) const PAGE: usize = 4096;

/// A file's bytes. A clone costs one counter, and a change to it a copy of the list of pages and of the pages that change.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    size: u64,
    /// `None` is a page of zeros that was never written.
    pages: Arc<Vec<Option<Arc<Page>>>>,
    /// How many pages were written.
    written: u64,
}

#[derive(Debug)]
struct Page {
    bytes: [u8; PAGE],
    /// Taken at most once, since most pages of an image are those of the images before it.
    hash: OnceLock<u64>,
}

impl Clone for Page {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes, hash: OnceLock::new() }
    }
}

impl Page {
    fn hash(&self) -> u64 {
        *self.hash.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            hasher.write(&self.bytes);
            hasher.finish()
        })
    }
}

impl Content {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Lets the file be at least so long. What is new reads as zeros.
    pub(super) fn grow(&mut self, size: u64) {
        self.size = self.size.max(size);
    }

    /// Bytes that it takes: a gap takes none.
    pub(super) fn used(&self) -> u64 {
        self.written * PAGE as u64
    }

    /// Bytes that it would take in addition if that range were written.
    pub(super) fn cost(&self, range: Range<u64>) -> u64 {
        let pages = pieces(range).map(|(page, _)| page);
        let missing = |page: &usize| self.pages.get(*page).is_none_or(Option::is_none);
        (pages.filter(missing).count() * PAGE) as u64
    }

    /// Puts bytes at an offset, without growing the file: what lies beyond its end is left out.
    pub(super) fn put(&mut self, offset: u64, mut bytes: &[u8]) {
        let end = self.size.min(offset + bytes.len() as u64);
        if offset >= end {
            return;
        }
        let pages = Arc::make_mut(&mut self.pages);
        for (number, part) in pieces(offset..end) {
            if pages.len() <= number {
                pages.resize(number + 1, None);
            }
            let (now, later) = bytes.split_at(part.len());
            bytes = later;
            let Some(slot) = pages.get_mut(number) else { continue };
            self.written += u64::from(slot.is_none());
            let page = slot
                .get_or_insert_with(|| Arc::new(Page { bytes: [0; PAGE], hash: OnceLock::new() }));
            let page = Arc::make_mut(page);
            page.hash = OnceLock::new();
            if let Some(place) = page.bytes.get_mut(part) {
                place.copy_from_slice(now);
            }
        }
    }

    /// Whether these bytes are at an offset, where beyond the end there are zeros.
    pub(super) fn has(&self, offset: u64, mut bytes: &[u8]) -> bool {
        pieces(offset..offset + bytes.len() as u64).all(|(number, part)| {
            let (now, later) = bytes.split_at(part.len());
            bytes = later;
            let page = self.pages.get(number).and_then(Option::as_ref);
            let there = page.map_or(&[0; PAGE], |page| &page.bytes);
            there.get(part).is_some_and(|there| there == now)
        })
    }

    /// The bytes of a range, or `None` where the file ends before.
    pub(super) fn read(&self, range: Range<u64>) -> Option<Vec<u8>> {
        if range.end > self.size && !range.is_empty() {
            return None;
        }
        let mut bytes = Vec::with_capacity((range.end - range.start) as usize);
        for (number, part) in pieces(range) {
            match self.pages.get(number) {
                Some(Some(page)) => bytes.extend_from_slice(page.bytes.get(part)?),
                _ => bytes.resize(bytes.len() + part.len(), 0),
            }
        }
        Some(bytes)
    }
}

impl Hash for Content {
    /// The same for the same bytes, whether zeros were written or never were.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.size.hash(state);
        for (number, page) in self.pages.iter().enumerate() {
            let Some(page) = page else { continue };
            if page.bytes != [0; PAGE] {
                (number, page.hash()).hash(state);
            }
        }
    }
}

/// The pages that a range touches, and what it takes of each.
fn pieces(range: Range<u64>) -> impl Iterator<Item = (usize, Range<usize>)> {
    let page = PAGE as u64;
    let pages = if range.is_empty() { 0..0 } else { range.start / page..range.end.div_ceil(page) };
    pages.map(move |number| {
        let first = range.start.saturating_sub(number * page);
        let last = (range.end - number * page).min(page);
        (number as usize, first as usize..last as usize)
    })
}
