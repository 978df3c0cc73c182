//! The log's own synchronisation: wake-ups, waiting for room, policies, leaving.

use std::task::Poll;

use headwater_fanout::{
    Audience, Delivery, End, Limits, Log, Policy, SendError, Standing, Subscriber, Taken, Took,
};
use loom::future::block_on;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Notify};
use loom::thread;

use crate::planted::must_be_found;
use crate::support::{Bell, Note, follow, model};

#[test]
fn whoever_sleeps_is_told() {
    model(|| {
        let called = Arc::new(Notify::new());
        let calls = Arc::clone(&called);
        let log = Log::new(Limits::new(4, 4), move || calls.notify());
        let reader = log.subscribe(Standing::Fixed(Policy::DropNewest)).unwrap();
        let reading = thread::spawn(move || follow(reader));
        let distributing = {
            let log = log.clone();
            thread::spawn(move || {
                while !log.is_closed() {
                    called.wait();
                    log.distribute();
                }
            })
        };
        log.publish(Note(0), Audience::All).unwrap();
        log.publish(Note(1), Audience::All).unwrap();
        log.close();
        assert_eq!(reading.join().unwrap(), (vec![0, 1], End::Closed));
        distributing.join().unwrap();
    });
}

/// When a subscriber that was told looks whether there is something.
#[derive(Clone, Copy)]
enum Look {
    /// Each time.
    EachTime,
    /// Only when it was not asleep the last time: it does not see that it was told since.
    UnlessItSlept,
}

/// Like a task that looks once more before it sleeps, and takes only when it has been told; one message at a time.
fn doze(mut subscriber: Subscriber<Note, Bell>, look: Look) -> Vec<u64> {
    let (mut taken, mut all) = (Taken::new(), Vec::new());
    let bell = Arc::new(Notify::new());
    let mut asleep = false;
    loop {
        loop {
            let waits = match look {
                Look::EachTime => subscriber.is_waiting(),
                Look::UnlessItSlept => asleep,
            };
            if waits {
                break;
            }
            let handle = || Bell(Arc::clone(&bell));
            let took = subscriber.take_or_park(&Limits::new(1, 10), &mut taken, handle);
            all.extend(taken.iter().filter_map(|delivery| match delivery {
                Delivery::Message { message, .. } => Some(message.0),
                Delivery::Lost(_) => None,
            }));
            if matches!(took, Took::End(_)) {
                return all;
            }
            asleep = subscriber.is_waiting();
        }
        bell.wait();
    }
}

fn tell_one_who_dozes(look: Look) {
    let log = Log::new(Limits::new(4, 4), || {});
    let reader = log.subscribe(Standing::Fixed(Policy::DropNewest)).unwrap();
    let reading = thread::spawn(move || doze(reader, look));
    log.publish(Note(0), Audience::All).unwrap();
    log.publish(Note(1), Audience::All).unwrap();
    log.distribute();
    log.close();
    assert_eq!(reading.join().unwrap(), [0, 1]);
}

#[test]
fn who_finds_that_it_waits_is_told() {
    model(|| tell_one_who_dozes(Look::EachTime));
}

#[test]
fn a_sleeper_that_is_not_woken_is_found() {
    must_be_found("log::a_sleeper_that_is_not_woken_is_found", "deadlock", || {
        tell_one_who_dozes(Look::UnlessItSlept);
    });
}

#[test]
fn a_sender_that_waits_goes_on_and_loses_nothing() {
    model(|| {
        let log = Log::new(Limits::new(1, 4), || {});
        let reader = log.subscribe(Standing::Fixed(Policy::Wait)).unwrap();
        let reading = thread::spawn(move || follow(reader));
        for number in 0..2 {
            let sent = block_on(std::future::poll_fn(|cx| {
                match log.try_send(cx, Note(number), Audience::All) {
                    Ok(sequence) => Poll::Ready(sequence),
                    Err(SendError::Full(_)) => Poll::Pending,
                    Err(SendError::Refused(error)) => panic!("{error}"),
                }
            }));
            assert_eq!(sent, number);
            log.distribute();
        }
        log.close();
        assert_eq!(reading.join().unwrap(), (vec![0, 1], End::Closed));
    });
}

#[test]
fn one_that_is_disconnected_while_it_falls_asleep_is_told() {
    model(|| {
        let log = Log::new(Limits::new(2, 2), || {});
        let reader = log.subscribe(Standing::Ask).unwrap();
        let id = reader.id();
        let reading = thread::spawn(move || follow(reader));
        log.publish(Note(0), Audience::All).unwrap();
        log.decide(id, Policy::Disconnect);
        let (all, end) = reading.join().unwrap();
        assert!(all.len() <= 1 && end == End::Slow);
    });
}

#[test]
fn those_who_leave_while_they_are_told_leave_nothing_behind() {
    model(|| {
        let log = Log::new(Limits::new(2, 2), || {});
        let mut reader = log.subscribe(Standing::Ask).unwrap();
        let leaving = thread::spawn(move || {
            let bell = Arc::new(Notify::new());
            let took = reader.take_or_park(&Limits::default(), &mut Taken::new(), || Bell(bell));
            assert!(matches!(took, Took::All | Took::Nothing));
        });
        log.publish(Note(0), Audience::All).unwrap();
        log.distribute();
        leaving.join().unwrap();
        let numbers = log.numbers();
        assert_eq!((numbers.subscribers, numbers.parked, numbers.window_messages), (0, 0, 0));
    });
}

/// A call that is not passed on because somebody seems to be distributing already.
#[test]
fn a_call_that_gets_lost_is_found() {
    must_be_found("log::a_call_that_gets_lost_is_found", "deadlock", lose_a_call);
}

fn lose_a_call() {
    let (called, busy) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let (calls, seen) = (Arc::clone(&called), Arc::clone(&busy));
    let log = Log::new(Limits::new(4, 4), move || {
        if !seen.load(Ordering::SeqCst) {
            calls.notify();
        }
    });
    let mut reader = log.subscribe(Standing::Fixed(Policy::DropNewest)).unwrap();
    let reading = thread::spawn(move || {
        let (mut taken, bell) = (Taken::new(), Arc::new(Notify::new()));
        let mut seen = 0;
        while seen < 2 {
            let handle = || Bell(Arc::clone(&bell));
            let took = reader.take_or_park(&Limits::new(10, 10), &mut taken, handle);
            assert!(matches!(took, Took::All | Took::Nothing));
            seen += taken.messages();
            if seen < 2 {
                bell.wait();
            }
        }
    });
    {
        let log = log.clone();
        thread::spawn(move || {
            for _ in 0..2 {
                called.wait();
                busy.store(true, Ordering::SeqCst);
                log.distribute();
                busy.store(false, Ordering::SeqCst);
            }
        });
    }
    log.publish(Note(0), Audience::All).unwrap();
    log.publish(Note(1), Audience::All).unwrap();
    reading.join().unwrap();
}
