//! What a stream is, it still is after a restart: clean or not, every kind of state.

use headwater_tests::server::target;
use headwater_tests::{Launch, Server, Storage};

use crate::times;

/// A way to restart a server.
type Restart = fn(Server) -> Server;

/// Both of them.
const RESTARTS: [(&str, Restart); 2] =
    [("stopped", Server::restart), ("killed", Server::crash_and_restart)];

/// Every storage that outlives the process, with each way to restart it.
fn ways() -> impl Iterator<Item = (Storage, &'static str, Restart)> {
    let with = |storage| RESTARTS.map(|(how, restart)| (storage, how, restart));
    Storage::LASTING.into_iter().flat_map(with)
}

/// Prepares, restarts in both ways twice over, and checks after each.
fn over_restarts(prepare: impl Fn(&Server), check: impl Fn(&Server)) {
    for (storage, how, restart) in ways() {
        let mut server = Launch::new(storage).start();
        prepare(&server);
        check(&server);
        for round in 1..3 {
            server = restart(server);
            eprintln!("{storage}, {how}, round {round}");
            check(&server);
        }
    }
}

#[test]
fn bytes_and_offsets() {
    let mut tokens = std::sync::Mutex::new(Vec::new());
    over_restarts(
        |server| {
            let mut tokens = tokens.lock().unwrap();
            *tokens = vec![server.create_text("s")];
            for number in 0..30 {
                tokens.push(server.append_text("s", &format!("{number:02}")));
            }
            server.put("json").json(r#"[12345678901234567890, {"a":1,"a":2}]"#).send().expect(201);
        },
        |server| {
            let text: String = (0..30).map(|number| format!("{number:02}")).collect();
            for token in tokens.lock().unwrap().iter() {
                let rest = &text[token.position() as usize..];
                server.page("s", token).expect(200).expect_body(rest);
            }
            let read = server.get("json", "").send().expect(200);
            read.expect_body(r#"[12345678901234567890,{"a":1,"a":2}]"#);
            server.head("json").send().expect_header("Content-Type", "application/json");
        },
    );
    assert_eq!(tokens.get_mut().unwrap().len(), 31);
}

#[test]
fn appends_go_on_where_they_were() {
    for (storage, _, restart) in ways() {
        let mut server = Launch::new(storage).start();
        server.create_text("s");
        let mut expected = String::new();
        for round in 0..4 {
            let before = server.tail("s");
            let record = format!("round {round};");
            assert_eq!(server.append_text("s", &record), before.plus(record.len() as u64));
            expected.push_str(&record);
            let mut live = server.get("s", "offset=now&live=sse").events();
            live.next_control();
            server.append_text("s", ".");
            expected.push('.');
            assert_eq!(live.next_data().0.data, ".");
            drop(live);
            server = restart(server);
            assert_eq!(server.read_text("s"), expected);
        }
    }
}

#[test]
fn closed_stays_closed_and_deleted_stays_deleted() {
    over_restarts(
        |server| {
            for stream in ["closed", "closed-with-data", "deleted", "deleted-closed"] {
                server.create_text(stream);
                server.append_text(stream, "x");
            }
            server.close("closed");
            let call = server.post("closed-with-data").text("y").header("Stream-Closed", "true");
            call.send().expect(204);
            server.close("deleted-closed");
            server.delete("deleted").send().expect(204);
            server.delete("deleted-closed").send().expect(204);
        },
        |server| {
            for (stream, text) in [("closed", "x"), ("closed-with-data", "xy")] {
                let read = server.get(stream, "").send().expect(200).expect_body(text);
                assert!(read.closed());
                server.post(stream).text("z").send().expect_error(409, "stream_closed");
            }
            for stream in ["deleted", "deleted-closed"] {
                server.get(stream, "").send().expect_error(404, "not_found");
            }
        },
    );
}

#[test]
fn producers_and_stream_seq() {
    over_restarts(
        |server| {
            server.create_text("s");
            server.post("s").text("a").producer("p", 3, 0).send().expect(200);
            server.post("s").text("b").producer("p", 3, 1).send().expect(200);
            server.post("s").text("c").producer("q", 0, 0).send().expect(200);
            server.post("s").text("d").header("Stream-Seq", "m").send().expect(204);
            server.create_text("ended");
            let call = server.post("ended").text("z").producer("p", 0, 0);
            call.header("Stream-Closed", "true").send().expect(200);
        },
        |server| {
            let again = server.post("s").text("b").producer("p", 3, 1).send().expect(204);
            again.expect_header("Producer-Seq", "1").expect_header("Producer-Epoch", "3");
            let gap = server.post("s").text("x").producer("p", 3, 5).send();
            gap.expect_error(409, "producer_gap").expect_header("Producer-Expected-Seq", "2");
            let old = server.post("s").text("x").producer("p", 2, 0).send();
            old.expect_error(403, "producer_fenced").expect_header("Producer-Epoch", "3");
            server.post("s").text("c").producer("q", 0, 0).send().expect(204);
            let low = server.post("s").text("x").header("Stream-Seq", "m").send();
            low.expect_error(409, "stream_seq_regression");
            assert_eq!(server.read_text("s"), "abcd");
            let call = server.post("ended").text("z").producer("p", 0, 0);
            let again = call.header("Stream-Closed", "true").send().expect(204);
            assert!(again.closed());
            assert_eq!(server.read_text("ended"), "z");
        },
    );
}

#[test]
fn forks_and_soft_deleted_sources() {
    over_restarts(
        |server| {
            server.create_text("source");
            let one = server.append_text("source", "one ");
            server.append_text("source", "two ");
            server.fork("early", "source", Some(&one));
            server.append_text("early", "mine");
            server.fork("empty", "source", None);
            server.fork("deep", "early", None);
            server.append_text("source", "three");
            server.append_text("deep", "!");
            server.create_text("gone");
            server.append_text("gone", "kept for the fork");
            server.fork("heir", "gone", None);
            server.delete("gone").send().expect(204);
        },
        |server| {
            assert_eq!(server.read_text("source"), "one two three");
            assert_eq!(server.read_text("early"), "one mine");
            assert_eq!(server.read_text("empty"), "one two ");
            assert_eq!(server.read_text("deep"), "one mine!");
            assert_eq!(server.read_text("heir"), "kept for the fork");
            server.head("gone").send().expect(410);
            server.put("gone").content_type("text/plain").send().expect(409);
            let call = server.put("early").header("Stream-Forked-From", &target("source"));
            call.send().expect(200);
        },
    );
}

#[test]
fn lifetimes_go_on() {
    over_restarts(
        |server| {
            let put = |stream: &str, name: &str, value: &str| {
                let call = server.put(stream).content_type("text/plain").header(name, value);
                call.body("data").send().expect(201);
            };
            put("long", "Stream-TTL", "3600");
            put("fixed", "Stream-Expires-At", "2099-01-01T00:00:00Z");
            put("over", "Stream-TTL", "0");
            put("past", "Stream-Expires-At", "2020-01-01T00:00:00Z");
            server.fork("heir", "long", None);
        },
        |server| {
            for stream in ["long", "heir"] {
                assert_eq!(server.read_text(stream), "data");
                server.head(stream).send().expect(200).expect_header("Stream-TTL", "3600");
            }
            let head = server.head("fixed").send().expect(200);
            let told = head.header("Stream-Expires-At").unwrap_or_default();
            assert_eq!(times::parse(told), times::parse("2099-01-01T00:00:00Z"));
            server.head("over").send().expect(404);
            server.head("past").send().expect(404);
        },
    );
}

#[test]
fn a_window_begins_anew_and_still_ends() {
    for (storage, _, restart) in ways() {
        let server = Launch::new(storage).start();
        let call = server.put("s").content_type("text/plain").header("Stream-TTL", "1");
        call.send().expect(201);
        let server = restart(server);
        headwater_tests::wait::until("the stream has expired", || {
            (server.head("s").send().status() == 404).then_some(())
        });
        let server = restart(server);
        server.head("s").send().expect(404);
    }
}

#[test]
fn large_records_and_many_streams() {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n ^ (n >> 7)) as u8).collect();
    over_restarts(
        |server| {
            server.put("large").bytes(&bytes).send().expect(201);
            for number in 0..200 {
                server.put(&format!("many/{number}")).text(&number.to_string()).send().expect(201);
            }
        },
        |server| {
            assert!(server.read("large") == bytes, "the large record differs");
            for number in 0..200 {
                assert_eq!(server.read_text(&format!("many/{number}")), number.to_string());
            }
        },
    );
}

#[test]
fn memory_forgets() {
    let server = Launch::new(Storage::Memory).start();
    server.create_text("s");
    let server = server.restart();
    server.head("s").send().expect(404);
}
