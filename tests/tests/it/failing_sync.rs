//! A sync that fails: nothing it should have made durable is acknowledged, nothing more is accepted, what is durable
//! can be read, and the next start decides.

use headwater_tests::http::{Call, Response};
use headwater_tests::strace::Fault;
use headwater_tests::{Launch, Server, Storage, exit};

/// The first sync that fails, of those of the thread that commits.
const FIRST_FAILURE: usize = 8;

fn append(server: &Server, number: usize) -> Call {
    server.post("s").text(&record(number)).producer("p", 0, number as u64)
}

fn record(number: usize) -> String {
    format!("{number};")
}

fn records(count: usize) -> String {
    (0..count).map(record).collect()
}

/// A server whose storage has failed under an append, and how many had been acknowledged before.
struct Poisoned {
    server: Server,
    acknowledged: usize,
    unknown: Response,
}

/// Appends until a sync fails.
fn poison(storage: Storage) -> Poisoned {
    // A machine that stands still for a second lets the server pack what is recent, and the fault meets that sync
    // instead of an append's; such a server is of no use here.
    (0..5).find_map(|_| try_poison(storage)).expect("a sync of an append fails")
}

fn try_poison(storage: Storage) -> Option<Poisoned> {
    let (launch, _) = Launch::new(storage).traced(Fault::Fail { from: FIRST_FAILURE });
    let server = launch.start();
    server.put("old").text("old").send().expect(201);
    server.create_text("s");
    for number in 0..FIRST_FAILURE {
        let answer = append(&server, number).try_send().expect("an answer");
        match answer.status() {
            200 => {}
            503 => return None,
            _ => return Some(Poisoned { server, acknowledged: number, unknown: answer }),
        }
    }
    panic!("no sync failed");
}

/// Starts it again without the fault, and checks what the start decided.
fn reopen(launch: &Launch, acknowledged: usize) {
    let server = launch.clone().untraced().start();
    assert_eq!(server.read_text("old"), "old");
    let found = server.read_text("s");
    let whole = records(acknowledged + 1);
    assert!(found == whole || found == records(acknowledged), "{acknowledged}: {found}");
    // The producer asks again, and its record is there once.
    let again = append(&server, acknowledged).send();
    assert_eq!(again.status(), if found == whole { 204 } else { 200 }, "{again}");
    assert_eq!(server.read_text("s"), whole);
    server.create_text("new");
    let launch = server.stop();
    assert!(launch.data_dir().join("SEAL").exists(), "a clean stop seals");
}

#[test]
fn nothing_is_acknowledged_and_what_is_durable_is_served() {
    Storage::LASTING.into_iter().for_each(check_poisoned);
}

fn check_poisoned(storage: Storage) {
    let Poisoned { server, acknowledged, unknown } = poison(storage);
    assert!(acknowledged >= 3, "{acknowledged}");
    let unknown = unknown.expect_error(500, "unknown_outcome");
    assert_eq!(unknown.json()["error"]["outcome"], "unknown", "{unknown}");
    let unknown = unknown.expect_header("Cache-Control", "no-store");
    unknown.expect_header("Access-Control-Allow-Origin", "*");
    for refused in [
        append(&server, acknowledged),
        server.post("old").text("x"),
        server.put("new").content_type("text/plain"),
        server.delete("old"),
    ] {
        refused.send().expect_error(503, "storage_poisoned");
    }
    assert_eq!(server.read_text("s"), records(acknowledged));
    assert_eq!(server.read_text("old"), "old");
    server.head("s").send().expect(200);
    server.head("new").send().expect(404);
    let mut server = server;
    server.kill9();
    reopen(server.launch(), acknowledged);
}

#[test]
fn an_end_after_it_is_not_a_clean_one() {
    for storage in Storage::LASTING {
        let Poisoned { server, acknowledged, .. } = poison(storage);
        let launch = server.launch().clone();
        server.terminate();
        let exit = server.wait_for_exit();
        exit.expect(exit::INTERNAL, &["did not close cleanly", "a write or a sync failed"]);
        assert!(!launch.data_dir().join("SEAL").exists(), "a failed storage was sealed");
        reopen(&launch, acknowledged);
    }
}
