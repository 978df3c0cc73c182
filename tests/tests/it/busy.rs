//! Limits by number and by time, one past each: the refusal, its `Retry-After`, and that there is room again afterwards.

use std::time::{Duration, Instant};

use headwater_tests::{Launch, Server, Storage, on_each_storage, wait};

#[test]
fn live_readers() {
    let flags = ["--max-live-readers", "3", "--sse-max-age", "8s", "--long-poll-timeout", "60s"];
    on_each_storage(&flags, |server| {
        server.create_text("a");
        let begun = Instant::now();
        let readers = [(); 2].map(|()| server.get("a", "offset=-1&live=sse").events());
        let poll = server.get("a", "offset=now&live=long-poll").start();
        let poll = poll.expect_parked(Duration::from_millis(50));
        for query in ["offset=-1&live=sse", "offset=now&live=long-poll"] {
            let reply = server.get("a", query).send().expect_error(503, "overloaded");
            let pause: u64 = reply.header("Retry-After").unwrap().parse().unwrap();
            // The first stream ends at its age at the latest.
            assert!((1..=8).contains(&pause), "{pause}");
            assert_eq!(reply.json()["error"]["limit"], "live_readers");
        }
        assert_eq!(server.refusals("live_readers"), 2.0);
        // What is no live read has nothing to do with it.
        server.get("a", "offset=-1").send().expect(200);
        // And it is true: after that time there is room.
        let reply = server.get("a", "offset=-1&live=sse").send().expect_error(503, "overloaded");
        let pause = Duration::from_secs(reply.header("Retry-After").unwrap().parse().unwrap());
        let due = Instant::now() + pause;
        wait::until("the time that was told", || (Instant::now() >= due).then_some(()));
        assert!(begun.elapsed() < Duration::from_secs(30), "too slow a machine to tell");
        drop(server.get("a", "offset=-1&live=sse").events());
        drop(readers);
        server.append_text("a", "x");
        poll.finish().expect(200);
    });
}

/// A long-poll has its place until its answer has been sent: who takes nothing of a large one is still there.
#[test]
fn long_polls_whose_answer_is_on_its_way() {
    let flags = ["--max-live-readers", "1", "--write-timeout", "60s"];
    on_each_storage(&flags, |server| {
        server.create_json("large");
        server.append_json("large", &format!("\"{}\"", "x".repeat(12 << 20)));
        let mut slow = server.connect();
        slow.write(b"GET /v1/stream/large?offset=-1&live=long-poll HTTP/1.1\r\nHost: x\r\n\r\n")
            .unwrap();
        assert_eq!(slow.read_head().unwrap().status, 200);
        for query in ["offset=-1&live=sse", "offset=now&live=long-poll"] {
            let reply = server.get("large", query).send().expect_error(503, "overloaded");
            assert_eq!(reply.json()["error"]["limit"], "live_readers");
        }
        let mut taken = 0;
        while taken < 12 << 20 {
            taken += slow.take_some(1 << 20).unwrap();
        }
        wait::until("the place to be free", || {
            let reply = server.get("large", "offset=-1&live=long-poll").send();
            (reply.status() == 200).then_some(())
        });
    });
}

/// Waits until nobody is connected: a place is given back a moment after its client has left.
fn nobody_connected(server: &Server) {
    wait::until("the places to be free", || {
        (server.sample("headwater_http_connections") == 0.0).then_some(())
    });
}

/// Waits until so many requests are in flight: a place is given back a moment after an answer was read.
fn in_flight(server: &Server, number: u64) {
    wait::until(&format!("{number} requests in flight"), || {
        let status = server.operate("/v1/admin/status").send().expect(200).json();
        (status["requestsInFlight"] == number).then_some(())
    });
}

#[test]
fn requests() {
    on_each_storage(&["--max-requests", "2"], |server| {
        server.create_text("a");
        in_flight(server, 0);
        let slow = [1, 2].map(|number| {
            let mut conn = server.connect();
            conn.write(b"POST /v1/stream/a HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nx").unwrap();
            in_flight(server, number);
            conn
        });
        let reply = server.get("a", "offset=-1").send();
        let reply = reply.expect_error(503, "overloaded").expect_header("Retry-After", "1");
        assert_eq!(reply.json()["error"]["limit"], "requests");
        assert!(server.refusals("requests") >= 1.0);
        // How it stands is told all the same.
        server.call("GET", "/healthz").send().expect(200);
        for mut conn in slow {
            conn.write(b"y").unwrap();
            assert_eq!(conn.read_response("POST").unwrap().status(), 204);
        }
        in_flight(server, 0);
        server.get("a", "offset=-1").send().expect(200);
        // A live reader is none of them.
        let _readers = [(); 3].map(|()| server.get("a", "offset=-1&live=sse").events());
        let waiting = [(); 3].map(|()| server.get("a", "offset=now&live=long-poll").start());
        let _waiting = waiting.map(|poll| poll.expect_parked(Duration::from_millis(50)));
        in_flight(server, 0);
        server.get("a", "offset=-1").send().expect(200);
    });
}

