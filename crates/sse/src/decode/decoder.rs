//! Lines, field names and the byte order mark, taken apart at any cut.

use std::mem;
use std::time::Duration;

use bytes::Buf;

use super::pending::{Field, Pending};
use super::{DecodeError, Message};
use crate::EventId;
use crate::line::{CR, LF, split_line};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// An incremental decoder of one event stream and of those that continue it.
///
/// It follows the HTML standard to the letter at every cut of the bytes, with two additions: the
/// limit per event, and [`restart`](Self::restart). Ignored lines, comments above all, may be of
/// any length and take no memory.
///
/// ```
/// use headwater_sse::Decoder;
///
/// let mut decoder = Decoder::new();
/// for mut chunk in [&b"data: he"[..], b"llo\r", b"\n\r\ndata"] {
///     while let Some(message) = decoder.decode(&mut chunk)? {
///         assert_eq!(message.data(), "hello");
///     }
/// }
/// # Ok::<(), headwater_sse::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    line: Line,
    /// The field name so far; empty at the start of a line.
    name: Vec<u8>,
    /// The last line ended with CR, so an LF that comes next is part of its end.
    after_cr: bool,
    pending: Pending,
    failed: Option<DecodeError>,
}

/// How far the line at hand has been understood.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Line {
    /// The start of the stream, with this many bytes of the byte order mark seen.
    Mark(usize),
    Name,
    /// Right after the colon, where one space is dropped.
    ValueStart(Field),
    Value(Field),
    Ignored,
}

impl Decoder {
    /// A decoder at the start of a stream, with the limit [`DEFAULT_EVENT_LIMIT`].
    ///
    /// [`DEFAULT_EVENT_LIMIT`]: crate::DEFAULT_EVENT_LIMIT
    pub fn new() -> Self {
        Self {
            line: Line::Mark(0),
            name: Vec::new(),
            after_cr: false,
            pending: Pending::new(),
            failed: None,
        }
    }

    /// Sets the most bytes one event may have.
    ///
    /// Counted are the bytes of its values as received, and one for each line break inside its
    /// data. The decoder holds no more than that of an unfinished event, in buffers that grow by
    /// doubling. (In the message, a byte that is not valid UTF-8 takes up to three.)
    #[must_use]
    pub fn with_event_limit(mut self, bytes: usize) -> Self {
        self.pending.set_limit(bytes);
        self
    }

    /// Sets the id to start with, when an earlier run of the program has kept one.
    #[must_use]
    pub fn with_last_event_id(mut self, id: EventId<'_>) -> Self {
        self.pending.set_last_event_id(id.as_str());
        self
    }

