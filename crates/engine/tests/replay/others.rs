//! What other doors write into the stream of a log is an event too, and what the log writes is a record for them.

use bytes::Bytes;
use headwater_core::command::{Append, Body, Closing, Expect};
use headwater_core::{ContentKind, StoreId, StreamKey};
use headwater_engine::Start;
use headwater_sse::replay::{Budget, Cursor, ReplayLog};
use headwater_sse::testkit::replay::Harness;
use headwater_sse::{Event, event_type};

use crate::suite::Streams;

#[test]
fn records_of_other_doors_are_events() {
    let streams = Streams::new();
    let log = streams.make();
    let key = StreamKey::parse(StoreId::DEFAULT, "events/0").unwrap();
    let told =
        streams.run(log.append(Event::new().event_type(event_type!("tick")).data("a\n\"b\"")));
    let told = told.unwrap().unwrap();
    let body =
        r#"[{"type":"note","data":"x","more":1},{"type":"bad\ntype","data":"y"},[1,2],"text"]"#;
    let append = Append {
        content_type: None,
        body: Body::frame(ContentKind::Json, Bytes::from_static(body.as_bytes())),
        closing: Closing::KeepOpen,
        producer: None,
        stream_seq: None,
        expect: Expect::Anything,
    };
    let held = log.engine.reserve(&key);
    streams.run(log.engine.append(&key, append, held)).unwrap().unwrap();

    let head = streams.run(log.head()).unwrap().unwrap();
    let start = Cursor::new(head.epoch, 0);
    let page = streams.run(log.read(start, Budget::default())).unwrap().unwrap();
    let seen: Vec<String> = page
        .entries
        .iter()
        .map(|entry| {
            let id = format!("id: {}\n", log.id(entry.cursor));
            let text = String::from_utf8(entry.event.as_bytes().to_vec()).unwrap();
            text.strip_prefix(&id).unwrap_or_else(|| panic!("{text} has not {id}")).to_owned()
        })
        .collect();
    assert_eq!(page.entries[0], told);
    assert_eq!(
        seen,
        [
            "event: tick\ndata:a\ndata:\"b\"\n\n",
            "data:{\"type\":\"note\",\"data\":\"x\",\"more\":1}\n\n",
            "data:{\"type\":\"bad\\ntype\",\"data\":\"y\"}\n\n",
            "data:[1,2]\n\n",
            "data:\"text\"\n\n",
        ]
    );
    let stored = streams.run(log.engine.read(&key, Start::Beginning)).unwrap().unwrap();
    let stored = stored.chunks.concat();
    assert!(stored.starts_with(br#"{"type":"tick","data":"a\n\"b\""},"#), "{stored:?}");
}
