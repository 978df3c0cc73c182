//! Ids and types out of any text, for those who would rather send less than nothing.
//!
//! Promises that only what [`EventId::new`] or [`EventType::new`] refuses is deleted: a text that is allowed stays as it is, where it is.

use std::borrow::Cow;

use super::{EventId, EventType};
use crate::line::{CR, LF};

/// An id out of any text ([`EventId::stripped`]).
///
/// ```
/// use headwater_sse::{Event, EventId};
///
/// let id = EventId::stripped("7\ndata: forged");
/// assert_eq!(id.get(), "7data: forged");
/// let event = Event::new().id(id.get()).data("x");
/// # assert_eq!(event.encoded_len(), "id: 7data: forged\ndata:x\n\n".len());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrippedId<'a>(Cow<'a, str>);

/// A type out of any text ([`EventType::stripped`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrippedType<'a>(Cow<'a, str>);

impl<'a> EventId<'a> {
    /// Deletes from `text` what an id cannot have: CR, LF and NUL.
    ///
    /// Texts that differ can become the same id, or the empty one, and a client then comes back to another place than it was at. Where ids
    /// are your own use [`new`](Self::new), which says what is wrong.
    pub fn stripped(text: &'a str) -> StrippedId<'a> {
        StrippedId(without(text, &[CR, LF, 0]))
    }
}

impl<'a> EventType<'a> {
    /// Deletes from `text` what a type cannot have: CR and LF. If nothing is left it is [`EventType::MESSAGE`], which clients take an empty
    /// type for.
    ///
    /// Where types are your own use [`new`](Self::new), which says what is wrong.
    pub fn stripped(text: &'a str) -> StrippedType<'a> {
        let text = without(text, &[CR, LF]);
        let is_empty = text.is_empty();
        StrippedType(if is_empty { Cow::Borrowed(EventType::MESSAGE.as_str()) } else { text })
    }
}

impl StrippedId<'_> {
    /// The id.
    pub fn get(&self) -> EventId<'_> {
        EventId(&self.0)
    }
}

impl StrippedType<'_> {
    /// The type.
    pub fn get(&self) -> EventType<'_> {
        EventType(&self.0)
    }
}

/// The text without these bytes, which are no part of any other character. It is copied only if it has one.
fn without<'a>(text: &'a str, bytes: &[u8]) -> Cow<'a, str> {
    let is_one = |char: char| u8::try_from(char).is_ok_and(|byte| bytes.contains(&byte));
    if text.contains(is_one) { text.replace(is_one, "").into() } else { text.into() }
}
