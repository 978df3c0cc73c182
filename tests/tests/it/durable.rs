//! Durable means synced: every acknowledged write was followed by a sync before its answer.

use std::thread;

use headwater_tests::strace::{Fault, Trace, now};
use headwater_tests::{Launch, Server, Storage};

const APPENDS: usize = 50;

/// Does a write of every kind, and tells of each whether there was a sync that makes a commit durable between the request and
/// its answer.
fn writes(server: &Server, trace: &Trace) -> Vec<(String, bool)> {
    let mut synced = Vec::new();
    let mut write = |what: String, act: &dyn Fn()| {
        let asked = now();
        act();
        let answered = now();
        let within = |sync: &headwater_tests::strace::Sync| {
            sync.succeeded && asked <= sync.begun && sync.ended <= answered
        };
        synced.push((what, trace.syncs().iter().any(within)));
    };
    write("the creation".to_owned(), &|| drop(server.create_text("s")));
    for number in 0..APPENDS {
        let text = format!("{number};");
        write(format!("append {number}"), &|| drop(server.append_text("s", &text)));
    }
    write("the producer's append".to_owned(), &|| {
        drop(server.post("s").text("p").producer("p", 0, 0).send().expect(200));
    });
    write("the fork".to_owned(), &|| drop(server.fork("fork", "s", None)));
    write("the close".to_owned(), &|| drop(server.close("s")));
    write("the deletion".to_owned(), &|| drop(server.delete("s").send().expect(204)));
    synced
}

#[test]
fn every_sequential_write_is_synced_before_its_answer() {
    for storage in Storage::LASTING {
        let (launch, trace) = Launch::new(storage).traced(Fault::None);
        let writes = writes(&launch.start(), &trace);
        for (what, synced) in &writes {
            assert!(synced, "{what} was acknowledged without a sync by {storage}");
        }
        assert!(trace.syncs().len() >= writes.len());
    }
}

#[test]
fn reads_are_not_synced() {
    for storage in Storage::LASTING {
        let (launch, trace) = Launch::new(storage).traced(Fault::None);
        let server = launch.start();
        server.put("s").text("x").send().expect(201);
        let before = trace.syncs().len();
        for _ in 0..APPENDS {
            server.get("s", "offset=-1").send().expect_body("x");
            server.head("s").send().expect(200);
        }
        // The server may pack what is recent meanwhile, which it does now and then and not with every request.
        let syncs = trace.syncs().len() - before;
        assert!(
            syncs < APPENDS / 5,
            "{storage}: {syncs} syncs, and {APPENDS} times nothing was written"
        );
    }
}

#[test]
fn writers_side_by_side_share_syncs() {
    const WRITERS: usize = 16;
    const EACH: usize = 8;
    for storage in Storage::LASTING {
        // With syncs as slow as a real disk's, there is always somebody else to share one with.
        let (launch, trace) = Launch::new(storage).traced(Fault::Delay { from: 1, micros: 20_000 });
        let server = launch.start();
        let streams: Vec<String> = (0..WRITERS).map(|number| format!("s{number}")).collect();
        streams.iter().for_each(|stream| drop(server.create_text(stream)));
        let before = trace.syncs().len();
        thread::scope(|scope| {
            for stream in &streams {
                let append = |number| drop(server.append_text(stream, &format!("{number};")));
                scope.spawn(move || (0..EACH).for_each(append));
            }
        });
        let syncs = trace.syncs().len() - before;
        assert!(
            syncs <= WRITERS * EACH / 3,
            "{storage}: {syncs} syncs for {} appends",
            WRITERS * EACH
        );
    }
}

#[test]
fn in_memory_no_file_is_synced() {
    let (launch, trace) = Launch::new(Storage::Memory).traced(Fault::None);
    for (what, synced) in writes(&launch.start(), &trace) {
        assert!(!synced, "a sync was seen for {what}");
    }
    assert!(trace.is_recording());
    assert_eq!(trace.syncs_of_any_file(), 0);
}
