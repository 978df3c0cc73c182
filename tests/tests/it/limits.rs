//! Limits: the size of a record, of a name, of a head, and what each answers.

use headwater_tests::http::{Call, Conn};
use headwater_tests::{Server, on_each_storage, wait};

/// The largest head of a request, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;

/// The largest record by default, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

#[test]
fn a_record_of_the_largest_size_is_taken_and_a_larger_one_refused() {
    on_each_storage(&[], |server| {
        server.create("s", "application/octet-stream");
        let record = vec![7; LARGEST];
        server.post("s").bytes(&record).send().expect(204);
        let too_large = vec![8; LARGEST + 1];
        server.post("s").bytes(&too_large).send().expect_error(413, "too_large");
        server.put("new").bytes(&too_large).send().expect_error(413, "too_large");
        server.head("new").send().expect(404);
        assert!(server.read("s") == record, "the record differs");
    });
}

#[test]
fn a_chunked_body_is_cut_off_at_the_limit() {
    on_each_storage(&[], |server| {
        server.create("s", "application/octet-stream");
        let chunk = vec![9; 1024 * 1024];
        let mut conn = server.connect();
        let head = "POST /v1/stream/s HTTP/1.1\r\nHost: x\r\n\
                    Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        conn.write(head.as_bytes()).unwrap();
        // The server answers and takes the rest off the wire, for a client that reads only after it has sent.
        for _ in 0..40 {
            conn.write(format!("{:x}\r\n", chunk.len()).as_bytes()).unwrap();
            conn.write(&chunk).unwrap();
            conn.write(b"\r\n").unwrap();
        }
        conn.write(b"0\r\n\r\n").unwrap();
        let answer = conn.read_response("POST").expect("an answer to a body that is too large");
        answer.expect_error(413, "too_large");
        assert_eq!(server.read("s"), b"");
    });
}

#[test]
fn a_declared_length_over_the_limit_is_refused_before_the_body() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        for length in ["16777217", "10000000000", "9223372036854775807"] {
            let mut conn = server.connect();
            let head = format!(
                "POST /v1/stream/s HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n\
                 Content-Length: {length}\r\n\r\n"
            );
            conn.write(head.as_bytes()).unwrap();
            let answer = conn.read_response("POST").expect("an answer without a body sent");
            answer.expect_error(413, "too_large");
        }
        assert_eq!(server.read("s"), b"");
    });
}

#[test]
fn a_name_has_at_most_1024_bytes() {
    on_each_storage(&[], |server| {
        let longest = "n".repeat(1_024);
        server.put(&longest).text("x").send().expect(201);
        assert_eq!(server.read_text(&longest), "x");
        let deep = ["d"; 512].join("/");
        server.put(&deep).text("y").send().expect(201);
        assert_eq!(server.read_text(&deep), "y");
        let encoded = "%C3%A9".repeat(512);
        server.put(&encoded).text("z").send().expect(201);
        let too_long = [format!("{longest}n"), format!("{longest}/n"), "%C3%A9".repeat(513)];
        for name in too_long {
            for method in ["PUT", "POST", "GET", "HEAD", "DELETE"] {
                let answer = server.call(method, &format!("/v1/stream/{name}")).send();
                assert_eq!(answer.status(), 400, "{method} of {} bytes", name.len());
            }
            server.put(&name).send().expect_error(400, "invalid_name");
        }
    });
}

/// Sends a head that the HTTP library refuses, only as far as it takes it: what it has not read when it hangs up could
/// destroy its answer on the way. So far it cannot know what of the head is too long, and there is one status for all.
#[track_caller]
fn refused_bare(server: &Server, call: &Call) {
    let mut conn = server.connect();
    let bytes = call.encode();
    conn.write(&bytes[..HEAD_LIMIT.min(bytes.len())]).unwrap();
    let answer = conn.read_response("GET").expect("an answer of the library");
    assert_eq!((answer.status(), answer.text()), (431, ""), "{answer}");
    conn.expect_end();
}

#[test]
fn a_head_larger_than_the_server_takes_is_refused_and_only_that() {
    on_each_storage(&[], |server| {
        server.create_text("s");
        let call = server.get("s", "").header("X-Large", &"x".repeat(2_000_000));
        refused_bare(server, &call);
        let query = format!("x={}", "y".repeat(200_000));
        refused_bare(server, &server.get("s", &query));
        server.get("s", "").send().expect(200);
    });
}

const MIB: usize = 1024 * 1024;

/// Sends an append of a MiB except for its last byte, and keeps it waiting.
fn hold_an_append(server: &Server, stream: &str) -> Conn {
    let mut conn = server.connect();
    let head = format!(
        "POST /v1/stream/{stream} HTTP/1.1\r\nHost: x\r\nContent-Length: {MIB}\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    conn.write(head.as_bytes()).unwrap();
    conn.write(&vec![b'h'; MIB - 1]).unwrap();
    conn
}

#[test]
fn bytes_in_flight_are_bounded_and_the_rest_is_told_to_come_back() {
    const LARGEST: &str = "1200000";
    const BUDGET: &str = "1500000";
    let one = ["--max-body-bytes", LARGEST, "--in-flight-bytes-per-stream", BUDGET];
    let all = [one.as_slice(), &["--in-flight-bytes", BUDGET]].concat();
    let budgets: [(&[&str], [&str; 2]); 2] = [(&all, ["s", "t"]), (&one, ["s", "s"])];
    for (flags, [held, refused]) in budgets {
        on_each_storage(flags, |server| {
            for stream in ["s", "t"] {
                server.create(stream, "application/octet-stream");
            }
            let body = vec![b'b'; MIB];
            // Of two that do not fit together, the one that comes later is refused. That is the
            // held one, too, if the server was slow to take it in: then all is tried again, after
            // the held one is done with, so that nothing of it still counts.
            wait::until("the later of two is refused", || {
                let mut conn = hold_an_append(server, held);
                let second = server.post(refused).bytes(&body).send();
                let small = server.post(refused).bytes(b"small").send();
                let first = conn.write(b"h").and_then(|()| conn.read_response("POST")).ok()?;
                let statuses = [&first, &second, &small].map(|answer| answer.status());
                (statuses == [204, 503, 204]).then(|| second.expect_error(503, "overloaded"))
            });
            server.post(refused).bytes(&body).send().expect(204);
        });
    }
}

#[test]
fn a_client_that_stalls_is_cut_off() {
    on_each_storage(&["--body-timeout", "300ms", "--head-timeout", "300ms"], |server| {
        server.create("s", "application/octet-stream");
        let mut conn = hold_an_append(server, "s");
        let answer = conn.read_response("POST").expect("an answer to half a body");
        answer.expect_error(408, "timeout");
        conn.expect_end();
        assert_eq!(server.read("s"), b"");
        // Half a head is no request, and is not answered.
        let mut conn = server.connect();
        conn.write(b"GET /v1/stream/s HTTP/1.1\r\nHost: ").unwrap();
        conn.expect_end();
    });
}
