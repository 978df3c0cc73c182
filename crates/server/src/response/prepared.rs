//! Answers to those who waited for the same news: made once, and given to each of them with what is its own.
//!
//! Who polls the tail of a stream waits where others wait, is woken with them, and gets what they get, but for its cursor and the name of
//! its request. Those have a place in what is prepared, so that nothing grows when they are filled in.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use headwater_core::StreamState;
use headwater_core::cache::Ending;
use headwater_engine::{Delivery, Piece};
use http::header::{HeaderMap, HeaderValue};

use super::page::{Keeping, Stretch};
use super::{Reply, ResponseBody};
use crate::headers;
use crate::limits::JOIN_BYTES;
use crate::request::none_match::KnownPages;

#[cfg(test)]
mod tests;

/// What is answered with what came to a reader at a position.
pub(crate) fn answer(delivery: Delivery, from: u64, known: &KnownPages, keeping: Keeping) -> Reply {
    let bytes: usize = delivery.pieces.iter().map(|piece| piece.bytes.len()).sum();
    // What was read for one reader alone takes room until it has been sent, and what is large need not be kept for longer.
    if delivery.held.is_some() || bytes > JOIN_BYTES || !known.is_empty() {
        return Stretch::of(delivery, from).into_reply(known, keeping);
    }
    let question = Question {
        from,
        to: delivery.pieces.last().map_or(from, Piece::to),
        state: Arc::clone(&delivery.state),
        keeping,
    };
    LAST.with_borrow_mut(|last| match last {
        Some(prepared) if prepared.question == question => prepared.reply(),
        _ => last.insert(Prepared::new(question, delivery)).reply(),
    })
}

/// What was answered last to a reader at this position with this state of the stream, if all who are there get the same, and what it says of
/// the end. So what came need not be looked for.
pub(crate) fn again(
    state: &Arc<StreamState>,
    from: u64,
    known: &KnownPages,
    keeping: Keeping,
) -> Option<(Reply, Ending)> {
    if !known.is_empty() {
        return None;
    }
    LAST.with_borrow(|last| {
        let prepared = last.as_ref()?;
        let Question { state: last, from: begun, to, keeping: kept } = &prepared.question;
        let same = Arc::ptr_eq(last, state) && (*begun, *kept) == (from, keeping);
        let closes = state.closed.is_some() && *to == state.tail.position;
        let ending = if closes { Ending::Closed } else { Ending::Open };
        same.then(|| (prepared.reply(), ending))
    })
}

thread_local! {
    /// The last one of each thread, which those who are woken after each other mostly get: without a lock, and no more than this is kept of
    /// streams that nobody reads any more.
    static LAST: RefCell<Option<Prepared>> = const { RefCell::new(None) };
}

/// What is asked by all who get the same.
#[derive(Debug)]
struct Question {
    /// The stream as durable when the news came, which is told with them.
    state: Arc<StreamState>,
    from: u64,
    to: u64,
    keeping: Keeping,
}

impl PartialEq for Question {
    /// Bytes between two positions never change, so what is told depends on the state alone: on this very one, which is kept here, so that
    /// no other one has its place in memory.
    fn eq(&self, other: &Self) -> bool {
        let Self { state, from, to, keeping } = other;
        Arc::ptr_eq(&self.state, state)
            && (self.from, self.to, self.keeping) == (*from, *to, *keeping)
    }
}

/// An answer.
#[derive(Debug)]
struct Prepared {
    question: Question,
    headers: HeaderMap,
    body: Bytes,
}

impl Prepared {
    fn new(question: Question, delivery: Delivery) -> Self {
        let stretch = Stretch::of(delivery, question.from);
        let open = !stretch.closes();
        let reply = stretch.into_reply(&KnownPages::default(), question.keeping);
        // Copied, so that no more is kept than this.
        let mut body = BytesMut::new();
        for piece in reply.body().pieces() {
            piece.memory().into_iter().for_each(|bytes| body.extend_from_slice(bytes));
        }
        let mut headers = reply.into_parts().0.headers;
        headers::put_common(&mut headers);
        let unknown = HeaderValue::from_static("");
        headers.insert(headers::X_REQUEST_ID, unknown.clone());
        if open {
            headers.insert(headers::CURSOR, unknown);
        }
        Self { question, headers, body: body.freeze() }
    }

    fn reply(&self) -> Reply {
        let mut reply = Reply::new(ResponseBody::full(self.body.clone()));
        *reply.headers_mut() = self.headers.clone();
        reply
    }
}