    /// Takes bytes from `input` up to the end of the next message, or all of them.
    ///
    /// `Ok(None)` means that all were taken and the next message is not complete. A message is
    /// returned with the byte that completes it, without waiting for more. When the stream ends,
    /// an unfinished event is no event; nothing needs to be called.
    ///
    /// # Errors
    /// [`DecodeError::EventTooLarge`] at the first byte beyond the limit, wherever the bytes are
    /// cut. The stream cannot be decoded any further: every later call fails in the same way,
    /// until [`restart`](Self::restart). Where `input` then stands is not specified.
    pub fn decode(&mut self, input: &mut impl Buf) -> Result<Option<Message>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        while input.has_remaining() {
            let chunk = input.chunk();
            let (left, message) = self.step(chunk).inspect_err(|&error| {
                self.failed = Some(error);
                self.pending.discard();
            })?;
            let taken = chunk.len() - left;
            input.advance(taken);
            if message.is_some() {
                return Ok(message);
            }
        }
        Ok(None)
    }

    /// Prepares for another stream of the same source, after a reconnection.
    ///
    /// The unfinished event is dropped, a failure is forgotten, a byte order mark may come again.
    /// The last event id and the reconnection time stay, and events that set no id carry the old
    /// one, which is what browsers do.
    pub fn restart(&mut self) {
        self.line = Line::Mark(0);
        self.name.clear();
        self.after_cr = false;
        self.pending.discard();
        self.failed = None;
    }

    /// What to send as `Last-Event-ID` on reconnection: the last id that a blank line has
    /// confirmed. The header is left out when it is empty.
    pub fn last_event_id(&self) -> EventId<'_> {
        EventId::from_decoded(self.pending.last_event_id())
    }

    /// How long to wait before a reconnection, if the stream has said so.
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.pending.reconnection_time()
    }

    /// Takes at most one line, and returns how many bytes of `chunk` are left.
    fn step(&mut self, chunk: &[u8]) -> Result<(usize, Option<Message>), DecodeError> {
        let chunk = self.skip_mark(chunk);
        let chunk = match chunk.split_first() {
            Some((&LF, rest)) if self.after_cr => rest,
            None => return Ok((0, None)),
            _ => chunk,
        };
        self.after_cr = false;
        let (text, end, rest) = split_line(chunk);
        self.take_text(text)?;
        let Some(end) = end else { return Ok((0, None)) };
        self.after_cr = end == CR;
        Ok((rest.len(), self.end_line()?))
    }

    /// Drops one byte order mark at the start of the stream.
    fn skip_mark<'a>(&mut self, mut chunk: &'a [u8]) -> &'a [u8] {
        while let Line::Mark(seen) = self.line {
            let Some((first, rest)) = chunk.split_first() else { break };
            if BYTE_ORDER_MARK.get(seen) == Some(first) {
                self.line = Line::Mark(seen + 1);
                chunk = rest;
            } else if seen == 0 || seen == BYTE_ORDER_MARK.len() {
                self.line = Line::Name;
            } else {
                // Part of a mark is invalid UTF-8, which begins no name that is known.
                self.line = Line::Ignored;
            }
        }
        chunk
    }

    /// Takes text of the line at hand; the text holds no line end.
    fn take_text(&mut self, mut text: &[u8]) -> Result<(), DecodeError> {
        if self.line == Line::Name {
            text = self.take_name(text)?;
        }
        if let Line::ValueStart(field) = self.line
            && let Some((&first, rest)) = text.split_first()
        {
            self.line = Line::Value(field);
            if first == b' ' {
                text = rest;
            }
        }
        match self.line {
            Line::Value(field) => self.pending.append(field, text),
            _ => Ok(()),
        }
    }

    /// Takes the field name up to the colon, and returns what follows it.
    ///
    /// Of a name longer than any that is known, one byte too many is kept, so that it stays unknown.
    fn take_name<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], DecodeError> {
        let missing = (Field::LONGEST_NAME + 1).saturating_sub(self.name.len());
        let mut name_and_rest = text.splitn(2, |&byte| byte == b':');
        let (name, rest) = (name_and_rest.next().unwrap_or_default(), name_and_rest.next());
        self.name.extend(name.iter().take(missing));
        if rest.is_some() {
            self.line = match Field::named(&self.name) {
                Some(field) => {
                    self.pending.begin(field)?;
                    Line::ValueStart(field)
                }
                None => Line::Ignored,
            };
        }
        Ok(rest.unwrap_or_default())
    }

    fn end_line(&mut self) -> Result<Option<Message>, DecodeError> {
        let message = match mem::replace(&mut self.line, Line::Name) {
            Line::Name if self.name.is_empty() => self.pending.dispatch(),
            Line::Name => {
                // Without a colon the whole line is the name, and the value is empty.
                if let Some(field) = Field::named(&self.name) {
                    self.pending.begin(field)?;
                    self.pending.end(field);
                }
                None
            }
            Line::ValueStart(field) | Line::Value(field) => {
                self.pending.end(field);
                None
            }
            Line::Mark(_) | Line::Ignored => None,
        };
        self.name.clear();
        Ok(message)
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
