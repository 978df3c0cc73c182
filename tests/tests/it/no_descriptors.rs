//! A server that has no file descriptors left for a while: nobody is lost, and nothing stays as it was then.

use headwater_tests::http::{BodyReader, Conn, Head};
use headwater_tests::{Launch, Server, Storage, wait};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// Takes all descriptors from a server that it has not taken itself, until this is dropped.
struct Exhausted<'a>(&'a Server, Rlimit);

impl<'a> Exhausted<'a> {
    fn new(server: &'a Server) -> Self {
        // What is open stays open, and there is nothing below.
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        Self(server, limit(server, Rlimit { current: Some(0), maximum }))
    }
}

impl Drop for Exhausted<'_> {
    fn drop(&mut self) {
        limit(self.0, self.1);
    }
}

fn limit(server: &Server, to: Rlimit) -> Rlimit {
    let pid = Pid::from_raw(i32::try_from(server.pid()).expect("a process")).expect("a process");
    prlimit(Some(pid), Resource::Nofile, to).expect("a process of our own")
}

/// A connection that the server has taken in.
fn taken_in(server: &Server) -> Conn {
    let mut conn = server.connect();
    ask(&mut conn);
    conn
}

fn ask(conn: &mut Conn) {
    conn.write(b"HEAD /v1/stream/s HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(conn.read_response("HEAD").unwrap().status(), 200);
}

/// A reader of events; the head of its answer.
fn read(conn: &mut Conn) -> Head {
    conn.write(b"GET /v1/stream/s?offset=-1&live=sse HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let head = conn.read_head().unwrap();
    assert_eq!(head.status, 200);
    head
}

/// Whether a reader leaves the HTTP library.
fn leaves(head: &Head) -> bool {
    head.header("Connection") == Some("close")
}

#[test]
fn readers_are_served_without_threads_until_these_can_begin() {
    let server = Launch::new(Storage::Memory).flags(&["--event-threads", "1"]).start();
    server.create_text("s");
    let mut early = taken_in(&server);
    let early_head = {
        let _exhausted = Exhausted::new(&server);
        read(&mut early)
    };
    assert!(!leaves(&early_head));
    let (late_head, mut late) = wait::until("the threads to begin", || {
        let mut conn = server.connect();
        let head = read(&mut conn);
        leaves(&head).then_some((head, conn))
    });
    server.append_text("s", "for both");
    server.close("s");
    for (head, conn) in [(early_head, &mut early), (late_head, &mut late)] {
        let events = BodyReader::new(&head, "GET").unwrap().read_all(conn).unwrap();
        assert!(String::from_utf8(events).unwrap().contains("data:for both\n"));
    }
}

#[test]
fn who_connects_meanwhile_is_served_when_there_are_some() {
    let server = Launch::new(Storage::Memory).start();
    server.create_text("s");
    let mut early = taken_in(&server);
    let mut conn = {
        let _exhausted = Exhausted::new(&server);
        let conn = server.connect();
        wait::until("the server to say so", || {
            server.stderr().contains("Too many open files").then_some(())
        });
        // Who is there is served.
        ask(&mut early);
        conn
    };
    ask(&mut conn);
}
