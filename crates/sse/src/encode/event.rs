//! An event as its author describes it.

use std::time::Duration;

use bytes::BytesMut;

use super::data::put_data;
use super::sink::{Length, Sink};
use crate::line::split_line;
use crate::{EventId, EventType};

/// An event to be encoded; it borrows its texts, [`PreparedEvent`](crate::PreparedEvent) owns.
///
/// No data and empty data differ: clients dispatch an event with empty data, and nothing for one
/// without, though they do take its id and its retry time.
///
/// ```
/// use headwater_sse::{Event, EventId, event_type};
///
/// let mut out = bytes::BytesMut::new();
/// Event::new().id(EventId::new("7")?).event_type(event_type!("tick")).data("a\nb").encode(&mut out);
/// assert_eq!(out, "id: 7\nevent: tick\ndata:a\ndata:b\n\n");
/// # Ok::<(), headwater_sse::InvalidEventId>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Event<'a> {
    comment: Option<&'a str>,
    retry: Option<Duration>,
    id: Option<EventId<'a>>,
    event_type: Option<EventType<'a>>,
    data: Option<Data<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum Data<'a> {
    Whole(&'a str),
    Fragments(&'a [&'a str]),
}

impl<'a> Event<'a> {
    /// An event that says nothing; encoded it is the blank line alone.
    pub const fn new() -> Self {
        Self { comment: None, retry: None, id: None, event_type: None, data: None }
    }

    /// Sets the id that clients keep as their last one.
    #[must_use]
    pub const fn id(self, id: EventId<'a>) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Sets the type; without one it is [`EventType::MESSAGE`].
    #[must_use]
    pub const fn event_type(self, event_type: EventType<'a>) -> Self {
        Self { event_type: Some(event_type), ..self }
    }

    /// Sets the data to any text; its line ends (CRLF, CR, LF) arrive as LF.
    #[must_use]
    pub const fn data(self, data: &'a str) -> Self {
        Self { data: Some(Data::Whole(data)), ..self }
    }

    /// Sets the data to the concatenation of `fragments`, which need not be joined first.
    #[must_use]
    pub const fn data_fragments(self, fragments: &'a [&'a str]) -> Self {
        Self { data: Some(Data::Fragments(fragments)), ..self }
    }

    /// Sets how long clients wait before they reconnect, in whole milliseconds, rounded down.
    #[must_use]
    pub const fn retry(self, retry: Duration) -> Self {
        Self { retry: Some(retry), ..self }
    }

    /// Sets a comment, which clients ignore; every line of it becomes a comment line.
    #[must_use]
    pub const fn comment(self, comment: &'a str) -> Self {
        Self { comment: Some(comment), ..self }
    }

    /// Whether it has data, empty data included.
    pub const fn has_data(&self) -> bool {
        self.data.is_some()
    }

    /// The type, which is [`EventType::MESSAGE`] when none was set; for a log that keeps events in a form of its own.
    ///
    /// ```
    /// let event = headwater_sse::Event::new().data_fragments(&["a", "b"]);
    /// assert_eq!(event.dispatched_type(), "message");
    /// assert_eq!(event.data_pieces().collect::<String>(), "ab");
    /// ```
    pub fn dispatched_type(&self) -> EventType<'a> {
        self.event_type.unwrap_or(EventType::MESSAGE)
    }

    /// The data as it was given, in pieces; nothing when there is none.
    pub fn data_pieces(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (whole, fragments) = match self.data {
            Some(Data::Whole(text)) => (Some(text), &[][..]),
            Some(Data::Fragments(fragments)) => (None, fragments),
            None => (None, &[][..]),
        };
        whole.into_iter().chain(fragments.iter().copied())
    }

    /// The same event without what only concerns the connection it is sent on.
    pub(crate) const fn without_comment_and_retry(self) -> Self {
        Self { comment: None, retry: None, ..self }
    }

    /// Appends the event and the blank line that dispatches it to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        self.put(out);
    }

    /// How many bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        let mut length = Length::default();
        self.put(&mut length);
        length.0
    }

    /// Writes `event` and `data` last and side by side, as some clients look for them.
    fn put(&self, sink: &mut impl Sink) {
        if let Some(comment) = self.comment {
            put_comment(sink, comment);
        }
        if let Some(retry) = self.retry {
            put_field(sink, b"retry: ", &retry.as_millis().to_string());
        }
        if let Some(id) = self.id {
            put_field(sink, b"id: ", id.as_str());
        }
        if let Some(event_type) = self.event_type {
            put_field(sink, b"event: ", event_type.as_str());
        }
        match self.data {
            Some(Data::Whole(text)) => put_data(sink, [text]),
            Some(Data::Fragments(fragments)) => put_data(sink, fragments.iter().copied()),
            None => {}
        }
        sink.put(b"\n");
    }
}

/// The space that clients remove is always there, so that a leading space of `value` stays.
fn put_field(sink: &mut impl Sink, name_colon_space: &[u8], value: &str) {
    sink.put(name_colon_space);
    sink.put(value.as_bytes());
    sink.put(b"\n");
}

fn put_comment(sink: &mut impl Sink, comment: &str) {
    let mut rest = comment.as_bytes();
    loop {
        let (line, end, tail) = split_line(rest);
        sink.put(if line.is_empty() { b":" } else { b": " });
        sink.put(line);
        sink.put(b"\n");
        if end.is_none() {
            return;
        }
        rest = tail;
    }
}
