//! HTTP/1.1 as a connection: many requests over one, in order, and how it is given up.

use headwater_tests::on_each_storage;

#[test]
fn requests_sent_together_are_answered_in_order() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let mut conn = server.connect();
        let mut together = Vec::new();
        for number in 0..20 {
            together.extend(server.post("s").text(&format!("{number:02}")).encode());
            together.extend(server.get("s", "").encode());
        }
        conn.write(&together).unwrap();
        let mut expected = String::new();
        for number in 0..20 {
            expected.push_str(&format!("{number:02}"));
            conn.read_response("POST").unwrap().expect(204);
            conn.read_response("GET").unwrap().expect(200).expect_body(&expected);
        }
    });
}

#[test]
fn a_refusal_keeps_the_connection_in_step() {
    on_each_storage(&[], |server| {
        server.create_json("s");
        let mut conn = server.connect();
        let mut ask = |call: headwater_tests::http::Call, status| {
            call.send_over(&mut conn).expect("an answer").expect(status);
        };
        // Each refusal comes with a body that must not be taken for the next request.
        ask(server.post("s").text("GET / HTTP/1.1\r\n\r\n"), 409);
        ask(server.post("missing").json("[1]"), 404);
        ask(server.post("s").json("{"), 400);
        ask(server.call("PATCH", "/v1/stream/s").body("x"), 405);
        ask(server.call("POST", "/elsewhere").body("x"), 404);
        ask(server.get("s", "offset=bad").body("x"), 400);
        ask(server.post("s").json("1"), 204);
        ask(server.get("s", ""), 200);
    });
}

#[test]
fn a_client_may_ask_before_it_sends_its_body() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let mut conn = server.connect();
        let head = "POST /v1/stream/s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\
                    Content-Length: 5\r\nExpect: 100-continue\r\n\r\n";
        conn.write(head.as_bytes()).unwrap();
        assert_eq!(conn.read_any_head().unwrap().status, 100);
        conn.write(b"hello").unwrap();
        conn.read_response("POST").unwrap().expect(204);
        assert_eq!(server.read_text("s"), "hello");
    });
}

#[test]
fn a_connection_is_closed_when_asked() {
    on_each_storage(&[], |server| {
        server.put("s").text("x").send().expect(201);
        let mut conn = server.connect();
        let call = server.get("s", "").header("Connection", "close");
        call.send_over(&mut conn).unwrap().expect(200).expect_body("x");
        conn.expect_end();
        let mut conn = server.connect();
        conn.write(b"GET /v1/stream/s HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
        conn.read_response("GET").unwrap().expect(200).expect_body("x");
        conn.expect_end();
    });
}
