//! `live=sse`, the bytes: how payloads of each kind become events, and that nothing is lost.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use headwater_tests::sse::{Event, Sse};
use headwater_tests::{Server, on_each_storage};

/// Writes `pieces` to a new stream, one append each, and reads it back as events to its end.
#[track_caller]
fn caught_up(server: &Server, content_type: &str, pieces: &[&[u8]]) -> Vec<Event> {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let stream = format!("s{}", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    server.create(&stream, content_type);
    for piece in pieces {
        server.post(&stream).content_type(content_type).body(piece).send().expect(204);
    }
    let events = server.get(&stream, "offset=-1&live=sse").events().until_caught_up();
    check_order(server, &stream, &events);
    events
}

/// What holds for every sequence of events: a control event after each data event and only there
/// or at the start, offsets that grow, the `id:` of either equal to the offset told next, and the
/// last offset the tail that HEAD tells.
#[track_caller]
fn check_order(server: &Server, stream: &str, events: &[Event]) {
    for control in events.iter().filter(|event| event.name == "control") {
        assert_eq!(control.id.as_deref(), Some(control.next_offset().as_str()), "{control:#?}");
    }
    let mut last = None;
    for pair in events.windows(2) {
        if pair[0].name == "data" {
            let next = pair[1].next_offset();
            assert_eq!(pair[0].id.as_deref(), Some(next.as_str()), "{pair:#?}");
            assert!(last.as_ref().is_none_or(|last| *last < next), "{events:#?}");
            last = Some(next);
        }
    }
    let end = events.last().expect("an event");
    assert_eq!(end.name, "control", "{events:#?}");
    assert_eq!(end.next_offset(), server.tail(stream));
}

fn data_of(events: &[Event]) -> Vec<&Event> {
    events.iter().filter(|event| event.name == "data").collect()
}

fn joined(events: &[Event]) -> String {
    data_of(events).into_iter().map(|event| event.data.as_str()).collect()
}

#[test]
fn the_bytes_of_a_data_and_a_control_event() {
    on_each_storage(&[], |server| {
        let events = caught_up(server, "text/plain", &[b"hello"]);
        let [data, control] = events.as_slice() else { panic!("{events:#?}") };
        assert!(data.lines.contains(&"event: data".to_owned()), "{data:#?}");
        assert!(data.lines.contains(&"data:hello".to_owned()), "no space: {data:#?}");
        assert_eq!(data.lines.len(), 3, "event, data, id: {data:#?}");
        assert!(control.lines.contains(&"event: control".to_owned()), "{control:#?}");
        let told = control.lines.iter().find(|line| line.starts_with("data:")).expect("data");
        assert!(told.starts_with("data:{\""), "no space: {control:#?}");
        assert_eq!(control.lines.len(), 3, "event, data, id: {control:#?}");
        let fields = control.control();
        let fields = fields.as_object().expect("an object");
        assert!(fields["streamCursor"].is_string() && fields["upToDate"] == true, "{fields:?}");
        assert!(!fields.contains_key("streamClosed"), "{fields:?}");
    });
}

#[test]
fn an_empty_stream_begins_with_a_control_event() {
    on_each_storage(&[], |server| {
        for content_type in ["text/plain", "application/json", "application/octet-stream"] {
            let events = caught_up(server, content_type, &[]);
            assert_eq!(events.len(), 1, "{events:#?}");
            assert!(events[0].up_to_date());
        }
    });
}

/// Text, and how a client sees it: line ends of any kind become a line feed.
const TEXTS: &[(&str, &str)] = &[
    (" one leading space", " one leading space"),
    ("   three", "   three"),
    (" ", " "),
    ("a\n b\n  c", "a\n b\n  c"),
    ("a\nb", "a\nb"),
    ("a\rb", "a\nb"),
    ("a\r\nb", "a\nb"),
    ("a\n\nb", "a\n\nb"),
    ("\n", "\n"),
    ("\na", "\na"),
    ("a\n", "a\n"),
    (":not a comment", ":not a comment"),
    ("event: control", "event: control"),
    ("a\n\nevent: control\ndata:{}\n\nb", "a\n\nevent: control\ndata:{}\n\nb"),
    ("a\r\revent: control\rdata:{}\r\rb", "a\n\nevent: control\ndata:{}\n\nb"),
    ("a\r\n\r\nid: 7\r\nretry: 1\r\n\r\nb", "a\n\nid: 7\nretry: 1\n\nb"),
    ("\tt\u{b}v\u{85}n\u{2028}l", "\tt\u{b}v\u{85}n\u{2028}l"),
    ("€ 😀 \u{feff}", "€ 😀 \u{feff}"),
];

#[test]
fn text_lines_arrive_as_they_are() {
    on_each_storage(&[], |server| {
        for (text, seen) in TEXTS {
            let events = caught_up(server, "text/plain", &[text.as_bytes()]);
            let data = data_of(&events);
            assert_eq!(data.len(), 1, "{text:?} injected an event: {events:#?}");
            assert_eq!(data[0].data, *seen, "{text:?}");
        }
    });
}

#[test]
fn a_line_with_a_leading_space_gets_one_more() {
    on_each_storage(&[], |server| {
        let events = caught_up(server, "text/html", &[b"  two\nnone"]);
        assert!(events[0].lines.contains(&"data:   two".to_owned()), "{events:#?}");
        assert!(events[0].lines.contains(&"data:none".to_owned()), "{events:#?}");
    });
}

#[test]
fn characters_split_over_appends_arrive_whole() {
    let text = "a€b😀cé";
    on_each_storage(&[], |server| {
        // One append per byte: every character is split in every possible way.
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        let events = caught_up(server, "text/plain", &pieces);
        assert_eq!(joined(&events), text);
    });
}

#[test]
fn a_split_character_is_held_back_until_it_is_whole() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let post = |bytes: &[u8]| server.post("s").content_type("text/plain").body(bytes).send();
        let mut live = server.get("s", "offset=-1&live=sse").events();
        live.next_control();
        post(b"x\xe2").expect(204);
        let (data, control) = live.next_data();
        assert_eq!(data.data, "x");
        // Whoever reconnects with what it was told gets the whole character.
        let rest = server.page("s", &control.next_offset()).expect(200);
        rest.expect_body(b"\xe2");
        post(b"\x82").expect(204);
        post(b"\xacy").expect(204);
        let mut text = String::new();
        while text != "€y" {
            let event = live.next_event();
            if event.name == "data" {
                text.push_str(&event.data);
                assert!("€y".starts_with(&text), "{text:?}");
            }
        }
        let query = format!("offset={}&live=sse", control.next_offset());
        let again = server.get("s", &query).events().until_caught_up();
        assert_eq!(joined(&again), "€y");
    });
}

