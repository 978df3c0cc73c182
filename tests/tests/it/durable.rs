//! Durable means synced: every acknowledged write was followed by a sync before its answer.

use headwater_tests::strace::{Fault, Trace, now};
use headwater_tests::{Launch, Server, Storage};

const APPENDS: usize = 50;

/// Does a write of every kind, and tells of each whether the database's file was synced between the request and its
/// answer.
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
    let (launch, trace) = Launch::new(Storage::Sled).traced(Fault::None);
    for (what, synced) in writes(&launch.start(), &trace) {
        assert!(synced, "{what} was acknowledged without a sync");
    }
}

#[test]
fn where_nothing_is_synced_the_same_look_finds_no_sync() {
    let (launch, trace) = Launch::new(Storage::Memory).traced(Fault::None);
    for (what, synced) in writes(&launch.start(), &trace) {
        assert!(!synced, "a sync was seen for {what}");
    }
    assert_eq!(trace.syncs(), []);
}
