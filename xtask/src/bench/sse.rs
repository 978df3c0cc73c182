//! The part of Server-Sent Events that a measuring subscriber needs: the payload of data events, and of
//! those without a name, as consecutive bytes, and the last control event.
//!
//! It is written apart from the server's own codec, so that the two check each other. Payload is handed
//! on as it arrives, without waiting for the end of a line.

/// Takes the bytes of an event stream and gives out the payload.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    event: Event,
    line: Line,
    /// The data of the control event that is being read.
    control: Vec<u8>,
    /// The data of the last whole control event.
    last_control: Vec<u8>,
    /// No data event has begun since the last control event.
    settled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Event {
    /// Named `data`, or not named at all.
    #[default]
    Data,
    Control,
    Other,
}

/// How much of the current line has arrived.
#[derive(Debug)]
enum Line {
    /// A beginning that does not tell yet what the line is, or a short line that is kept to its end.
    Kept(Vec<u8>),
    /// In the value of a data event's data line.
    Payload,
}

impl Default for Line {
    fn default() -> Self {
        Self::Kept(Vec::new())
    }
}

impl EventReader {
    /// Takes the next bytes and hands on the payload in them.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut payload: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(at) = memchr::memchr(b'\n', rest) else {
                self.part(rest, &mut payload);
                return;
            };
            let (line, after) = rest.split_at_checked(at).unwrap_or_default();
            rest = after.get(1..).unwrap_or_default();
            if self.is_at_line_start() {
                self.whole_line(line, &mut payload);
            } else {
                self.part(line, &mut payload);
                self.line_end();
            }
        }
    }

    /// `streamNextOffset` of the last control event.
    pub(crate) fn next_offset(&self) -> Option<&str> {
        const KEY: &[u8] = b"\"streamNextOffset\":\"";
        let from = memchr::memmem::find(&self.last_control, KEY)? + KEY.len();
        let value = self.last_control.get(from..)?;
        let to = memchr::memchr(b'"', value)?;
        std::str::from_utf8(value.get(..to)?).ok()
    }

    /// Whether the last control event says that the stream is closed.
    pub(crate) fn stream_closed(&self) -> bool {
        memchr::memmem::find(&self.last_control, b"\"streamClosed\":true").is_some()
    }

    /// Whether a reader who continues at [`next_offset`](Self::next_offset) misses nothing and gets
    /// nothing again.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Whether an event may begin here, and none that had a name or was control has ever been there.
    pub(crate) fn is_between_plain_events(&self) -> bool {
        let is_plain = self.event == Event::Data && !self.settled && self.last_control.is_empty();
        is_plain && self.is_at_line_start()
    }

    fn is_at_line_start(&self) -> bool {
        matches!(&self.line, Line::Kept(kept) if kept.is_empty())
    }

    /// A line that has arrived in one piece, as nearly all do: it is kept nowhere.
    fn whole_line(&mut self, line: &[u8], payload: &mut impl FnMut(&[u8])) {
        match data_value(line) {
            Some(value) if self.event == Event::Data => payload(value),
            _ => self.line(line),
        }
    }

    fn part(&mut self, part: &[u8], payload: &mut impl FnMut(&[u8])) {
        if part.is_empty() {
            return;
        }
        match &mut self.line {
            Line::Payload => payload(part),
            Line::Kept(kept) if kept.is_empty() && self.event == Event::Data => {
                match data_value(part) {
                    Some(value) => {
                        self.line = Line::Payload;
                        payload(value);
                    }
                    None => kept.extend_from_slice(part),
                }
            }
            Line::Kept(kept) => {
                kept.extend_from_slice(part);
                if self.event == Event::Data
                    && let Some(value) = data_value(kept)
                {
                    payload(value);
                    self.line = Line::Payload;
                }
            }
        }
    }

    fn line_end(&mut self) {
        let Line::Kept(mut kept) = std::mem::take(&mut self.line) else { return };
        self.line(&kept);
        kept.clear();
        self.line = Line::Kept(kept);
    }

    /// A line that is no payload.
    fn line(&mut self, line: &[u8]) {
        match line.strip_suffix(b"\r").unwrap_or(line) {
            b"" => self.event_end(),
            b"event: data" | b"event:data" => {
                self.event = Event::Data;
                self.settled = false;
            }
            b"event: control" | b"event:control" => self.event = Event::Control,
            line if line.starts_with(b"event:") => self.event = Event::Other,
            line if self.event == Event::Control && line.starts_with(b"data:") => {
                self.control.extend_from_slice(line.get(5..).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn event_end(&mut self) {
        if std::mem::take(&mut self.event) == Event::Control {
            std::mem::swap(&mut self.control, &mut self.last_control);
            self.control.clear();
            self.settled = true;
        }
    }
}

/// The value of a data line, once its beginning tells that it is one and where the value starts.
fn data_value(line: &[u8]) -> Option<&[u8]> {
    let value = line.strip_prefix(b"data:")?;
    match value {
        [] => None,
        [b' ', value @ ..] => Some(value),
        value => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nevent: control\ndata: {\"streamNextOffset\":\"0_0\",\"upToDate\":true}\n\n\
        id: 0_7\nevent: data\ndata: @first\n\nevent: control\ndata:{\"streamNextOffset\":\"0_7\"}\n\n\
        event: data\r\ndata:@second\r\nid: 0_9\r\ndata: @third\r\n\r\n\
        event: control\r\ndata: {\"streamNextOffset\":\"0_9\",\"streamClosed\":true}\r\n\r\n: bye\n\n";

    fn read(text: &str, piece: usize) -> (String, EventReader) {
        let mut reader = EventReader::default();
        let mut payload = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            reader.feed(piece, |bytes| payload.extend_from_slice(bytes));
        }
        (String::from_utf8(payload).unwrap().replace('\r', ""), reader)
    }

    #[test]
    fn payload_comes_out_however_the_bytes_are_cut() {
        for piece in 1..=STREAM.len() {
            let (payload, reader) = read(STREAM, piece);
            assert_eq!(payload, "@first@second@third", "pieces of {piece}");
            assert_eq!(reader.next_offset(), Some("0_9"), "pieces of {piece}");
            assert!(reader.stream_closed() && reader.is_settled(), "pieces of {piece}");
        }
    }

    #[test]
    fn an_event_without_a_name_is_data_and_one_of_another_is_not() {
        let text = "data: @first\n\nevent: other\ndata: no\n\n:\n\nid: 7\ndata: @second\n\n";
        for piece in 1..=text.len() {
            assert_eq!(read(text, piece).0, "@first@second", "pieces of {piece}");
        }
    }

    #[test]
    fn whoever_continues_a_cut_stream_at_its_offset_has_everything_once() {
        let mut settled = 0;
        for cut in 1..=STREAM.len() {
            let (payload, reader) = read(&STREAM[..cut], STREAM.len());
            if !reader.is_settled() {
                continue;
            }
            settled += 1;
            let before = match reader.next_offset().unwrap() {
                "0_0" => "",
                "0_7" => "@first",
                "0_9" => "@first@second@third",
                other => panic!("offset {other}"),
            };
            assert_eq!(payload, before, "cut at {cut}");
        }
        assert!(settled > 10 && settled < STREAM.len());
    }
}