#[test]
fn bytes_that_are_no_text_neither_hang_nor_break_a_text_stream() {
    on_each_storage(&[], |server| {
        for (stream, bytes) in
            [("a", &b"ok\xff\xfeok"[..]), ("b", b"ok\xe2\x82"), ("c", b"\xc0\x80")]
        {
            server.create_text(stream);
            let call = server.post(stream).content_type("text/plain").body(bytes);
            call.header("Stream-Closed", "true").send().expect(204);
            let events = server.get(stream, "offset=-1&live=sse").events().until_end();
            let last = events.last().expect("an event");
            assert!(last.closed(), "{events:#?}");
            assert_eq!(last.next_offset(), server.tail(stream));
            server.get(stream, "").send().expect(200).expect_body(bytes);
        }
    });
}

#[test]
fn json_arrives_as_whole_arrays() {
    on_each_storage(&[], |server| {
        let pieces: [&[u8]; 4] = [b"1", b"[2,{\"a\":\"x\\ny\"}]", b"{ \"b\":\n 1.0 }", b"[[]]"];
        let events = caught_up(server, "application/json", &pieces);
        let mut values = Vec::new();
        for event in data_of(&events) {
            let array: Vec<Box<serde_json::value::RawValue>> =
                serde_json::from_str(&event.data).expect("each data event is a whole array");
            values.extend(array.iter().map(|value| value.get().to_owned()));
        }
        assert_eq!(values, ["1", "2", r#"{"a":"x\ny"}"#, "{ \"b\":\n 1.0 }", "[]"]);
        let mut live = server.get("s-none", "offset=-1&live=sse");
        live = live.header("Accept", "text/event-stream");
        live.send().expect_error(404, "not_found");
    });
}

/// Content types, and whether their bytes are sent as base64.
const ENCODINGS: &[(&str, bool)] = &[
    ("text/plain", false),
    ("TEXT/HTML; charset=utf-8", false),
    ("text/event-stream", false),
    ("application/json", false),
    ("application/octet-stream", true),
    ("application/x-protobuf", true),
    ("application/x-ndjson", true),
    ("application/vnd.api+json", true),
    ("image/png", true),
];

#[test]
fn what_is_neither_text_nor_json_is_base64_and_says_so() {
    on_each_storage(&[], |server| {
        for (number, (content_type, encoded)) in ENCODINGS.iter().enumerate() {
            let stream = format!("e{number}");
            server.create(&stream, content_type);
            let events = server.get(&stream, "offset=-1&live=sse").events();
            let header = events.head().header("Stream-SSE-Data-Encoding");
            assert_eq!(header, encoded.then_some("base64"), "{content_type}");
        }
    });
}

#[track_caller]
fn decode(event: &Event) -> Vec<u8> {
    let text: String = event.data.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    assert_eq!(text.len() % 4, 0, "{event:#?}");
    BASE64_STANDARD.decode(text).expect("standard base64 with padding")
}

#[test]
fn bytes_come_back_from_base64_event_by_event() {
    on_each_storage(&[], |server| {
        let every: Vec<u8> = (0..=255).collect();
        let large = vec![0xa5; 300_001];
        let pieces: [&[u8]; 6] = [b"\0", b"\r\n", &every, b"ab", &large, b" "];
        let events = caught_up(server, "application/octet-stream", &pieces);
        let bytes: Vec<u8> = data_of(&events).into_iter().flat_map(decode).collect();
        assert!(bytes == pieces.concat(), "{} bytes came", bytes.len());
    });
}

#[test]
fn appends_to_a_live_stream_arrive_one_after_the_other() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        let mut live = server.get("s", "offset=now&live=sse").events();
        assert!(live.next_control().up_to_date());
        for number in 0..20 {
            let tail = server.append_json("s", &number.to_string());
            let (data, control) = live.next_data();
            assert_eq!(data.data, format!("[{number}]"));
            assert_eq!(control.next_offset(), tail);
            assert!(control.up_to_date());
        }
    });
}

#[test]
fn a_large_history_arrives_whole_with_growing_offsets() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let line = "0123456789abcdef".repeat(4_096);
        for _ in 0..48 {
            server.append_text("s", &line);
        }
        let mut live: Sse = server.get("s", "offset=-1&live=sse").events();
        let events = live.until_caught_up();
        check_order(server, "s", &events);
        let text = joined(&events);
        assert!(text == line.repeat(48), "{} characters came", text.len());
    });
}
