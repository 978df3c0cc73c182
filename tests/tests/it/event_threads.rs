//! Event streams that leave the HTTP library: what becomes of their connections, and of readers that are slow, stalled, or gone.
//! What is told is the subject of other tests, which run on both paths.

use std::fs;

use headwater_tests::http::Conn;
use headwater_tests::sse::{Event, Sse};
use headwater_tests::{Launch, Server, Storage, exit, on_each_storage, wait};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const READ: &str = "GET /v1/stream/s?offset=-1&live=sse HTTP/1.1\r\nHost: x\r\n\r\n";

/// Digits of a number in the text that streams are filled with.
const DIGITS: usize = 8;

/// Numbers in an append: as many bytes as half of a page of a live reader.
const NUMBERS: usize = 8 * 1024;

fn on_threads(threads: &str, flags: &[&str]) -> Server {
    let launch = Launch::new(Storage::Journal).flags(&["--event-threads", threads]);
    launch.flags(flags).start()
}

/// Numbers from one on, each of which stands where it says.
fn numbers(from: usize, count: usize) -> String {
    (from..from + count).map(|number| format!("{number:0DIGITS$}")).collect()
}

/// Text that must be the numbers from the beginning on, however it is cut.
#[derive(Default)]
struct Checked {
    bytes: usize,
}

impl Checked {
    /// # Errors
    /// When something is missing, comes twice, or is out of order.
    fn take(&mut self, text: &str) -> Result<(), String> {
        let from = self.bytes / DIGITS;
        let expected = numbers(from, text.len() / DIGITS + 2);
        let expected = &expected[self.bytes % DIGITS..][..text.len()];
        if text != expected {
            return Err(format!("not what stands at {}", self.bytes));
        }
        self.bytes += text.len();
        Ok(())
    }

    fn take_events(&mut self, events: &[Event]) {
        for event in events.iter().filter(|event| event.name == "data") {
            self.take(&event.data).unwrap();
        }
    }
}

/// The check finds what it is there for.
#[test]
fn a_gap_a_repetition_and_a_swap_are_found() {
    let parts = [numbers(0, 10), numbers(10, 10), numbers(20, 10)];
    let outcome = |order: &[usize]| {
        let mut checked = Checked::default();
        order.iter().try_for_each(|&part| checked.take(&parts[part]))
    };
    assert_eq!(outcome(&[0, 1, 2]), Ok(()));
    for order in [&[0, 2][..], &[0, 1, 1], &[1, 0, 2], &[0, 2, 1]] {
        assert!(outcome(order).is_err(), "{order:?}");
    }
}

fn has_thread(server: &Server, name: &str) -> bool {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("procfs");
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.into_iter().any(|other| other.trim() == name)
}

fn readers(server: &Server, expected: usize) {
    wait::until(&format!("{expected} readers"), || {
        (server.sample("headwater_sse_readers") as usize == expected).then_some(())
    });
}

#[test]
fn only_what_leaves_the_library_is_the_last_answer_of_its_connection() {
    for (threads, close) in [("0", None), ("1", Some("close"))] {
        let server = on_threads(threads, &[]);
        server.create_text("s");
        let mut live = server.get("s", "offset=-1&live=sse").events();
        live.until_caught_up();
        assert_eq!(live.head().header("Connection"), close);
        server.append_text("s", "x");
        assert_eq!(live.next_data().0.data, "x");
        assert_eq!(has_thread(&server, "events"), close.is_some());
        // Envelopes, and what is over at once, stay where they are.
        let envelopes = server.get("s", "offset=-1&live=sse&records=true").events();
        assert_eq!(envelopes.head().header("Connection"), None);
        server.close("s");
        assert!(live.next_control().closed());
        assert_eq!(live.until_end(), []);
        let over = server.get("s", "offset=-1&live=sse").events();
        assert_eq!(over.head().header("Connection"), None);
    }
}

/// A request that came behind it is not answered, and does not cost the client the end of the answer.
#[test]
fn a_request_behind_it_is_not_answered_and_breaks_nothing() {
    let server = on_threads("1", &["--sse-max-age", "1s"]);
    server.create_text("s");
    let mut early = server.connect();
    early.write(format!("{READ}{READ}").as_bytes()).unwrap();
    let mut late = server.connect();
    late.write(READ.as_bytes()).unwrap();
    readers(&server, 2);
    late.write(READ.as_bytes()).unwrap();
    server.append_text("s", "through");
    for conn in [&mut early, &mut late] {
        let answer = conn.read_response("GET").unwrap();
        assert!(answer.text().contains("data:through\n"), "{answer}");
        conn.expect_end();
    }
}

/// Who will send no more is taken for gone, as a browser's tab that is closed.
#[test]
fn a_client_that_ends_its_side_is_gone() {
    on_each_storage(&["--sse-max-age", "1h"], |server| {
        server.create_text("s");
        let mut conn = server.connect();
        conn.write(READ.as_bytes()).unwrap();
        assert_eq!(conn.read_head().unwrap().status, 200);
        readers(server, 1);
        conn.finish_writing().unwrap();
        readers(server, 0);
    });
}

