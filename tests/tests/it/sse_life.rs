//! `live=sse`, the connection: where it starts, what keeps it alive, and how it ends.

use std::time::{Duration, Instant};

use headwater_tests::on_each_storage;
use headwater_tests::sse::Event;

#[test]
fn now_sends_no_history() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let tail = server.append_text("s", "old");
        let mut live = server.get("s", "offset=now&live=sse").events();
        let first = live.next_control();
        assert!(first.up_to_date());
        assert_eq!(first.next_offset(), tail);
        server.append_text("s", "new");
        assert_eq!(live.next_data().0.data, "new");
    });
}

#[test]
fn last_event_id_wins_over_the_url() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.append_text("s", "one ");
        let mut live = server.get("s", "offset=-1&live=sse").events();
        live.until_caught_up();
        let id = live.last_id().to_owned();
        assert_eq!(id, server.tail("s").as_str());
        server.append_text("s", "two");
        for offset in ["-1", "now", "0000000000000000_0000000000000000"] {
            let call = server.get("s", &format!("offset={offset}&live=sse"));
            let events = call.header("Last-Event-ID", &id).events().until_caught_up();
            assert_eq!(events[0].data, "two", "offset={offset}: {events:#?}");
        }
        let call = server.get("s", "offset=-1&live=sse").header("Last-Event-ID", "nonsense");
        assert_eq!(call.send().status(), 400);
    });
}

#[test]
fn last_event_id_means_nothing_to_other_reads() {
    on_each_storage(&["--long-poll-timeout", "200ms"], |server| {
        server.create_text("s");
        let tail = server.append_text("s", "x");
        for query in ["", "offset=-1", "offset=-1&live=long-poll"] {
            let call = server.get("s", query).header("Last-Event-ID", tail.as_str());
            call.send().expect(200).expect_body("x");
        }
    });
}

#[test]
fn a_browser_that_has_everything_is_stopped_with_204() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.append_text("s", "all");
        server.close("s");
        let mut live = server.get("s", "offset=-1&live=sse").events();
        let events = live.until_end();
        assert!(events.last().is_some_and(Event::closed), "{events:#?}");
        assert!(!live.last_id().is_empty());
        let call = server.get("s", "offset=-1&live=sse");
        let answer = call.header("Last-Event-ID", live.last_id()).send().expect(204);
        assert!(answer.closed(), "{answer}");
        // Without the header the end is told as events, once more.
        let query = format!("offset={}&live=sse", server.tail("s"));
        let events = server.get("s", &query).events().until_end();
        assert_eq!(events.len(), 1, "{events:#?}");
        assert!(events[0].closed());
    });
}

#[test]
fn a_stream_closed_while_read_ends_the_connection() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let mut live = server.get("s", "offset=now&live=sse").events();
        live.next_control();
        let call = server.post("s").text("last words").header("Stream-Closed", "true");
        let tail = call.send().expect(204).offset();
        let (data, control) = live.next_data();
        assert_eq!(data.data, "last words");
        assert!(control.closed(), "{control:#?}");
        assert_eq!(control.next_offset(), tail);
        assert!(control.control().get("streamCursor").is_none(), "{control:#?}");
        assert_eq!(live.until_end(), []);

        server.create_text("empty");
        let mut live = server.get("empty", "offset=-1&live=sse").events();
        live.next_control();
        server.close("empty");
        assert!(live.next_control().closed());
        assert_eq!(live.until_end(), []);
    });
}

#[test]
fn a_close_in_the_middle_of_reading_is_never_told_before_the_data() {
    on_each_storage(&[], |server| {
        for round in 0..20 {
            let stream = format!("s{round}");
            server.create_text(&stream);
            let mut live = server.get(&stream, "offset=-1&live=sse").events();
            if round % 2 == 0 {
                live.next_control();
            }
            let call = server.post(&stream).text("final").header("Stream-Closed", "true");
            call.send().expect(204);
            let events = live.until_end();
            let data: String = events
                .iter()
                .filter(|event| event.name == "data")
                .map(|event| event.data.as_str())
                .collect();
            assert_eq!(data, "final", "{events:#?}");
            assert!(events.last().is_some_and(Event::closed), "{events:#?}");
        }
    });
}

