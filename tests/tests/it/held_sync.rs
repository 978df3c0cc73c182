//! An answer that reveals a write waits for that write's sync: while the sync of an append lasts, whoever asks about the
//! stream is kept waiting, whatever the answer will be.

use std::thread;

use headwater_tests::strace::{Fault, now};
use headwater_tests::{Launch, Server, Storage, wait};

/// How long a sync is made to last: much longer than all the requests of the test take to arrive.
const DELAY_MICROS: u64 = 2_000_000;

/// When a request was sent, and when its answer was there; in seconds since the Unix epoch.
type Times = (f64, f64);

fn timed(act: impl FnOnce()) -> Times {
    let sent = now();
    act();
    (sent, now())
}

/// A question about the stream `s`, to which `second` was appended in the commit that is held up.
type Question = (&'static str, fn(&Server));

const QUESTIONS: [Question; 6] = [
    ("a page", |server| drop(server.get("s", "offset=-1").send().expect_body("first;second;"))),
    ("a head", |server| assert_eq!(server.tail("s").position(), 13)),
    ("an event", |server| {
        let (data, _) = server.get("s", "offset=-1&live=sse").events().next_data();
        assert_eq!(data.data, "first;second;");
    }),
    ("a refusal", |server| {
        let late = server.post("s").text("x").header("Stream-Seq", "2").send();
        late.expect_error(409, "stream_seq_regression");
    }),
    ("a duplicate", |server| {
        server.post("s").text("second;").producer("p", 0, 0).send().expect(204);
    }),
    ("a creation that exists", |server| {
        server.put("s").content_type("text/plain").send().expect(200);
    }),
];

#[test]
fn answers_about_a_write_wait_for_its_sync_and_others_do_not() {
    Storage::LASTING.into_iter().for_each(check_waiting);
}

fn check_waiting(storage: Storage) {
    // Two creations and an append come first; the sync of the fourth commit is the one that is held up.
    let (launch, trace) =
        Launch::new(storage).traced(Fault::Delay { from: 4, micros: DELAY_MICROS });
    let server = launch.start();
    server.put("other").text("free").send().expect(201);
    server.create_text("s");
    let first = server.append_text("s", "first;");
    let parked = server.get("s", &format!("offset={first}&live=long-poll")).start();
    let (append, answers, reader, free) = thread::scope(|scope| {
        let begun = now();
        let append = server.post("s").text("second;").header("Stream-Seq", "2");
        let append = append.producer("p", 0, 0);
        let append = scope.spawn(|| timed(|| drop(append.send().expect(200))));
        wait::until("the append is in its sync", || trace.is_syncing_since(begun).then_some(()));
        let asked = QUESTIONS.map(|(what, ask)| {
            let server = &server;
            (what, scope.spawn(move || timed(|| ask(server))))
        });
        let reader = scope.spawn(|| timed(|| drop(parked.finish().expect_body("second;"))));
        let free = timed(|| drop(server.get("other", "offset=-1").send().expect_body("free")));
        let answers = asked.map(|(what, asked)| (what, asked.join().unwrap()));
        (append.join().unwrap(), answers, reader.join().unwrap(), free)
    });
    let sync = *trace.syncs().iter().find(|sync| sync.begun >= append.0).expect("a sync");
    assert!(append.1 >= sync.ended, "the append was acknowledged before its sync ended");
    for (what, (sent, answered)) in answers.into_iter().chain([("a waiting reader", reader)]) {
        assert!(sent < sync.ended, "{what} was asked for too late to prove anything");
        assert!(answered >= sync.ended, "{what} came before the sync ended");
    }
    assert!(free.1 < sync.ended, "a page of another stream waited for the sync");
}