#[test]
fn connections() {
    on_each_storage(&["--max-connections", "3", "--head-timeout", "30s"], |server| {
        server.create_text("a");
        nobody_connected(server);
        let held = [(); 3].map(|()| server.connect());
        let reply = wait::until("three connections to be open", || {
            let reply = server.get("a", "offset=-1").try_send().ok()?;
            (reply.status() == 503).then_some(reply)
        });
        assert_eq!(reply.error_code(), "overloaded");
        assert_eq!(reply.header("Retry-After"), Some("30"));
        assert_eq!(reply.header("Connection"), Some("close"));
        // A page of another origin sees the reason too.
        assert_eq!(reply.header("Access-Control-Allow-Origin"), Some("*"));
        assert_eq!(reply.json()["error"]["limit"], "connections");
        assert!(server.refusals("connections") >= 1.0);
        // Operators get in.
        server.operate("/v1/admin/status").send().expect(200);
        drop(held);
        wait::until("room for one", || {
            let reply = server.get("a", "offset=-1").try_send().ok()?;
            (reply.status() == 200).then_some(())
        });
    });
}

/// Where live readers have all the places, nobody is idle; there is room when the first of them ends.
#[test]
fn connections_of_live_readers() {
    let flags = ["--max-connections", "2", "--sse-max-age", "20s", "--head-timeout", "60s"];
    let server = Launch::new(Storage::Memory).flags(&flags).start();
    server.create_text("a");
    nobody_connected(&server);
    let readers = [(); 2].map(|()| server.get("a", "offset=-1&live=sse").events());
    let reply = server.get("a", "offset=-1").try_send().unwrap();
    assert_eq!(reply.json()["error"]["limit"], "connections");
    let pause: u64 = reply.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=20).contains(&pause), "{pause}");
    drop(readers);
}

#[test]
fn slow_bodies() {
    let flags = ["--body-timeout", "2s", "--min-body-rate", "1000"];
    on_each_storage(&flags, |server| {
        server.create_text("a");
        let mut conn = server.connect();
        let begun = Instant::now();
        conn.write(b"POST /v1/stream/a HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9000\r\n\r\n").unwrap();
        // Never silent for long, and far too slow.
        while begun.elapsed() < Duration::from_secs(20) && conn.write(b"x").is_ok() {
            wait::for_a_moment(Duration::from_millis(100));
            if server.refusals("body_time") >= 1.0 {
                break;
            }
        }
        assert!(begun.elapsed() >= Duration::from_secs(2), "too early");
        let reply = conn.read_response("POST").unwrap();
        assert_eq!((reply.status(), reply.error_code().as_str()), (408, "timeout"));
        assert_eq!(server.read_text("a"), "");
        // One that is as fast as it must be may take longer than that.
        let mut conn = server.connect();
        conn.write(b"POST /v1/stream/a HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10000\r\n\r\n").unwrap();
        for _ in 0..10 {
            conn.write(&[b'x'; 1000]).unwrap();
            wait::for_a_moment(Duration::from_millis(400));
        }
        assert_eq!(conn.read_response("POST").unwrap().status(), 204);
    });
}

#[test]
fn slow_heads() {
    let server = Launch::new(Storage::Memory).flags(&["--head-timeout", "1s"]).start();
    let mut conn = server.connect();
    let begun = Instant::now();
    for byte in b"GET /v1/stream/a HTTP/1.1\r\nHost: x".iter().cycle() {
        if conn.write(&[*byte]).is_err() || begun.elapsed() > Duration::from_secs(20) {
            break;
        }
        wait::for_a_moment(Duration::from_millis(50));
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "a head that never ends is cut");
}

#[test]
fn producers() {
    on_each_storage(&["--max-producers-per-stream", "2"], |server| {
        server.create_text("a");
        for id in ["one", "two", "one"] {
            let seq = u64::from(id == "one" && server.read_text("a").contains('o'));
            server.post("a").producer(id, 0, seq).text("o").send().expect(200);
        }
        let reply = server.post("a").producer("three", 0, 0).text("x").send();
        reply.expect_error(409, "producer_limit");
        assert_eq!(server.refusals("producers"), 1.0);
        server.post("a").producer("two", 0, 1).text("x").send().expect(200);
    });
}

#[test]
fn heads() {
    let flags = ["--max-headers", "20", "--max-head-bytes", "10000"];
    let server = Launch::new(Storage::Memory).flags(&flags).start();
    server.create_text("a");
    let with = |headers: usize, bytes: usize| {
        let mut request = "HEAD /v1/stream/a HTTP/1.1\r\nHost: x\r\n".to_owned();
        for n in 1..headers {
            request += &format!("X-{n}: y\r\n");
        }
        let length = bytes.saturating_sub(request.len() + "X: \r\n\r\n".len());
        request += &format!("X: {}\r\n\r\n", "y".repeat(length));
        let mut conn = server.connect();
        conn.write(request.as_bytes()).unwrap();
        conn.read_head().unwrap().status
    };
    for (headers, bytes, status) in [(19, 0, 200), (20, 0, 431), (2, 9_000, 200), (2, 40_000, 431)]
    {
        assert_eq!(with(headers, bytes), status, "{headers} {bytes}");
    }
}
