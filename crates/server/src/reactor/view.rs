//! How a stream stands while its readers are looked at, and what they are told, made once for all that are told the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use headwater_core::StreamState;
use headwater_engine::{End, Feed, Mark};

use super::chunk::{self, LAST};
use crate::sse::{Told, told};

/// Bytes that are kept for the readers who are looked at next. Most of them are told the same; a few such texts are all there are
/// at a time, of a part of what is in memory each.
const KEPT_BYTES: usize = 1024 * 1024;

/// Where a reader is, and the cursor it was told last.
type Place = (u64, u64);

/// A stream, as it is told to readers one after the other.
#[derive(Debug)]
pub(super) struct View<'f> {
    feed: &'f Feed,
    state: Arc<StreamState>,
    /// The cursor of this moment.
    cursor: u64,
    pub(super) now: Instant,
    /// What the reader before was told, and what others were.
    last: Option<(Place, Text)>,
    others: HashMap<Place, Text>,
    kept: usize,
    /// Most commits that somebody was told of at once.
    pub(super) commits: usize,
}

/// What readers are told, framed.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) bytes: Bytes,
    /// How much of that is the answer's body.
    pub(super) body: usize,
    pub(super) mark: Mark,
    /// Whether the answer ends with it.
    pub(super) is_over: bool,
}

/// What there is for a reader.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    Text(Text),
    /// What comes next is not in memory any more.
    Behind,
    /// What comes next was given up.
    GivenUp,
}

impl<'f> View<'f> {
    pub(super) fn new(feed: &'f Feed, cursor: u64, now: Instant) -> Result<Self, End> {
        let state = feed.now()?;
        Ok(Self {
            feed,
            state,
            cursor,
            now,
            last: None,
            others: HashMap::new(),
            kept: 0,
            commits: 0,
        })
    }

    /// The cursor for a reader that was told one before.
    pub(super) fn cursor(&self, before: u64) -> u64 {
        self.cursor.max(before)
    }

    /// Whether there is more for a reader that has been told this.
    pub(super) fn has_more(&self, mark: Mark) -> bool {
        self.state.tail.position > mark.told || self.state.closed.is_some()
    }

    /// What a reader is told next.
    pub(super) fn next(&mut self, mark: Mark, cursor: u64) -> Found {
        if !self.has_more(mark) {
            return Found::Nothing;
        }
        if mark.position < self.state.floor.position {
            return Found::GivenUp;
        }
        let place = (mark.position, cursor);
        if let Some((last, text)) = &self.last
            && *last == place
        {
            return Found::Text(text.clone());
        }
        let Some(text) = self.others.remove(&place).or_else(|| self.make(place)) else {
            return Found::Behind;
        };
        self.keep(place, text.clone());
        Found::Text(text)
    }

    /// Keeps a text for the reader that is next, and the one before for those behind.
    fn keep(&mut self, place: Place, text: Text) {
        if self.kept > KEPT_BYTES {
            self.others.clear();
            self.kept = 0;
        }
        if let Some((before, text)) = self.last.replace((place, text)) {
            self.kept += text.bytes.len();
            self.others.insert(before, text);
        }
    }

    fn make(&mut self, (position, cursor): Place) -> Option<Text> {
        let delivery = self.feed.recent(&self.state, position)?;
        self.commits = self.commits.max(delivery.pieces.len());
        let Told { pieces, mark, is_over } = told(&delivery, position, cursor);
        let pieces = Vec::from(pieces);
        let mut bytes = chunk::one(&pieces, LAST.len());
        if is_over {
            bytes.extend_from_slice(&LAST);
        }
        Some(Text { bytes: bytes.freeze(), body: chunk::length(&pieces), mark, is_over })
    }
}