#[test]
fn deleting_ends_the_connection() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.append_text("s", "x");
        server.fork("fork", "s", None);
        let mut of_source = server.get("s", "offset=now&live=sse").events();
        let mut of_fork = server.get("fork", "offset=now&live=sse").events();
        of_source.next_control();
        of_fork.next_control();
        server.delete("s").send().expect(204);
        for event in of_source.until_end() {
            assert!(
                event.name != "control" || !event.closed(),
                "deleted is not closed: {event:#?}"
            );
        }
        server.append_text("fork", "y");
        assert_eq!(of_fork.next_data().0.data, "y");
        server.delete("fork").send().expect(204);
        of_fork.until_end();
    });
}

#[test]
fn a_quiet_connection_carries_comments() {
    on_each_storage(&["--sse-keep-alive", "100ms"], |server| {
        server.create_text("s");
        let mut live = server.get("s", "offset=-1&live=sse").events();
        live.next_control();
        for _ in 0..3 {
            live.wait_for_comment();
        }
        server.append_text("s", "still here");
        assert_eq!(live.next_data().0.data, "still here");
    });
}

#[test]
fn a_connection_ends_at_its_age_and_nothing_is_lost_between_two() {
    on_each_storage(&["--sse-max-age", "700ms"], |server| {
        server.create_text("s");
        let mut from = server.tail("s");
        let (mut written, mut read) = (String::new(), String::new());
        for _ in 0..2 {
            let start = Instant::now();
            let mut live = server.get("s", &format!("offset={from}&live=sse")).events();
            let mut events = Vec::new();
            // Write while it lives, so that the end comes between two records.
            while let Some(event) = match live.try_event(Duration::from_millis(20)) {
                Ok(event) => event,
                Err(_) => Some(Event::default()),
            } {
                if event == Event::default() {
                    server.append_text("s", "x");
                    written.push('x');
                } else {
                    events.push(event);
                }
            }
            let age = start.elapsed();
            assert!(age > Duration::from_millis(500), "ended after {age:?}");
            let last = events.last().expect("an event");
            assert_eq!(last.name, "control", "{events:#?}");
            assert!(!last.closed(), "the end of a connection is not the end of the stream");
            from = last.next_offset();
            read.extend(events.iter().filter(|e| e.name == "data").map(|e| e.data.as_str()));
        }
        let rest = server.page("s", &from).expect(200);
        read.push_str(rest.text());
        assert_eq!(read, written);
    });
}

#[test]
fn a_reader_that_does_not_read_delays_nobody_and_loses_nothing() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let mut slow = server.get("s", "offset=-1&live=sse").events();
        slow.next_control();
        let mut fast = server.get("s", "offset=-1&live=sse").events();
        fast.next_control();
        let record = "r".repeat(64 * 1024);
        // Far more than the sockets between server and reader hold.
        const RECORDS: usize = 256;
        let read_all = |live: &mut headwater_tests::sse::Sse| {
            let mut length = 0;
            while length < RECORDS * record.len() {
                let (data, _) = live.next_data();
                assert!(data.data == "r".repeat(data.data.len()), "other bytes");
                length += data.data.len();
            }
            assert_eq!(length, RECORDS * record.len());
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..RECORDS {
                    server.append_text("s", &record);
                }
            });
            read_all(&mut fast);
        });
        read_all(&mut slow);
    });
}

#[test]
fn readers_of_different_places_see_the_same_stream() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let mut tokens = vec![server.tail("s")];
        let mut whole = String::new();
        for number in 0..20 {
            let record = format!("{number:03};");
            tokens.push(server.append_text("s", &record));
            whole.push_str(&record);
        }
        server.close("s");
        for token in tokens {
            let query = format!("offset={token}&live=sse");
            let events = server.get("s", &query).events().until_end();
            let text: String = events
                .iter()
                .filter(|event| event.name == "data")
                .map(|event| event.data.as_str())
                .collect();
            assert_eq!(text, whole[token.position() as usize..]);
        }
    });
}
