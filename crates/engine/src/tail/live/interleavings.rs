//! Readers that come and go while a stream is written, ended and created anew, in every interleaving:
//! `RUSTFLAGS="--cfg headwater_loom" cargo test --release --package headwater-engine --lib interleavings`.
//!
//! Shard, tails and feeds are those of an engine over storage in memory; loom's are the shard's lock, the count of readers, and the
//! lock of those who are woken. What happens under other locks is one step. One reader waits at a time: whom tokio wakes first of
//! several is chosen at random, and every run of a model has to be the same.
//!
//! What has to hold: as long as somebody reads, and the stream is the same, a commit is told to what the reader has; when nobody does,
//! nothing of those who did is left.

mod planted;
mod support;

use headwater_core::Expiry;
use loom::{model, thread};

use self::planted::{Planted, must_be_found};
use self::support::{House, feed, follow};
use crate::tail::{End, Mark, Tail};

fn is_told(house: &House, tail: &Tail) {
    assert_eq!(house.told(), tail.identity(), "somebody who reads is forgotten");
}

#[test]
fn who_reads_is_told_and_who_has_gone_is_not() {
    for expiry in [Expiry::Never, Expiry::Ttl(60)] {
        model(move || {
            let house = House::new(expiry);
            let reader = house.clone();
            let reading = thread::spawn(move || {
                let tail = reader.read();
                is_told(&reader, &tail);
            });
            for _ in 0..2 {
                let tail = house.read();
                is_told(&house, &tail);
            }
            reading.join().unwrap();
            house.is_left();
        });
    }
}

/// Feeds and the readers that go on from them are counted without the lock.
#[test]
fn a_feed_and_who_leaves_it_are_told() {
    model(|| {
        let house = House::new(Expiry::Never);
        let reader = house.clone();
        let reading = thread::spawn(move || drop(reader.read()));
        let tail = house.read();
        let mark = Mark { position: tail.position(), told: tail.position() };
        let feed = feed(&tail);
        drop(tail);
        let tail = feed.reader(mark);
        drop(feed);
        is_told(&house, &tail);
        drop(tail);
        reading.join().unwrap();
        house.is_left();
    });
}

/// One goes, another one comes, and a record is appended: it is for who is there.
#[test]
fn what_is_appended_comes_to_who_reads() {
    model(|| {
        let house = House::new(Expiry::Never);
        let (other, gone) = (house.clone(), house.read());
        let leaving = thread::spawn(move || drop(gone));
        let reading = thread::spawn(move || {
            let mut tail = other.read();
            assert_eq!(follow(&mut tail, 1), None);
        });
        house.append();
        leaving.join().unwrap();
        reading.join().unwrap();
        house.is_left();
    });
}

/// Who reads the stream of before is told that it is gone, and its leaving takes nothing from those who read the new one.
#[test]
fn who_reads_a_stream_created_anew_is_told() {
    model(|| {
        let house = House::new(Expiry::Never);
        let mut before = house.read();
        let leaving = thread::spawn(move || {
            let end = follow(&mut before, 1);
            assert_eq!(end, Some(End::Deleted));
        });
        house.delete();
        house.create(Expiry::Never);
        let mut tail = house.read();
        is_told(&house, &tail);
        leaving.join().unwrap();
        is_told(&house, &tail);
        house.append();
        assert_eq!(follow(&mut tail, 1), None);
        drop(tail);
        house.is_left();
    });
}

/// Who comes at the end of all is refused, or told as those are who were there.
#[test]
fn nobody_reads_on_after_the_end_of_all() {
    model(|| {
        let house = House::new(Expiry::Never);
        let (reader, gone) = (house.clone(), house.read());
        let reading = thread::spawn(move || {
            let told =
                reader.try_read().map_or(Some(End::Draining), |mut tail| follow(&mut tail, 1));
            assert_eq!(told, Some(End::Draining));
        });
        let leaving = thread::spawn(move || drop(gone));
        house.drain();
        house.is_left();
        leaving.join().unwrap();
        reading.join().unwrap();
        house.is_left();
    });
}

/// One who comes and goes twice, and another one who comes and goes; where they do so by the rules, all that is asserted holds.
fn come_and_go(planted: Planted) {
    let house = House::new(Expiry::Never);
    let reader = house.clone();
    let reading = thread::spawn(move || planted.come_and_go(&reader));
    planted.come_and_go(&house);
    planted.come_and_go(&house);
    reading.join().unwrap();
    house.is_left();
}

#[test]
fn readers_by_the_rules_are_told() {
    model(|| come_and_go(Planted::Nothing));
}

#[test]
fn one_who_does_not_look_whether_somebody_came_is_found() {
    must_be_found("somebody who reads is forgotten", || come_and_go(Planted::ForgetsUnlooked));
}

#[test]
fn one_who_counts_in_two_steps_is_found() {
    must_be_found("readers are kept that have gone", || come_and_go(Planted::CountsInTwoSteps));
}

#[test]
fn one_who_enters_without_the_lock_is_found() {
    must_be_found("somebody who reads is forgotten", || come_and_go(Planted::EntersUnlocked));
}

#[test]
fn one_who_forgets_those_of_a_stream_created_anew_is_found() {
    must_be_found("somebody who reads is forgotten", || {
        let house = House::new(Expiry::Never);
        let (reader, live) = (house.clone(), Planted::ForgetsOthers.begin(&house));
        let leaving = thread::spawn(move || Planted::ForgetsOthers.leave(&reader, &live));
        house.delete();
        house.create(Expiry::Never);
        let tail = house.read();
        leaving.join().unwrap();
        is_told(&house, &tail);
    });
}
