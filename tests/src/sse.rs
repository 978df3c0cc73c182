//! Reads server-sent events off a connection, keeping the bytes as they came.
//!
//! The parsing is the harness's own, by the rules of the `EventSource` specification, so that it
//! does not share a fault with the server's encoder.

use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{BodyReader, Conn, Head};
use crate::offset::Offset;
use crate::wait::DEADLINE;

/// An open response of events.
#[derive(Debug)]
pub struct Sse {
    conn: Conn,
    body: BodyReader,
    head: Head,
    unread: Vec<u8>,
    /// How much of `unread` holds no line end.
    searched: usize,
    partial: Event,
    comments: Vec<String>,
    last_id: String,
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The event's type.
    pub name: String,
    /// Its data lines joined by a line feed, one leading space removed from each, as a client sees
    /// them.
    pub data: String,
    /// Its own `id:`, if it had one.
    pub id: Option<String>,
    /// The lines as they came, without their line ends.
    pub lines: Vec<String>,
}

impl Event {
    /// The content of a `control` event.
    #[track_caller]
    pub fn control(&self) -> Value {
        assert_eq!(self.name, "control", "{self:#?}");
        match serde_json::from_str(&self.data) {
            Ok(value) => value,
            Err(error) => panic!("a control event that is not JSON ({error}): {self:#?}"),
        }
    }

    /// The next offset that a `control` event tells.
    #[track_caller]
    pub fn next_offset(&self) -> Offset {
        Offset::parse(self.control()["streamNextOffset"].as_str().unwrap_or_default())
    }

    /// Whether a `control` event says that all there was has been sent.
    #[track_caller]
    pub fn up_to_date(&self) -> bool {
        self.control()["upToDate"] == true
    }

    /// Whether a `control` event says that the stream is closed and all of it has been sent.
    #[track_caller]
    pub fn closed(&self) -> bool {
        self.control()["streamClosed"] == true
    }
}

impl Sse {
    #[track_caller]
    pub(crate) fn new(conn: Conn, head: &Head) -> Self {
        assert_eq!(head.status, 200, "an event stream: {head:#?}");
        assert_eq!(head.header("Content-Type"), Some("text/event-stream"), "{head:#?}");
        assert_eq!(head.header("Content-Length"), None, "{head:#?}");
        let cache = head.header("Cache-Control").unwrap_or_default();
        assert!(cache.contains("no-cache"), "{head:#?}");
        let body = BodyReader::new(head, "GET").expect("the framing of an event stream");
        Self {
            conn,
            body,
            head: head.clone(),
            unread: Vec::new(),
            searched: 0,
            partial: Event::default(),
            comments: Vec::new(),
            last_id: String::new(),
        }
    }

    /// The head of the response.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The comments that have come so far.
    pub fn comments(&self) -> &[String] {
        &self.comments
    }

    /// The id a browser would send as `Last-Event-ID`.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The next event.
    ///
    /// # Panics
    /// When the response ends, tears, or stays silent until the deadline.
    #[track_caller]
    pub fn next_event(&mut self) -> Event {
        match self.try_event(DEADLINE) {
            Ok(Some(event)) => event,
            other => panic!("expected an event, got {other:?}"),
        }
    }

    /// The next event within `patience`; `None` at a clean end.
    ///
    /// # Errors
    /// `TimedOut` when none comes in time, `UnexpectedEof` when the response tears.
    pub fn try_event(&mut self, patience: Duration) -> io::Result<Option<Event>> {
        let start = Instant::now();
        loop {
            while let Some(line) = self.line() {
                if !line.is_empty() {
                    self.take_line(line);
                } else if !self.partial.lines.is_empty() {
                    let event = std::mem::take(&mut self.partial);
                    if let Some(id) = &event.id {
                        self.last_id.clone_from(id);
                    }
                    return Ok(Some(event));
                }
            }
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match self.body.read_some(&mut self.conn, left)? {
                Some(bytes) => self.unread.extend(bytes),
                None if self.unread.is_empty() && self.partial.lines.is_empty() => return Ok(None),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }

    /// The next whole line that has arrived.
    #[track_caller]
    fn line(&mut self) -> Option<String> {
        let Some(at) = self.unread[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.unread.len();
            return None;
        };
        let mut line: Vec<u8> = self.unread.drain(..=self.searched + at).collect();
        self.searched = 0;
        line.pop();
        let line = String::from_utf8(line).expect("events in UTF-8");
        assert!(!line.contains('\r'), "a second kind of line end in {line:?}");
        Some(line)
    }

    /// Waits for a comment that has not been seen yet.
    ///
    /// # Panics
    /// When an event or the end comes first.
    #[track_caller]
    pub fn wait_for_comment(&mut self) {
        let known = self.comments.len();
        let start = Instant::now();
        while self.comments.len() == known {
            assert!(start.elapsed() < DEADLINE, "no comment came");
            match self.try_event(Duration::from_millis(50)) {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                other => panic!("expected a comment, got {other:?}"),
            }
        }
    }

    /// A `data` event and the `control` event that must follow it.
    #[track_caller]
    pub fn next_data(&mut self) -> (Event, Event) {
        let data = self.next_event();
        assert_eq!(data.name, "data", "{data:#?}");
        let control = self.next_event();
        assert_eq!(control.name, "control", "after {data:#?}");
        (data, control)
    }

    /// A `control` event.
    #[track_caller]
    pub fn next_control(&mut self) -> Event {
        let event = self.next_event();
        assert_eq!(event.name, "control", "{event:#?}");
        event
    }

    /// Events up to and with the first `control` event that says `upToDate` or `streamClosed`.
    #[track_caller]
    pub fn until_caught_up(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next_event();
            let caught_up = event.name == "control" && (event.up_to_date() || event.closed());
            events.push(event);
            if caught_up {
                return events;
            }
        }
    }

    /// Everything up to the clean end of the response.
    ///
    /// # Panics
    /// When it tears or does not end by the deadline.
    #[track_caller]
    pub fn until_end(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            match self.try_event(DEADLINE) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => return events,
                Err(error) => panic!("expected a clean end, got {error} after {events:#?}"),
            }
        }
    }

    fn take_line(&mut self, line: String) {
        let event = &mut self.partial;
        if let Some(comment) = line.strip_prefix(':') {
            self.comments.push(comment.to_owned());
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "data" => {
                if event.lines.iter().any(|line| line.starts_with("data")) {
                    event.data.push('\n');
                }
                event.data.push_str(value);
            }
            "id" => event.id = Some(value.to_owned()),
            other => panic!("an unknown field {other:?} in {line:?}"),
        }
        event.lines.push(line);
    }
}
