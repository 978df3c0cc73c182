//! Records in envelopes, in all three ways to read, and reads that begin so many records from the end or at a point in time.

use headwater_tests::{Server, on_each_storage, wait};
use serde_json::{Value, json};

/// Envelopes without what differs from run to run, which is checked here.
fn envelopes(body: &Value) -> Vec<Value> {
    let mut envelopes = body.as_array().unwrap().clone();
    for envelope in &mut envelopes {
        let timestamp = envelope.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert!(timestamp.as_str().unwrap().ends_with('Z'), "{timestamp}");
        assert_eq!(envelope["metadata"], json!({}));
        envelope.as_object_mut().unwrap().remove("metadata");
    }
    envelopes
}

fn read(server: &Server, stream: &str, query: &str) -> Vec<Value> {
    let page = server.get(stream, &format!("{query}&records=true")).send().expect(200);
    envelopes(&page.expect_header("Content-Type", "application/json").json())
}

#[test]
fn payloads_have_the_form_of_their_kind() {
    on_each_storage(&[], |server| {
        server.create_json("json");
        let one = server.append_json("json", r#"{"b":1.0, "a":"é\u0000"}"#);
        let three = server.append_json("json", "[2,[3]]");
        let found = server.get("json", "offset=-1&records=true").send().expect(200);
        assert!(
            found.text().contains(r#""payload":{"b":1.0, "a":"é\u0000"}"#),
            "as it came: {found}"
        );
        let found = envelopes(&found.json());
        assert_eq!(found[0]["nextOffset"], one.as_str());
        assert_eq!(found[2], json!({"sequence": 3, "nextOffset": three.as_str(), "payload": [3]}));
        assert_eq!(found.len(), 3);
        // The offset beside a record is where a reader goes on after it.
        let rest =
            read(server, "json", &format!("offset={}", found[1]["nextOffset"].as_str().unwrap()));
        assert_eq!(rest, found[2..]);

        server.create_text("text");
        let euro = "€".as_bytes();
        let ends = [&b"a\n\"b\""[..], &euro[..1], &euro[1..]].map(|part| {
            server.post("text").content_type("text/plain").body(part).send().expect(204).offset()
        });
        assert_eq!(
            read(server, "text", "offset=-1"),
            [
                json!({"sequence": 1, "nextOffset": ends[0].as_str(), "payload": "a\n\"b\""}),
                json!({"sequence": 2, "nextOffset": ends[1].as_str(), "payload": "4g==", "encoding": "base64"}),
                json!({"sequence": 3, "nextOffset": ends[2].as_str(), "payload": "gqw=", "encoding": "base64"}),
            ]
        );

        server.create("bytes", "application/octet-stream");
        let end = server.post("bytes").bytes([0, 255]).send().expect(204).offset();
        let expected = json!({"sequence": 1, "nextOffset": end.as_str(), "payload": "AP8=", "encoding": "base64"});
        assert_eq!(read(server, "bytes", "offset=-1"), [expected]);
        assert_eq!(read(server, "bytes", "offset=now"), [] as [Value; 0]);
    });
}

/// Every record once and in order, over pages, however small the records are.
#[test]
fn pages_of_envelopes_follow_each_other() {
    const RECORDS: usize = 10_000;
    on_each_storage(&[], |server| {
        server.create_json("s");
        let numbers: Vec<usize> = (1..=RECORDS).collect();
        server.append_json("s", &format!("{numbers:?}"));
        let (mut seen, mut query, mut pages) = (Vec::new(), "offset=-1".to_owned(), 0);
        loop {
            let page = server.get("s", &format!("{query}&records=true")).send().expect(200);
            for envelope in page.json().as_array().unwrap() {
                assert_eq!(envelope["sequence"], envelope["payload"]);
                seen.push(envelope["payload"].as_u64().unwrap() as usize);
            }
            pages += 1;
            if page.up_to_date() {
                break;
            }
            query = format!("offset={}", page.offset());
        }
        assert_eq!(seen, numbers);
        assert!(pages > 1, "{pages}");
    });
}

#[test]
fn a_long_poll_and_an_event_stream_give_envelopes_too() {
    on_each_storage(&[], |server| {
        server.create("s", "application/octet-stream");
        let poll = server.get("s", "offset=now&live=long-poll&records=true").start();
        wait::until("the poll to wait", || {
            (server.sample("headwater_long_poll_waiters") > 0.0).then_some(())
        });
        let mut events = server.get("s", "offset=-1&live=sse&records=true").events();
        // The payload is text now, whatever the stream's bytes are.
        assert_eq!(events.head().header("Stream-SSE-Data-Encoding"), None);
        events.until_caught_up();
        let end = server.post("s").bytes("x").send().expect(204).offset();
        let expected = json!({"sequence": 1, "nextOffset": end.as_str(), "payload": "eA==", "encoding": "base64"});
        assert_eq!(envelopes(&poll.finish().expect(200).json()), vec![expected.clone()]);
        let (data, control) = events.next_data();
        assert_eq!(envelopes(&serde_json::from_str(&data.data).unwrap()), [expected]);
        assert_eq!(control.next_offset(), end);
        // A reader that is far behind gets all of it, and then what comes.
        for n in 2..=200u64 {
            server.post("s").bytes(vec![b'x'; 3000]).send().expect(204);
            assert!(n > 0);
        }
        let mut behind = server.get("s", "offset=-1&live=sse&records=true").events();
        let mut sequences = Vec::new();
        while sequences.len() < 200 {
            let (data, _) = behind.next_data();
            let found: Value = serde_json::from_str(&data.data).unwrap();
            sequences.extend(
                found
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|envelope| envelope["sequence"].as_u64().unwrap()),
            );
        }
        assert_eq!(sequences, (1..=200).collect::<Vec<u64>>());
        server.close("s");
        assert!(behind.until_end().last().unwrap().closed());
    });
}

#[test]
fn a_read_may_begin_so_many_records_from_the_end() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        let mut ends = vec![server.tail("s")];
        for n in 1..=50 {
            ends.push(server.append_json("s", &format!("[{}]", "7".repeat(n))));
        }
        for (query, skipped) in
            [("last:0", 50), ("last:1", 49), ("last:7", 43), ("last:50", 0), ("last:999", 0)]
        {
            let page = server.get("s", &format!("offset={query}")).send().expect(200);
            let page = page.expect_header("Stream-Start-Offset", ends[skipped].as_str());
            let page = page.expect_header("Cache-Control", "no-store").expect_no_header("ETag");
            assert_eq!(page.json().as_array().unwrap().len(), 50 - skipped, "{query}");
            let events = server.get("s", &format!("offset={query}&live=sse")).events();
            assert_eq!(events.head().header("Stream-Start-Offset"), Some(ends[skipped].as_str()));
        }
        // A fork counts what it inherits.
        server.fork("fork", "s", Some(&ends[40]));
        server.append_json("fork", "1");
        let found = read(server, "fork", "offset=last:3");
        let sequences: Vec<u64> =
            found.iter().map(|envelope| envelope["sequence"].as_u64().unwrap()).collect();
        assert_eq!(sequences, [39, 40, 41]);
        for bad in ["last:", "last:x", "last:-1", "time:", "time:yesterday"] {
            server.get("s", &format!("offset={bad}")).send().expect_error(400, "offset_invalid");
        }
    });
}

#[test]
fn a_read_may_begin_at_a_point_in_time() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        let mut times = Vec::new();
        for n in 1..=20 {
            server.append_json("s", &n.to_string());
            // Two records of one millisecond cannot be told apart by time.
            let before = now_ms();
            wait::until("the next millisecond", || (now_ms() > before + 1).then_some(()));
        }
        let all = server.get("s", "offset=-1&records=true").send().expect(200).json();
        for envelope in all.as_array().unwrap() {
            times.push(envelope["timestamp"].as_str().unwrap().to_owned());
        }
        for n in [0, 1, 7, 19] {
            let page = server.get("s", &format!("offset=time:{}", times[n])).send().expect(200);
            assert_eq!(page.json()[0], n as u64 + 1, "from {}", times[n]);
        }
        let page = server.get("s", "offset=time:1999-01-01T00:00:00Z").send().expect(200);
        assert_eq!(page.json().as_array().unwrap().len(), 20);
        let page = server.get("s", "offset=time:2999-01-01T00:00:00Z").send().expect(200);
        assert_eq!(page.json(), json!([]));
        assert_eq!(page.offset(), server.tail("s"));
    });
}

fn now_ms() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()
}
