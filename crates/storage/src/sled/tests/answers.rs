//! Every request is answered, whatever becomes of the database.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures_channel::oneshot;
use headwater_core::Timestamp;
use headwater_core::storage::{Refusal, UnitResult};

use super::super::committer::{self, Committer, Ending, Request};
use super::super::open::{self, Settings};
use super::{Directory, packed_when_closed};
use crate::testkit::make;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

fn opened(directory: &Directory) -> Committer {
    let pace = committer::Pace { recent_bytes: usize::MAX / 2, idle: Duration::from_secs(3600) };
    let safeguards = Arc::clone(&directory.safeguards);
    open::open(&directory.path(), &Settings { cache_bytes: 1 << 20, pace, safeguards }).unwrap()
}

/// A request that creates a stream, and where its results arrive.
fn creation(name: &str) -> (Request, Receiver<Vec<UnitResult>>) {
    let group = vec![make::unit([make::creation(&make::key(name).unwrap(), make::birth())])];
    let (sender, results) = mpsc::channel();
    let done = Box::new(move |results| sender.send(results).unwrap());
    (Request::Commit { group, now: Timestamp(1), done }, results)
}

#[test]
fn who_commits_after_a_panic_is_answered_all_the_same() {
    let directory = Directory::new(packed_when_closed());
    let committer = opened(&directory);
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
