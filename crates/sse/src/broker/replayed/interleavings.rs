//! The seam between what is read from the log and what is handed out, in every interleaving:
//! `RUSTFLAGS="--cfg headwater_loom" cargo test --release --package headwater-sse --features broker --lib interleavings`.
//!
//! The log, the task that follows it and the subscription are those of the broker; what runs them, and distributes, is the model. Wake-ups
//! within the log of subscribers have models of their own in `headwater-fanout`.

mod planted;
mod support;

use std::num::NonZeroUsize;

use loom::thread;

use self::planted::{Planted, must_be_found};
use self::support::{House, TOLD, model};

/// More than is appended.
const ALL: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// Two events that race with somebody who comes back with the id of the first of all.
#[test]
fn what_is_published_between_replay_and_live_comes_once_and_in_order() {
    model(|| {
        let house = House::new(4, ALL);
        house.append();
        house.append();
        let tasks = house.start();
        let reader = house.clone();
        let reading = thread::spawn(move || reader.read(1, 3));
        house.append();
        assert_eq!(reading.join().unwrap(), [2, 3]);
        house.end(tasks);
    });
}

/// Room for one event: whoever is left behind reads the log and comes back to what is handed out.
#[test]
fn who_is_left_behind_misses_nothing() {
    model(|| {
        let house = House::new(1, ALL);
        let tasks = house.start();
        let reader = house.clone();
        let reading = thread::spawn(move || reader.read(0, 2));
        house.append();
        house.append();
        assert_eq!(reading.join().unwrap(), [1, 2]);
        house.end(tasks);
    });
}

/// A log that keeps one event: whoever is too late for the one before it is told, also when it is who hands out that was too late.
#[test]
fn what_is_gone_is_told() {
    model(|| {
        let house = House::new(4, NonZeroUsize::MIN);
        let tasks = house.start();
        let reader = house.clone();
        let reading = thread::spawn(move || reader.read(0, 2));
        house.append();
        house.append();
        let read = reading.join().unwrap();
        assert!(read == [1, 2] || read == [TOLD, 2], "{read:?}");
        house.end(tasks);
    });
}

/// What was handed out before the broker was closed is still taken, and nobody waits for ever.
#[test]
fn who_reads_while_it_is_closed_gets_the_beginning_and_the_end() {
    model(|| {
        let house = House::new(4, ALL);
        house.append();
        let tasks = house.start();
        let reader = house.clone();
        let reading = thread::spawn(move || reader.read(0, u64::MAX));
        house.append();
        house.end(tasks);
        let read = reading.join().unwrap();
        assert!([1, 2, 3].starts_with(&read), "{read:?}");
    });
}

fn race_with(planted: Planted) {
    let house = House::new(4, ALL);
    house.append();
    let tasks = house.start();
    let reader = house.clone();
    let reading = thread::spawn(move || planted.read(&reader, 3));
    house.append();
    house.append();
    assert_eq!(reading.join().unwrap(), [1, 2, 3], "not what was published");
    house.end(tasks);
}

#[test]
fn one_who_reads_before_it_subscribes_is_found() {
    must_be_found("one_who_reads_before_it_subscribes_is_found", "deadlock", || {
        race_with(Planted::ReadsFirst);
    });
}

#[test]
fn one_who_takes_what_it_has_read_is_found() {
    must_be_found("one_who_takes_what_it_has_read_is_found", "not what was published", || {
        race_with(Planted::TakesAll);
    });
}
