//! `DELETE`, and the state a stream is in while forks still need what it held.

use headwater_tests::on_each_storage;
use headwater_tests::server::target;
use headwater_tests::wait;

#[test]
fn a_deleted_stream_is_gone() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        server.append_text("s", "data");
        server.delete("s").send().expect(204);
        server.get("s", "").send().expect_error(404, "not_found");
        server.get("s", "offset=now").send().expect_error(404, "not_found");
        server.get("s", "offset=-1&live=long-poll").send().expect_error(404, "not_found");
        server.get("s", "offset=-1&live=sse").send().expect_error(404, "not_found");
        server.post("s").text("x").send().expect_error(404, "not_found");
        server.head("s").send().expect(404);
        server.delete("s").send().expect_error(404, "not_found");
        server.delete("never").send().expect_error(404, "not_found");
    });
}

#[test]
fn a_stream_made_anew_shares_nothing_with_the_old_one() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let call = server.post("s").text("old").producer("p", 5, 0).header("Stream-Seq", "9");
        let old = call.send().expect(200).offset();
        server.close("s");
        server.delete("s").send().expect(204);

        let new = server.put("s").json("[1]").send().expect(201);
        assert!(new.offset().lineage() > old.lineage(), "a new lineage");
        let call = server.post("s").json("2").producer("p", 0, 0).header("Stream-Seq", "1");
        call.send().expect(200);
        server.get("s", "").send().expect(200).expect_body("[1,2]");
    });
}

#[test]
fn a_stream_with_forks_is_gone_for_all_but_its_forks() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        server.append_text("source", "inherited ");
        server.fork("fork", "source", None);
        server.append_text("fork", "own");
        server.delete("source").send().expect(204);

        server.get("source", "").send().expect_error(410, "gone");
        server.get("source", "offset=-1&live=long-poll").send().expect_error(410, "gone");
        server.get("source", "offset=-1&live=sse").send().expect_error(410, "gone");
        server.head("source").send().expect(410);
        server.post("source").text("x").send().expect_error(410, "gone");
        server.post("source").header("Stream-Closed", "true").send().expect_error(410, "gone");
        server.delete("source").send().expect_error(410, "gone");
        server.put("source").content_type("text/plain").send().expect(409);
        let call = server.put("late").header("Stream-Forked-From", &target("source"));
        call.send().expect(409);
        server.head("late").send().expect(404);

        assert_eq!(server.read_text("fork"), "inherited own");
        server.delete("fork").send().expect(204);
        wait::until("the source is gone for good", || {
            (server.head("source").send().status() == 404).then_some(())
        });
        server.create_text("source");
        assert_eq!(server.read_text("source"), "");
    });
}

#[test]
fn the_last_of_several_forks_takes_the_source_with_it() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        server.append_text("source", "x");
        for fork in ["f1", "f2", "f3"] {
            server.fork(fork, "source", None);
        }
        server.delete("source").send().expect(204);
        for fork in ["f2", "f1"] {
            server.delete(fork).send().expect(204);
            server.head(fork).send().expect(404);
            server.head("source").send().expect(410);
            assert_eq!(server.read_text("f3"), "x");
        }
        server.delete("f3").send().expect(204);
        wait::until("the source is gone for good", || {
            (server.head("source").send().status() == 404).then_some(())
        });
    });
}

#[test]
fn a_refused_fork_holds_nothing_back() {
    on_each_storage(&[], |server| {
        server.create_text("source");
        server.append_text("source", "x");
        server.create_json("taken");
        let from = target("source");
        let beyond = "9999999999999999_9999999999999999";
        let refused = [
            (server.put("f").content_type("application/json"), 409, "content_type_mismatch"),
            (server.put("f").header("Stream-Fork-Offset", beyond), 400, "offset_beyond_tail"),
            (server.put("f").header("Stream-Fork-Sub-Offset", "7"), 400, "offset_invalid"),
            (server.put("f").header("Stream-TTL", "x"), 400, "invalid_request"),
            (server.put("taken"), 409, "config_mismatch"),
        ];
        for (call, status, code) in refused {
            call.header("Stream-Forked-From", &from).send().expect_error(status, code);
        }
        server.delete("source").send().expect(204);
        server.head("source").send().expect(404);
    });
}
