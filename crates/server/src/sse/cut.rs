//! A delivery, divided into data events.

use std::borrow::Cow;

use bytes::Bytes;
use headwater_core::ContentKind;
use headwater_engine::{Delivery, Piece};

use super::data;
use super::text::{Rest, decode};

/// One data event of a delivery.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) event: Bytes,
    /// Where a reader of this event goes on.
    pub(super) next: u64,
    /// Up to where the stream was looked at: past `next` by the bytes of an unfinished character.
    pub(super) reached: u64,
}

/// What came in several pieces goes into one event up to this size: around a small record an event and its control line take more than
/// the record does.
const EVENT_BYTES: usize = 64 * 1024;

/// Hands out the events of a delivery that begins at `position`, in order. Returns up to where they go.
pub(super) fn cut(delivery: &Delivery, position: u64, emit: impl FnMut(Cut)) -> u64 {
    let pieces = together(&delivery.pieces);
    let kind = delivery.state.content_type.kind();
    let held = match kind {
        ContentKind::Text => text(delivery, &pieces, emit),
        ContentKind::Json => whole(delivery, &pieces, data::json, emit),
        ContentKind::Binary => whole(delivery, &pieces, data::binary, emit),
    };
    delivery.to(position) - held
}

/// Pieces, each as large as an event may be where there are several. One that came alone, or is large, is shared as it is.
fn together(pieces: &[Piece]) -> Cow<'_, [Piece]> {
    if pieces.len() < 2 {
        return pieces.into();
    }
    let mut left = pieces;
    let runs = std::iter::from_fn(|| {
        let mut bytes = 0;
        let fits = left.iter().take_while(|piece| {
            bytes += piece.bytes.len();
            bytes <= EVENT_BYTES
        });
        let (run, rest) = left.split_at_checked(fits.count().max(1))?;
        left = rest;
        if let [alone] = run { Some(alone.clone()) } else { Piece::joined(run) }
    });
    runs.collect()
}

/// Pieces begin and end where values do, or anywhere in bytes: each is an event.
fn whole(
    delivery: &Delivery,
    pieces: &[Piece],
    encode: fn(headwater_core::Offset, &Bytes) -> Bytes,
    mut emit: impl FnMut(Cut),
) -> u64 {
    for piece in pieces {
        let next = piece.to();
        let event = piece.encoded(|bytes| encode(delivery.state.ranges.offset(next), bytes));
        emit(Cut { event, next, reached: next });
    }
    0
}

/// Pieces of text are events of their own where they hold whole characters; around one that was cut in two
/// they are joined. Returns how many bytes of an unfinished one are left.
fn text(delivery: &Delivery, pieces: &[Piece], mut emit: impl FnMut(Cut)) -> u64 {
    let state = &delivery.state;
    let ends = state.closed.is_some().then_some(state.tail.position);
    let mut unfinished: Vec<u8> = Vec::new();
    for piece in pieces {
        let reached = piece.to();
        if unfinished.is_empty()
            && let Some(event) = shared_text(delivery, piece)
        {
            emit(Cut { event, next: reached, reached });
            continue;
        }
        unfinished.extend_from_slice(&piece.bytes);
        let rest = if ends == Some(reached) { Rest::Ends } else { Rest::MayFollow };
        let (text, held) = decode(&unfinished, rest);
        let next = reached - held as u64;
        if !text.is_empty() {
            emit(Cut { event: data::text(state.ranges.offset(next), &text), next, reached });
        }
        drop(text);
        unfinished.drain(..unfinished.len() - held);
    }
    unfinished.len() as u64
}

/// The event of a piece of whole characters. The shared form of any other piece is empty, which is the same
/// for all readers, because it depends on the piece alone.
fn shared_text(delivery: &Delivery, piece: &Piece) -> Option<Bytes> {
    let event = piece.encoded(|bytes| match std::str::from_utf8(bytes) {
        Ok(text) => data::text(delivery.state.ranges.offset(piece.to()), text),
        Err(_) => Bytes::new(),
    });
    (!event.is_empty()).then_some(event)
}
