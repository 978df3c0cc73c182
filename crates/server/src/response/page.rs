//! The answer to a read that found its place: catch-up and long-poll share it.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::cache::{CACHE_NEVER, Ending, PageTag};
use headwater_core::storage::Portion;
use headwater_core::{ContentKind, StreamState, json};
use headwater_engine::{Delivery, Held, Page, Piece, Records, Start};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue};

use super::{
    Reply, ResponseBody, empty, envelope, put_cache, put_closed, put_content_type, put_next_offset,
    put_start_offset, short,
};
use crate::headers;
use crate::request::none_match::KnownPages;

/// Whether the same request gives the same bytes later, so that caches may keep the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// It was read by offset.
    ByOffset,
    /// It was read from wherever the tail was.
    FromNow,
    /// The place was looked for, and is told.
    Sought,
}

impl Keeping {
    /// What follows from where a read began.
    pub(crate) fn of(start: Start) -> Self {
        match start {
            Start::Beginning | Start::At(_) => Self::ByOffset,
            Start::Now => Self::FromNow,
            Start::Last(_) | Start::Since(_) => Self::Sought,
        }
    }
}

/// What a page of records answers.
impl From<Records> for Stretch {
    fn from(page: Records) -> Self {
        let array = envelope::array(&page);
        let Records { state, from, to, mut held, records } = page;
        drop(records);
        held.settle(array.len() as u64);
        Self { state, from, to, content: Content::Envelopes(array), held: Some(held) }
    }
}

/// What a page answers.
impl<C: Into<Portion>> From<Page<C>> for Stretch {
    fn from(page: Page<C>) -> Self {
        let content = Content::Stored(page.chunks.into_iter().map(C::into).collect());
        Self { state: page.state, from: page.from, to: page.to, content, held: Some(page.held) }
    }
}

impl Stretch {
    /// What came to a live reader at a position.
    pub(crate) fn of(delivery: Delivery, from: u64) -> Self {
        let Delivery { state, pieces, held } = delivery;
        let to = pieces.last().map_or(from, Piece::to);
        // A vector of its own: one in place of the pieces would have to be made smaller, which costs more.
        let mut chunks = Vec::with_capacity(pieces.len());
        chunks.extend(pieces.into_iter().map(|piece| Portion::from(piece.bytes)));
        Self { state, from, to, content: Content::Stored(chunks), held }
    }
}

/// A stretch of a stream as it is answered.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) state: Arc<StreamState>,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) content: Content,
    /// Room for its bytes, until they are sent.
    pub(crate) held: Option<Held>,
}

/// What is sent of a stretch.
#[derive(Debug)]
pub(crate) enum Content {
    /// Its bytes as they are stored, in pieces.
    Stored(Vec<Portion>),
    /// Its records in envelopes.
    Envelopes(Bytes),
}

impl Stretch {
    fn up_to_date(&self) -> bool {
        self.to == self.state.tail.position
    }

    /// Whether the stream is closed and this reaches its end.
    pub(crate) fn closes(&self) -> bool {
        self.up_to_date() && self.state.closed.is_some()
    }

    fn ending(&self) -> Ending {
        if self.closes() { Ending::Closed } else { Ending::Open }
    }

    fn tag(&self) -> HeaderValue {
        let Self { from, to, .. } = *self;
        let lineage = self.state.ranges.lineage_up_to(to);
        let tag = PageTag { lineage, from, to, ending: self.ending() };
        let form = match &self.content {
            Content::Envelopes(_) => ":r",
            Content::Stored(_) => "",
        };
        short(|line| tag.write_to(line, form))
    }

    /// 200 with the bytes, or 304 when the client has them. A tag changes with the end of the stream, so a
    /// 304 hides neither data nor closing.
    pub(crate) fn into_reply(self, known: &KnownPages, keeping: Keeping) -> Reply {
        let mut reply = empty(StatusCode::OK);
        let headers = reply.headers_mut();
        put_next_offset(headers, self.state.ranges.offset(self.to));
        put_marks(headers, &self);
        match keeping {
            Keeping::FromNow => put_cache(headers, CACHE_NEVER),
            Keeping::Sought => {
                put_cache(headers, CACHE_NEVER);
                put_start_offset(headers, self.state.ranges.offset(self.from));
            }
            Keeping::ByOffset => {
                headers.insert(CACHE_CONTROL, headers::CACHE_PAGE);
                let tag = self.tag();
                let is_known = known.names(&tag);
                headers.insert(ETAG, tag);
                if is_known {
                    *reply.status_mut() = StatusCode::NOT_MODIFIED;
                    return reply;
                }
            }
        }
        let body = match self.content {
            Content::Envelopes(array) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                ResponseBody::full(array)
            }
            Content::Stored(chunks) => {
                put_content_type(headers, &self.state.content_type);
                ResponseBody::chunks(match self.state.content_type.kind() {
                    ContentKind::Json => json::enclose(chunks),
                    ContentKind::Text | ContentKind::Binary => chunks,
                })
            }
        };
        *reply.body_mut() = body.holding(self.held);
        reply
    }
}

fn put_marks(headers: &mut HeaderMap, stretch: &Stretch) {
    if stretch.up_to_date() {
        headers.insert(headers::UP_TO_DATE, headers::TRUE);
    }
    if stretch.ending() == Ending::Closed {
        headers.insert(headers::CLOSED, headers::TRUE);
    }
}

/// 204: the reader is at the tail of this state, and nothing came.
pub(crate) fn nothing_new(state: &StreamState, position: u64, keeping: Keeping) -> Reply {
    let mut reply = empty(StatusCode::NO_CONTENT);
    let headers = reply.headers_mut();
    put_next_offset(headers, state.ranges.offset(position));
    headers.insert(headers::UP_TO_DATE, headers::TRUE);
    if keeping == Keeping::Sought {
        put_start_offset(headers, state.ranges.offset(position));
    }
    put_closed(headers, state);
    put_cache(headers, CACHE_NEVER);
    reply
}
