//! Streams with what the HTML standard makes of them.

use crate::support::{Observed, Seen};

/// One stream; a message is (type, data, last event id).
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) stream: &'static [u8],
    messages: &'static [(&'static str, &'static str, &'static str)],
    last_event_id: &'static str,
    retry_millis: Option<u128>,
}

impl Case {
    pub(crate) fn expected(&self) -> Observed {
        Observed {
            messages: self.messages.iter().copied().map(Seen::new).collect(),
            last_event_id: self.last_event_id.into(),
            retry_millis: self.retry_millis,
            error: None,
        }
    }
}

const fn if_given(retry: &[u128]) -> Option<u128> {
    match retry {
        [millis, ..] => Some(*millis),
        [] => None,
    }
}

macro_rules! corpus {
    ($($name:literal: $stream:expr => [$($message:expr),* $(,)?]
        $(, id $id:literal)? $(, retry $retry:expr)?;)*) => {
        pub(crate) const CORPUS: &[Case] = &[$(Case {
            name: $name,
            stream: $stream,
            messages: &[$($message),*],
            last_event_id: concat!("" $(, $id)?),
            retry_millis: if_given(&[$($retry)?]),
        }),*];
    };
}

corpus! {
    "nothing": b"" => [];
    "blank lines": b"\n\r\n\r\n\n" => [];
    "one line": b"data: a\n\n" => [("message", "a", "")];
    "no space": b"data:a\n\n" => [("message", "a", "")];
    "one of two spaces": b"data:  a \n\n" => [("message", " a ", "")];
    "no other white space": b"data:\ta\n\n" => [("message", "\ta", "")];
    "lines are joined": b"data: a\ndata: b\ndata:  c\n\n" => [("message", "a\nb\n c", "")];
    "colons in a value": b"data: a: b:c\n\n" => [("message", "a: b:c", "")];
    "CR": b"data: a\rdata: b\r\r" => [("message", "a\nb", "")];
    "CRLF": b"data: a\r\ndata: b\r\n\r\n" => [("message", "a\nb", "")];
    "mixed line ends": b"data: a\rdata: b\ndata: c\r\n\rdata: d\n\r\n" =>
        [("message", "a\nb\nc", ""), ("message", "d", "")];
    "LF CR is two": b"data: a\n\rdata: b\n\n" => [("message", "a", ""), ("message", "b", "")];
    "CR at the end dispatches": b"data: a\r\n\r" => [("message", "a", "")];
    "empty data": b"data:\n\n" => [("message", "", "")];
    "empty data after a space": b"data: \n\n" => [("message", "", "")];
    "empty data without a colon": b"data\n\n" => [("message", "", "")];
    "two empty lines of data": b"data\ndata\n\n" => [("message", "\n", "")];
    "a last empty line of data": b"data: a\ndata\n\n" => [("message", "a\n", "")];
    "no data, no message": b"event: a\n\nid: 1\n\nretry: 5\n\n:c\n\n" => [], id "1", retry 5;
    "a type": b"event: add\ndata: 1\n\n" => [("add", "1", "")];
    "the last type counts": b"event: a\nevent: b\ndata: 1\n\n" => [("b", "1", "")];
    "an empty type is none": b"event: a\nevent:\ndata: 1\n\n" => [("message", "1", "")];
    "a type without a colon is none": b"event: a\nevent\ndata: 1\n\n" => [("message", "1", "")];
    "a type keeps a space": b"event:  a \ndata: 1\n\n" => [(" a ", "1", "")];
    "a type is forgotten": b"event: a\ndata: 1\n\ndata: 2\n\n" =>
        [("a", "1", ""), ("message", "2", "")];
    "a type without data is forgotten": b"event: a\n\ndata: 1\n\n" => [("message", "1", "")];
    "a type after the data": b"data: 1\nevent: a\n\n" => [("a", "1", "")];
    "an id persists": b"id: 1\ndata: a\n\ndata: b\n\n" =>
        [("message", "a", "1"), ("message", "b", "1")], id "1";
    "an id changes": b"id: 1\ndata: a\n\ndata: b\nid: 2\n\n" =>
        [("message", "a", "1"), ("message", "b", "2")], id "2";
    "an id is reset": b"id: 1\ndata: a\n\nid\ndata: b\n\n" =>
        [("message", "a", "1"), ("message", "b", "")];
    "an id is reset with a colon": b"id: 1\ndata: a\n\nid:\ndata: b\n\n" =>
        [("message", "a", "1"), ("message", "b", "")];
    "an id without data counts": b"id: 7\n\ndata: a\n\n" => [("message", "a", "7")], id "7";
    "an id with NUL is ignored": b"id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n" =>
        [("message", "a", "1"), ("message", "b", "1")], id "1";
    "an id with NUL after a good one": b"id: 1\nid: \0\ndata: a\n\n" =>
        [("message", "a", "1")], id "1";
    "an id unconfirmed": b"id: 1\n\nid: 2\ndata: a\n" => [], id "1";
    "NUL elsewhere stays": b"event: \0\ndata: a\0b\n\n" => [("\0", "a\0b", "")];
    "NUL in a name": b"data\0: a\ndata: b\n\n" => [("message", "b", "")];
    "retry at once": b"retry: 10\n" => [], retry 10;
    "retry unfinished": b"retry: 10" => [];
    "retry with zeros": b"retry:00070\n" => [], retry 70;
    "the last retry counts": b"retry: 1\nretry: 2\n" => [], retry 2;
    "retry must be digits": b"retry: 5\nretry: 1s\nretry: -1\nretry: +1\nretry: 1.5\nretry: 1 \n"
        => [], retry 5;
    "retry takes one space": b"retry: 5\nretry:  6\n" => [], retry 5;
    "retry must be ASCII": "retry: 5\nretry: \u{0666}\n".as_bytes() => [], retry 5;
    "retry must not be empty": b"retry: 5\nretry\nretry:\nretry: \n" => [], retry 5;
    "retry saturates": b"retry: 99999999999999999999999\n" => [], retry u64::MAX as u128;
    "comments": b":\n: a\n:data: b\ndata: c\n: d\n\n" => [("message", "c", "")];
    "names are exact": b"Data: a\n data: b\ndata : c\ndat: d\ndataa: e\nDATA\nx\n\n" => [];
    "a space is no colon": b"data a\nid 1\n\n" => [];
    "unknown fields": b"foo: a\nbar\ndata: b\nevents: c\nretry2: 3\n\n" => [("message", "b", "")];
    "no final blank line": b"data: a\n\ndata: b\n" => [("message", "a", "")];
    "no final line end": b"data: a\n\ndata: b" => [("message", "a", "")];
    "a mark": b"\xEF\xBB\xBFdata: a\n\n" => [("message", "a", "")];
    "a mark before a blank line": b"\xEF\xBB\xBF\r\ndata: a\n\n" => [("message", "a", "")];
    "a mark before a comment": b"\xEF\xBB\xBF:\xEF\xBB\xBF\ndata: a\n\n" => [("message", "a", "")];
    "only a mark": b"\xEF\xBB\xBF" => [];
    "a second mark": b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\ndata: b\n\n" => [("message", "b", "")];
    "a later mark": b"\n\xEF\xBB\xBFdata: a\n\n" => [];
    "a mark in a value": b"data: \xEF\xBB\xBFa\n\n" => [("message", "\u{FEFF}a", "")];
    "half a mark": b"\xEF\xBBdata: a\ndata: b\n\n" => [("message", "b", "")];
    "half a mark is no blank line": b"\xEF\xBB\ndata: b\n\n" => [("message", "b", "")];
    "a mark broken off": b"\xEF\xEF\xBB\xBFdata: a\n\n" => [];
    "characters of every length": "id: é\nevent: …\ndata: aé…😀\n\n".as_bytes() =>
        [("…", "aé…😀", "é")], id "é";
    "invalid UTF-8": b"event: \xFF\nid: \xC3\ndata: a\xE2\x80b\xF0\x9F\x98\n\n" =>
        [("\u{FFFD}", "a\u{FFFD}b\u{FFFD}", "\u{FFFD}")], id "\u{FFFD}";
    "overlong and surrogate": b"data: \xC0\xAF\xED\xA0\x80\n\n" =>
        [("message", "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}", "")];
    "a line end inside a character": b"data: \xE2\x80\ndata: \xA6\r\n\r\n" =>
        [("message", "\u{FFFD}\n\u{FFFD}", "")];
    "other line separators are text": "data: a\u{85}b\u{2028}c\u{B}d\u{C}e\n\n".as_bytes() =>
        [("message", "a\u{85}b\u{2028}c\u{B}d\u{C}e", "")];
    "long lines": b"data: 0123456789012345678901234567890123456789\rdata: \
        0123456789012345678901234567890123456789012345678901234567\n\n" =>
        [("message", "0123456789012345678901234567890123456789\n\
        0123456789012345678901234567890123456789012345678901234567", "")];
}
