//! Closing a stream: alone, with a last record, twice, and the letter case of `Stream-Closed`.

use headwater_tests::on_each_storage;

#[test]
fn closing_is_told_kept_and_repeatable() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let tail = server.append_text("s", "data");
        for _ in 0..3 {
            let closed = server.close("s").expect_header("Stream-Closed", "true");
            assert_eq!(closed.offset(), tail);
        }
        server.head("s").send().expect(200).expect_header("Stream-Closed", "true");
        let refused = server.post("s").text("late").send().expect_error(409, "stream_closed");
        assert!(refused.closed());
        assert_eq!(refused.offset(), tail);
        assert_eq!(server.read_text("s"), "data");
    });
}

#[test]
fn the_last_record_and_the_close_are_one_step() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let call = server.post("s").text("last").header("Stream-Closed", "true");
        let closed = call.clone().send().expect(204).expect_header("Stream-Closed", "true");
        assert_eq!(closed.offset().position(), 4);
        let again = call.send().expect_error(409, "stream_closed");
        assert!(again.closed());
        assert_eq!(again.offset().position(), 4);
        assert_eq!(server.read_text("s"), "last");
    });
}

#[test]
fn only_the_word_true_closes_in_any_letter_case() {
    on_each_storage(&[], |server| {
        for (case, value) in ["true", "TRUE", "True", "tRuE"].iter().enumerate() {
            let stream = format!("closes-{case}");
            server.create_text(&stream);
            server.post(&stream).header("Stream-Closed", value).send().expect(204);
            assert!(server.head(&stream).send().closed(), "{value:?}");
        }
        let others = ["false", "yes", " yes", "1", "", "truex", "true1", "\"true\"", "t rue"];
        for (case, value) in others.iter().enumerate() {
            let stream = format!("stays-open-{case}");
            server.create_text(&stream);
            let call = server.post(&stream).text("data").header("Stream-Closed", value);
            call.send().expect(204).expect_no_header("Stream-Closed");
            let call = server.post(&stream).header("Stream-Closed", value);
            call.send().expect_error(400, "invalid_request");
            assert!(!server.head(&stream).send().closed(), "{value:?}");
            assert_eq!(server.read_text(&stream), "data");
        }
    });
}

#[test]
fn a_close_without_a_body_ignores_the_content_type() {
    on_each_storage(&[], |server| {
        for (case, content_type) in ["application/json", "text/html", "nonsense"].iter().enumerate()
        {
            let stream = format!("s{case}");
            server.create_text(&stream);
            let call = server.post(&stream).content_type(content_type);
            let closed = call.header("Stream-Closed", "true").body("").send().expect(204);
            assert!(closed.closed());
        }
    });
}

#[test]
fn what_is_missing_cannot_be_closed() {
    on_each_storage(&[], |server| {
        let call = server.post("missing").header("Stream-Closed", "true");
        call.send().expect_error(404, "not_found");
        server.head("missing").send().expect(404);
    });
}

#[test]
fn a_closed_stream_can_be_deleted() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.close("s");
        server.delete("s").send().expect(204);
        server.get("s", "").send().expect_error(404, "not_found");
        server.create_text("s");
        server.append_text("s", "open again");
        assert_eq!(server.read_text("s"), "open again");
    });
}
