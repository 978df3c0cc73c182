//! `If-Match` on an append: write only if the stream is still what was seen.

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use headwater_tests::on_each_storage;

#[test]
fn the_tag_that_head_gives_admits_one_append() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let mut tag = server.head("s").send().expect(200).etag();
        for number in 0..5 {
            let body = number.to_string();
            let call = server.post("s").text(&body).header("If-Match", &tag);
            let taken = call.clone().send().expect(204);
            let next = taken.etag();
            assert_ne!(next, tag);
            assert_eq!(server.head("s").send().etag(), next, "204 carries the current tag");
            let refused = call.send().expect_error(412, "precondition_failed");
            assert_eq!(refused.etag(), next, "412 carries the current tag");
            tag = next;
        }
        assert_eq!(server.read_text("s"), "01234");
    });
}

#[test]
fn a_tag_of_another_stream_or_time_is_refused() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.create_text("other");
        let other = server.head("other").send().etag();
        for tag in [other.as_str(), "\"\"", "\"anything\"", "\"0:0\""] {
            let refused = server.post("s").text("x").header("If-Match", tag).send();
            refused.expect_error(412, "precondition_failed");
        }
        let tag = server.head("s").send().etag();
        server.delete("s").send().expect(204);
        server.create_text("s");
        let refused = server.post("s").text("x").header("If-Match", &tag).send();
        refused.expect_error(412, "precondition_failed");
        assert_eq!(server.read_text("s"), "");
    });
}

#[test]
fn a_read_gives_no_tag_that_admits_an_append_by_chance() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.append_text("s", "x");
        let read = server.get("s", "").send().etag();
        let head = server.head("s").send().etag();
        assert_ne!(read, head, "a page's tag also names its start");
        assert!(head.len() < 60, "{head}");
    });
}

#[test]
fn only_one_strong_tag_and_no_producer() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let tag = server.head("s").send().etag();
        let bad = [
            "*".to_owned(),
            format!("{tag}, \"other\""),
            format!("{tag},{tag}"),
            format!("W/{tag}"),
            tag.trim_matches('"').to_owned(),
            format!("{tag}x"),
            "\"".to_owned(),
            String::new(),
        ];
        for value in bad {
            let refused = server.post("s").text("x").header("If-Match", &value).send();
            assert_eq!(refused.status(), 400, "{value}: {refused}");
            assert_eq!(refused.error_code(), "invalid_request", "{value}");
        }
        let twice = server.post("s").text("x").header("If-Match", &tag);
        twice.header("If-Match", &tag).send().expect_error(400, "invalid_request");
        let beside = server.post("s").text("x").header("If-Match", &tag).producer("p", 0, 0);
        beside.send().expect_error(400, "invalid_request");
        assert_eq!(server.read_text("s"), "");
        server.post("s").text("x").header("If-Match", &tag).send().expect(204);
    });
}

#[test]
fn it_is_checked_after_closed_and_before_stream_seq() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.post("s").text("a").header("Stream-Seq", "5").send().expect(204);
        let tag = server.head("s").send().etag();
        let stale = server.post("s").text("b").header("If-Match", "\"stale\"");
        stale.header("Stream-Seq", "1").send().expect_error(412, "precondition_failed");
        let fresh = server.post("s").text("b").header("If-Match", &tag);
        let fresh = fresh.header("Stream-Seq", "1").send();
        fresh.expect_error(409, "stream_seq_regression");
        server.close("s");
        let closed_tag = server.head("s").send().etag();
        assert_ne!(closed_tag, tag, "closing changes the tag");
        assert!(closed_tag.ends_with(":c\""), "{closed_tag}");
        for tag in [tag, closed_tag, "\"stale\"".to_owned()] {
            let refused = server.post("s").text("b").header("If-Match", &tag).send();
            refused.expect_error(409, "stream_closed");
        }
        let missing = server.post("missing").text("b").header("If-Match", "\"x\"").send();
        missing.expect_error(404, "not_found");
        assert_eq!(server.read_text("s"), "a");
    });
}

#[test]
fn an_append_can_close_on_the_condition() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let tag = server.head("s").send().etag();
        let call = |tag: &str| {
            let call = server.post("s").text("last").header("If-Match", tag);
            call.header("Stream-Closed", "true").send()
        };
        call("\"stale\"").expect_error(412, "precondition_failed");
        assert!(!server.head("s").send().closed());
        let closed = call(&tag).expect(204);
        assert!(closed.closed());
        assert_eq!(closed.etag(), server.head("s").send().etag());
    });
}

#[test]
fn of_many_writers_with_one_tag_exactly_one_wins() {
    const WRITERS: usize = 8;
    const ROUNDS: usize = 12;
    on_each_storage(&[], |server| {
        server.create_text("s");
        let mut expected = String::new();
        for round in 0..ROUNDS {
            let tag = server.head("s").send().expect(200).etag();
            let together = Barrier::new(WRITERS);
            let answers: Vec<_> = thread::scope(|scope| {
                let (tag, together) = (&tag, &together);
                let write = |writer: usize| {
                    let body = format!("{round}.{writer};");
                    let call = server.post("s").text(&body).header("If-Match", tag);
                    together.wait();
                    (body, call.send())
                };
                let threads: Vec<_> =
                    (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let winners: Vec<_> =
                answers.iter().filter(|(_, answer)| answer.status() == 204).collect();
            assert_eq!(winners.len(), 1, "round {round}");
            let tags: HashSet<_> = answers.iter().map(|(_, answer)| answer.etag()).collect();
            assert_eq!(tags.len(), 1, "every answer carries the winner's tag: {tags:?}");
            for (_, answer) in answers.iter().filter(|(_, answer)| answer.status() != 204) {
                answer.clone().expect_error(412, "precondition_failed");
            }
            expected.push_str(&winners[0].0);
        }
        assert_eq!(server.read_text("s"), expected);
    });
}