#[test]
fn readers_that_die_in_the_middle_cost_the_others_nothing() {
    const ROUNDS: usize = 40;
    on_each_storage(&["--sse-max-age", "1h"], |server| {
        server.create_text("s");
        let mut live: Vec<Sse> =
            (0..8).map(|_| server.get("s", "offset=-1&live=sse").events()).collect();
        for round in 0..ROUNDS {
            let mut dying: Conn = server.connect();
            dying.write(READ.as_bytes()).unwrap();
            dying.read_head().unwrap();
            server.append_text("s", &numbers(round * NUMBERS, NUMBERS));
            // With something unread, so that the kernel says it with a reset.
            drop(dying);
        }
        server.close("s");
        for one in &mut live {
            let mut checked = Checked::default();
            checked.take_events(&one.until_end());
            assert_eq!(checked.bytes, ROUNDS * NUMBERS * DIGITS);
        }
        readers(server, 0);
    });
}

#[test]
fn stalled_readers_delay_nobody_and_have_everything_when_they_go_on() {
    const APPENDS: usize = 160;
    on_each_storage(&["--sse-max-age", "1h", "--write-timeout", "10m"], |server| {
        server.create_text("s");
        let follow = || server.get("s", "offset=-1&live=sse").events();
        let mut stalled: Vec<Sse> = (0..4).map(|_| follow()).collect();
        let mut fast: Vec<(Sse, Checked)> =
            (0..4).map(|_| (follow(), Checked::default())).collect();
        for nth in 0..APPENDS {
            server.append_text("s", &numbers(nth * NUMBERS, NUMBERS));
            for (live, checked) in &mut fast {
                while checked.bytes < (nth + 1) * NUMBERS * DIGITS {
                    checked.take_events(&[live.next_event()]);
                }
            }
        }
        server.close("s");
        for live in stalled.iter_mut().chain(fast.iter_mut().map(|(live, _)| live)) {
            let events = live.until_end();
            assert!(events.last().is_some_and(Event::closed));
        }
        readers(server, 0);
    });
}

/// Twice out of what is in memory and back, while appends go on.
#[test]
fn a_reader_that_falls_behind_reads_from_storage_and_comes_back() {
    const APPENDS: usize = 160;
    on_each_storage(&["--sse-max-age", "1h", "--write-timeout", "10m"], |server| {
        server.create_text("s");
        let mut live = server.get("s", "offset=-1&live=sse").events();
        live.until_caught_up();
        let (mut checked, mut appended) = (Checked::default(), 0);
        let mut append = |server: &Server| {
            server.append_text("s", &numbers(appended * NUMBERS, NUMBERS));
            appended += 1;
            appended * NUMBERS * DIGITS
        };
        for _ in 0..2 {
            let mut all = 0;
            for _ in 0..APPENDS {
                all = append(server);
            }
            let (mut fell_behind, mut nth) = (false, 0);
            while checked.bytes < all {
                checked.take_events(&[live.next_event()]);
                nth += 1;
                // What is read from storage for one reader is counted until it has been sent.
                fell_behind |= server.sample("headwater_read_bytes_held") > 0.0;
                if nth % 8 == 0 && nth < APPENDS {
                    all = append(server);
                }
            }
            assert!(fell_behind);
            live.until_caught_up();
            // It has come back, to where nothing is read for it.
            for _ in 0..3 {
                let all = append(server);
                while checked.bytes < all {
                    checked.take_events(&[live.next_event()]);
                }
            }
            assert_eq!(server.sample("headwater_read_bytes_held"), 0.0);
        }
    });
}

/// As many descriptors as the system allows, for the test and for the server it starts.
fn make_room() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("the hard limit");
}

/// So many readers, all of which the server has taken in.
fn waiting(server: &Server, count: usize) -> Vec<Conn> {
    let ask = |_| {
        let mut conn = server.connect();
        conn.write(READ.as_bytes()).unwrap();
        conn
    };
    let conns = (0..count).map(ask).collect();
    readers(server, count);
    conns
}

/// What the process has in memory, in bytes.
fn resident(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("procfs");
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the line");
    value.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

#[test]
fn a_reader_that_waits_takes_at_most_a_kibibyte() {
    const READERS: usize = 5_000;
    make_room();
    let server = on_threads("1", &["--sse-max-age", "1h", "--sse-keep-alive", "1h"]);
    server.create_text("s");
    // What the first readers make the server touch is not a matter of their number.
    drop(waiting(&server, 100));
    readers(&server, 0);
    let before = resident(&server);
    let _conns = waiting(&server, READERS);
    // What was needed to let them in is given back a second later.
    let each = wait::until("the memory of what let them in to be given back", || {
        let each = resident(&server).saturating_sub(before) / READERS;
        (each <= 1024).then_some(each)
    });
    eprintln!("reached: a waiting reader takes {each} bytes");
}

#[test]
fn thousands_of_readers_end_cleanly_when_the_server_does() {
    const READERS: usize = 2_000;
    make_room();
    let server = on_threads("2", &["--sse-max-age", "1h", "--drain-timeout", "120s"]);
    server.create_text("s");
    server.append_text("s", "x");
    let mut live = waiting(&server, READERS);
    server.terminate();
    for conn in &mut live {
        let answer = conn.read_response("GET").expect("an answer up to its end");
        assert!(answer.text().contains("data:x\n"), "{answer}");
        conn.expect_end();
    }
    let exit = server.wait_for_exit();
    assert_eq!(exit.code, Some(exit::STOPPED), "{exit:#?}");
}
