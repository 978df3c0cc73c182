//! The published TypeScript client, unchanged, against the server: it writes, reads, tails in both
//! live modes, and goes on reading and writing after the server was killed and started again.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use headwater_tests::server::target;
use headwater_tests::strace::Fault;
use headwater_tests::{Launch, Server, Storage, npm, on_each_storage, wait};

/// A run of `ts_client.mjs`. Dropping it ends it.
struct Script {
    child: Child,
    values: Receiver<String>,
}

impl Script {
    fn start(verb: &str, server: &Server, stream: &str, rest: &[&str]) -> Self {
        let url = format!("http://{}{}", server.address(), target(stream));
        let mut child = Command::new("node")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("ts_client.mjs"))
            .arg(npm::modules())
            .args([verb, &url])
            .args(rest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("this test runs the TypeScript client and needs `node`");
        let values = lines(child.stdout.take().expect("piped"));
        Self { child, values }
    }

    /// The next line.
    #[track_caller]
    fn line(&self) -> String {
        match self.values.recv_timeout(wait::DEADLINE) {
            Ok(line) => line,
            Err(error) => panic!("the client said nothing more: {error}"),
        }
    }

    /// All that is still to come, until the client has ended well.
    #[track_caller]
    fn values_to_the_end(mut self) -> Vec<serde_json::Value> {
        let mut values = Vec::new();
        loop {
            match self.values.recv_timeout(wait::DEADLINE) {
                Ok(line) => values.push(serde_json::from_str(&line).expect("JSON")),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(error) => panic!("the client neither speaks nor ends: {error}"),
            }
        }
        self.expect_success();
        values
    }

    #[track_caller]
    fn expect_success(&mut self) {
        let status = wait::until("the client ends", || self.child.try_wait().expect("a child"));
        assert!(status.success(), "the client: {status}");
    }

    /// Tells a client that goes on until it is told.
    fn end_input(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Requires the values `from..to`, in order.
    #[track_caller]
    fn expect_values(&self, from: usize, to: usize) {
        for number in from..to {
            assert_eq!(self.line(), format!("{{\"n\":{number}}}"));
        }
    }

    /// Requires that nothing more comes and that the client ends well.
    #[track_caller]
    fn expect_end(mut self) {
        let more = self.values.recv_timeout(wait::DEADLINE);
        assert_eq!(more, Err(mpsc::RecvTimeoutError::Disconnected));
        self.expect_success();
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(stdout: ChildStdout) -> Receiver<String> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    told
}

#[test]
fn it_writes_and_reads() {
    on_each_storage(&[], |server| {
        let writer = Script::start("write", server, "a/b", &["200"]);
        let head = writer.line();
        assert!(head.contains(server.tail("a/b").as_str()), "{head}");
        writer.expect_end();
        let reader = Script::start("read", server, "a/b", &[]);
        reader.expect_values(0, 200);
        reader.expect_end();
    });
}

fn append(server: &Server, numbers: std::ops::Range<usize>) {
    for number in numbers {
        server.append_json("s", &format!("{{\"n\":{number}}}"));
    }
}

#[test]
fn it_tails_and_resumes_after_the_server_was_killed() {
    thread::scope(|scope| {
        for live in ["long-poll", "sse"] {
            scope.spawn(move || {
                let mut server = Launch::new(Storage::Sled).start();
                server.create_json("s");
                append(&server, 0..10);
                let tail = Script::start("tail", &server, "s", &[live, "49"]);
                tail.expect_values(0, 10);
                append(&server, 10..20);
                tail.expect_values(10, 20);
                for round in 2..5 {
                    let address = server.address().to_string();
                    server.kill9();
                    // The client comes back to where the server was.
                    server = server.launch().clone().listen(&address).start();
                    append(&server, round * 10..round * 10 + 10);
                    tail.expect_values(round * 10, round * 10 + 10);
                }
                tail.expect_end();
            });
        }
    });
}

/// How often the server is killed.
const KILLS: usize = 10;

/// How much longer every sync lasts: most kills then come when appends are written and not yet
/// acknowledged, which is what makes a doubled record possible.
const SLOW_SYNCS: Fault = Fault::Delay { from: 1, micros: 20_000 };

/// How much is appended between two kills, in bytes of values.
const BETWEEN_KILLS: u64 = 400;

#[test]
fn its_producer_writes_everything_once_and_in_order_while_the_server_is_killed() {
    let (launch, _) = Launch::new(Storage::Sled).traced(SLOW_SYNCS);
    let mut server = launch.start();
    server.create_json("s");
    let mut producer = Script::start("produce", &server, "s", &[]);
    for _ in 0..KILLS {
        let before = server.tail("s").position();
        wait::until("the producer has appended", || {
            (server.tail("s").position() >= before + BETWEEN_KILLS).then_some(())
        });
        // A tail that has grown is told when a sync ends, and the next is on its way.
        wait::for_a_moment(Duration::from_micros(rand::random_range(5_000..25_000)));
        let address = server.address().to_string();
        server.kill9();
        server = server.launch().clone().listen(&address).start();
    }
    producer.end_input();
    let said: Vec<serde_json::Value> = producer.values_to_the_end();
    let retried: Vec<u64> = said.iter().filter_map(|line| line["retried"].as_u64()).collect();
    let kept = retried.iter().filter(|status| **status == 204).count();
    assert!(retried.len() >= KILLS, "every kill interrupts the producer: {retried:?}");
    assert!(kept > 0, "no kill took away the answer to an append that was kept: {retried:?}");
    let produced = said.last().and_then(|line| line["produced"].as_u64()).expect("a count");
    let produced = usize::try_from(produced).expect("not that many");
    eprintln!("{produced} produced; answers to what was sent again: {retried:?}");
    let reader = Script::start("read", &server, "s", &[]);
    reader.expect_values(0, produced);
    reader.expect_end();
}
