//! Ids and types of events as parsed values.
//!
//! Promises that an [`EventId`] or [`EventType`], however it came about, survives the wire
//! unchanged and cannot end its own line. What an id means is left to whoever wrote it.

mod stripped;

use std::fmt;

use thiserror::Error;

pub use self::stripped::{StrippedId, StrippedType};
use crate::line::{CR, LF};

/// The id of an event: any text without CR, LF and NUL.
///
/// A client repeats the last id it has seen in the `Last-Event-ID` header when it reconnects. The
/// empty id is allowed and means "forget the last one".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventId<'a>(&'a str);

/// The type of an event: any text that is not empty and has no CR and no LF.
///
/// An event without a type has the type [`EventType::MESSAGE`]. For a type known when the program
/// is written, [`event_type!`](crate::event_type!) makes the check at compile time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType<'a>(&'a str);

/// Why a text is no [`EventId`]; positions are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidEventId {
    /// CR or LF would end the `id` line and let the rest pose as other fields.
    #[error("an event id has no line breaks, but there is one at byte {at}")]
    LineBreak {
        /// Where the first offending byte is.
        at: usize,
    },
    /// Clients ignore an id that contains NUL.
    #[error("an event id has no NUL, but there is one at byte {at}")]
    Nul {
        /// Where the first offending byte is.
        at: usize,
    },
}

/// Why a text is no [`EventType`]; positions are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidEventType {
    /// Clients take an empty type for no type at all.
    #[error("an event type is not empty")]
    Empty,
    /// CR or LF would end the `event` line and let the rest pose as other fields.
    #[error("an event type has no line breaks, but there is one at byte {at}")]
    LineBreak {
        /// Where the first offending byte is.
        at: usize,
    },
}

impl<'a> EventId<'a> {
    /// Checks `text`, which is taken as it is.
    ///
    /// # Errors
    /// [`InvalidEventId`] says which byte is not allowed.
    pub const fn new(text: &'a str) -> Result<Self, InvalidEventId> {
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            let at = text.len() - rest.len();
            match byte {
                CR | LF => return Err(InvalidEventId::LineBreak { at }),
                0 => return Err(InvalidEventId::Nul { at }),
                _ => rest = tail,
            }
        }
        Ok(Self(text))
    }

    /// For text the decoder took from a single line and found free of NUL.
    pub(crate) const fn from_decoded(text: &'a str) -> Self {
        Self(text)
    }

    /// The text as it was given.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// Whether this is the id that makes a client forget the last one.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl EventType<'static> {
    /// The type of an event that names none.
    pub const MESSAGE: Self = Self("message");
}

impl<'a> EventType<'a> {
    /// Checks `text`, which is taken as it is.
    ///
    /// # Errors
    /// [`InvalidEventType`] says what is not allowed.
    pub const fn new(text: &'a str) -> Result<Self, InvalidEventType> {
        if text.is_empty() {
            return Err(InvalidEventType::Empty);
        }
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            if matches!(byte, CR | LF) {
                return Err(InvalidEventType::LineBreak { at: text.len() - rest.len() });
            }
            rest = tail;
        }
        Ok(Self(text))
    }

    /// For text the decoder took from a single line and found not empty.
    pub(crate) const fn from_decoded(text: &'a str) -> Self {
        Self(text)
    }

    /// The text as it was given.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

/// An [`EventType`] from a literal, checked at compile time.
///
/// ```
/// use headwater_sse::{EventType, event_type};
///
/// const CONTROL: EventType<'static> = event_type!("control");
/// assert_eq!(CONTROL, "control");
/// ```
///
/// A text that is no event type does not compile:
///
/// ```compile_fail,E0080
/// let forged = headwater_sse::event_type!("control\ndata: forged");
/// ```
#[macro_export]
macro_rules! event_type {
    ($text:expr) => {
        const {
            match $crate::EventType::new($text) {
                Ok(event_type) => event_type,
                Err(_) => panic!("an event type is not empty and has no CR and no LF"),
            }
        }
    };
}

impl<'a> TryFrom<&'a str> for EventId<'a> {
    type Error = InvalidEventId;

    fn try_from(text: &'a str) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl<'a> TryFrom<&'a str> for EventType<'a> {
    type Error = InvalidEventType;

    fn try_from(text: &'a str) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl PartialEq<&str> for EventId<'_> {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

impl PartialEq<&str> for EventType<'_> {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

impl fmt::Display for EventId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Display for EventType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}
