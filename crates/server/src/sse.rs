//! Streams as server-sent events.
//!
//! What holds here:
//!
//! - Every `data` event is followed by the `control` event that tells where it ends; both leave in one write.
//! - What a reader takes at once is joined to few events. The wire form of a commit that is taken alone is made once and shared by all readers of
//!   the stream; a reader's own part is the
//!   control line.
//! - The tail is asked only when the connection takes bytes, so a slow reader costs one delivery of memory: a page, or a
//!   part of what the stream keeps for live readers.
//! - A character is never split, whatever appends did to it, and no payload can forge an event.
//! - A response ends cleanly at the end of the stream, on its deletion, when the server stops, and of old age. A fault
//!   of storage tears the response, so that it is never taken for an end.
//!
//! The rooms: [`events`] (the body of the response), [`session`] (a reader, from delivery to bytes), [`payload`] and
//! [`cut`] (a delivery as events), [`data`] and [`control`] (their two kinds), [`text`] (characters cut in two), [`outgoing`] (what
//! leaves together).

mod control;
mod cut;
mod data;
mod events;
mod outgoing;
mod payload;
mod session;
mod text;

pub(crate) use control::keep_alive;
pub(crate) use events::{Events, Torn, Transport};
pub(crate) use payload::{Told, told};
pub(crate) use session::{Reader, Session, Turn};
