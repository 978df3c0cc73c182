//! A delivery, divided into data events.

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

/// Hands out the events of a delivery that begins at `position`, in order. Returns up to where they go.
pub(super) fn cut(delivery: &Delivery, position: u64, emit: impl FnMut(Cut)) -> u64 {
    match delivery.state.content_type.kind() {
        ContentKind::Text => text(delivery, position, emit),
        ContentKind::Json => whole(delivery, position, data::json, emit),
        ContentKind::Binary => whole(delivery, position, data::binary, emit),
    }
}

/// Pieces begin and end where values do, or anywhere in bytes: each is an event.
fn whole(
    delivery: &Delivery,
    position: u64,
    encode: fn(headwater_core::Offset, &Bytes) -> Bytes,
    mut emit: impl FnMut(Cut),
) -> u64 {
    for piece in &delivery.pieces {
        let next = piece.to();
        let event = piece.encoded(|bytes| encode(delivery.state.ranges.offset(next), bytes));
        emit(Cut { event, next, reached: next });
    }
    delivery.to(position)
}

/// Pieces of text are events of their own where they hold whole characters; around one that was cut in two
/// they are joined.
fn text(delivery: &Delivery, position: u64, mut emit: impl FnMut(Cut)) -> u64 {
    let state = &delivery.state;
    let ends = state.closed.is_some().then_some(state.tail.position);
    let mut unfinished: Vec<u8> = Vec::new();
    for piece in &delivery.pieces {
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
    delivery.to(position) - unfinished.len() as u64
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
