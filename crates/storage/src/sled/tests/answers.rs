//! Every request is answered, whatever becomes of the database.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures_channel::oneshot;
use headwater_core::change::{Change, Unit};
use headwater_core::storage::{Refusal, Stamp, UnitResult};
use headwater_core::{StoreId, Timestamp, Version};

use super::super::committer::Committer;
use super::key;
use super::{Directory, packed_when_closed};
use crate::local::committer::{self, Ending, Request};
use crate::local::row::Row;
use crate::testkit::{Rig, make};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request that creates a stream, and where its results arrive.
fn creation(name: &str) -> (Request, Receiver<Vec<UnitResult>>) {
    request(vec![make::unit([make::creation(&key(name), make::birth())])])
}

/// A request, and where its results arrive.
fn request(group: Vec<Unit>) -> (Request, Receiver<Vec<UnitResult>>) {
    let (sender, results) = mpsc::channel();
    let done = Box::new(move |results| sender.send(results).unwrap());
    (Request::Commit { group, now: Timestamp(1), done }, results)
}

#[test]
fn who_commits_after_a_panic_is_answered_all_the_same() {
    let directory = Directory::new(packed_when_closed());
    let committer = directory.committer();
    let (requests, queue) = mpsc::channel();
    let (before, told) = creation("before");
    requests.send(before).unwrap();
    let (closed, closing) = oneshot::channel();
    requests.send(Request::Close(closed)).unwrap();
    let (after, told_after) = creation("after");
    requests.send(after).unwrap();
    let endings = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&endings);
    let release = move |_: Committer, ending: Ending| {
        seen.lock().unwrap().push(ending);
        panic!("what sled says when it is dropped");
    };
    let thread = thread::spawn(move || committer::run(committer, &queue, release));
    assert!(matches!(told.recv_timeout(PATIENCE).unwrap()[..], [UnitResult::Committed(_)]));
    let refused = vec![UnitResult::Refused(Refusal::Closed)];
    assert_eq!(told_after.recv_timeout(PATIENCE).unwrap(), refused);
    drop(requests);
    thread.join().unwrap();
    assert_eq!(*endings.lock().unwrap(), [Ending::Clean]);
    drop(closing);
}

/// A store whose state of the stream `a/damaged`, and whose counters of the space `b`, fail their checksums.
fn damaged() -> (Directory, Committer, impl Fn(&str) -> Version) {
    let directory = Directory::new(packed_when_closed());
    let rig = Rig::open(&directory).unwrap();
    let names = ["a/good", "a/other", "a/damaged", "b/stream"].map(key);
    for name in &names {
        rig.create(name, make::birth()).unwrap();
        rig.append(name, make::batch(1, &[10]).unwrap()).unwrap();
    }
    let versions = names.clone().map(|name| rig.version(&name).unwrap());
    rig.close().unwrap();
    drop(rig);
    let committer = directory.committer();
    let rows = [Row::state(&names[2]), Row::Space { store: StoreId::default(), space: "b" }];
    let rows = rows.map(|row| (row.key(), vec![1, 0, 0, 0, 0, 0]));
    committer.writer.view.packed.append(rows.into()).unwrap();
    let version =
        move |name: &str| versions[names.iter().position(|known| *known == key(name)).unwrap()];
    (directory, committer, version)
}

fn append(name: &str, version: Version) -> Change {
    make::append(&key(name), version, make::batch(2, &[7]).unwrap())
}

#[test]
fn what_cannot_be_read_refuses_its_own_unit_and_nothing_else() {
    let (_directory, committer, version) = damaged();
    let (good, other) = (version("a/good"), version("a/other"));
    let group = vec![
        make::unit([append("a/damaged", version("a/damaged"))]),
        make::unit([append("a/good", good)]),
        // Refused for its second part, and with it the first one.
        make::unit([append("a/other", other), append("b/stream", version("b/stream"))]),
        // Based on what was refused.
        make::unit([append("a/other", make::next(other))]),
        make::unit([append("a/good", make::next(good))]),
    ];
    let (first, told) = request(group);
    let (second, told_second) = request(vec![make::unit([append("a/other", other)])]);
    let (requests, queue) = mpsc::channel();
    requests.send(first).unwrap();
    requests.send(second).unwrap();
    drop(requests);
    committer::run(committer, &queue, |_, _| Ok(()));
    let results = told.recv_timeout(PATIENCE).unwrap();
    let unreadable = UnitResult::Refused(Refusal::Unreadable);
    let kinds = [results[0].clone(), results[2].clone(), results[3].clone()];
    assert_eq!(kinds, [unreadable.clone(), unreadable, UnitResult::Conflict]);
    // Three streams with one record each are in the space already.
    let second = told_second.recv_timeout(PATIENCE).unwrap();
    let numbers = [&results[1], &results[4], &second[0]].map(|result| match result {
        UnitResult::Committed(Stamp { unit, first, .. }) => (unit.0, first[0].0),
        other => panic!("{other:?}"),
    });
    assert_eq!(numbers, [(9, 4), (10, 5), (11, 6)]);
}
